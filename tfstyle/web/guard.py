"""Who may talk to the page: itself, and nobody else.

A browser sends requests to this machine for any page that it shows, and a name can be made to point
here (DNS rebinding). So the name that was asked for, the page that asks, and beyond this machine a
token are checked before anything is done.
"""

import ipaddress
import secrets
import socket
import urllib.parse
from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from tfstyle.web.refused import Refused

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
SIGN_IN = """<!doctype html><html lang="en"><meta charset="utf-8"><title>tfstyle</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/page/page.css">
<main class="sign-in"><h1>tfstyle</h1><form><label for="token">The token of this
page</label><input id="token" name="token" type="password" required
autocomplete="off" autofocus><button class="primary">Enter</button></form></main></html>"""
OPEN = ("/page/page.css",)  # without a token: what the page that asks for it looks like


def token_in(path: str) -> str:
    """The token in a file.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"token_file: expected a file that can be read: {error}") from error


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on that address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Guard:
    """An ASGI application around another.

    Args:
        app: the other.
        host: address that is listened on.
        names: under which it is reached, besides addresses, localhost and the machine's own name.
        token: what everybody must show; `None` for nothing.
    """

    def __init__(self, app, host: str, names: Iterable[str] = (), token: str | None = None):
        self._app, self._token = app, token
        self._is_local = is_loopback(host)
        own = [] if self._is_local else [socket.gethostname()]
        self._names = {name.lower() for name in ("localhost", host, *own, *names)}

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":  # "lifespan"; there are no websockets
            await self._app(scope, receive, send)
            return

        async def guarded(message):
            if message["type"] == "http.response.start":
                known = {name for name, _ in message["headers"]}
                more = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] += [each for each in more if each[0] not in known]
            await send(message)

        request = Request(scope)
        try:
            self._check_host(request)
            self._check_origin(request)
            answer = self._sign_in(request)
        except Refused as refused:
            answer = JSONResponse({"error": str(refused)}, refused.code)
        await (answer or self._app)(scope, receive, guarded)

    def _check_host(self, request):
        name = _hostname(f"//{request.headers.get('host', '')}")
        if not (name in self._names or self._is_address(name)):
            raise Refused(421, f"host: expected one of {', '.join(self._names)}, received {name!r}")

    def _is_address(self, name):
        """Whether it is an address by which the page may be reached; no name is needed for it."""
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not self._is_local

    def _check_origin(self, request):
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
        is_visit = (
            request.method == "GET"
            and request.url.path == "/"
            and request.headers.get("sec-fetch-mode") == "navigate"
        )
        own = f"//{request.headers.get('host', '')}"
        is_foreign = origin is not None and origin.partition(":")[2] != own
        if is_foreign or site not in (None, "same-origin", "none") and not is_visit:
            raise Refused(403, "origin: expected a request of the page itself, received another's")

    def _sign_in(self, request) -> Response | None:
        """The answer to someone without the token, or with it in the address; else `None`."""
        if self._token is None or request.url.path in OPEN:
            return None
        name = f"tfstyle_{request.url.port or 80}"  # cookies do not know ports
        shown = request.query_params.get("token") if request.url.path == "/" else None
        if shown is not None and self._is_right(shown):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(name, shown, httponly=True, samesite="strict")
            return answer
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._is_right(bearer) or self._is_right(request.cookies.get(name, "")):
            return None
        if request.url.path == "/":
            return HTMLResponse(SIGN_IN, 401)
        raise Refused(401, "token: expected the one that tfstyle web printed, received another")

    def _is_right(self, shown):
        return secrets.compare_digest(shown.encode(), str(self._token).encode())


def _hostname(url):
    try:
        return (urllib.parse.urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""
