"""The routes, and how large, how slow and how many requests may be.

This runs beside the processes of the model, not in them, so that it answers when they have ended.
"""

import asyncio
import hmac
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from tfstyle.server import codec, openapi, plain, refused
from tfstyle.server.pool import Pool
from tfstyle.server.refused import Refused
from tfstyle.server.watch import ID_HEADER, Watch, request_id
from tfstyle.server.worker import NAME

STATUS_ROUTE = f"/v1/models/{NAME}"
PREDICT_ROUTE = f"{STATUS_ROUTE}:predict"
METRICS_FORM = "text/plain; version=0.0.4; charset=utf-8"
HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}
_log = logging.getLogger("tfstyle.serve")


class Limits(NamedTuple):
    """What a server takes on.

    Attributes:
        token: what requests must show; empty: nothing.
        request_bytes: most bytes of a request.
        body_timeout: seconds in which they must have arrived.
        timeout: seconds from then to the answer.
    """

    token: str
    request_bytes: int
    body_timeout: float
    timeout: float


class Route(NamedTuple):
    """A method for a path.

    Attributes:
        method: of HTTP.
        answer: from a request to its response.
        described: what OpenAPI says of it.
        is_open: whether it needs no token.
    """

    method: str
    answer: Callable[[Request], Any]
    described: dict[str, Any]
    is_open: bool = False


class App:
    """An ASGI application.

    Args:
        pool: the processes of the model, which have been started.
        limits: for all requests.
        watch: is told of all requests.

    Attributes:
        routes: `{path: Route}`.
    """

    def __init__(self, pool: Pool, limits: Limits, watch: Watch):
        self._pool, self._limits, self._watch = pool, limits, watch
        self.routes = {
            "/healthz": Route("GET", self._health, openapi.HEALTH, is_open=True),
            "/readyz": Route("GET", self._readiness, openapi.READINESS, is_open=True),
            "/openapi.json": Route("GET", self._description, openapi.DESCRIPTION, is_open=True),
            "/metrics": Route("GET", self._metrics, openapi.METRICS),
            STATUS_ROUTE: Route("GET", self._status, openapi.STATUS),
            PREDICT_ROUTE: Route("POST", self._predict, openapi.predict(pool.facts)),
        }
        for signature, inputs in plain.signatures(pool.facts).items():
            method = "POST" if plain.IMAGE in inputs else "GET"
            known = plain.parameters(pool.facts, inputs)
            described = openapi.plain_route(signature, known, plain.IMAGE in inputs)
            self.routes[f"/{signature}"] = Route(method, self._painter(signature, known), described)

    async def __call__(self, scope, receive, send):
        request = Request(scope, receive)
        path, name = scope["path"], request_id(request.headers.get(ID_HEADER))
        client = request.client.host if request.client else "-"
        route = path if path in self.routes else "other"
        with self._watch.request(name, client, f"{request.method} {path}", route) as told:
            told.code = refused.LEFT
            try:
                response = await self._routed(request)
            except Refused as error:
                response = _refusal(error)
            except codec.BadRequest as error:
                response = _refusal(Refused(400, str(error)))
            except ClientDisconnect:
                return
            except Exception as error:
                _log.exception("request %s failed", name)
                response = _refusal(refused.failed(error))
            response.headers[ID_HEADER] = name
            told.code, told.size = response.status_code, len(response.body)
            await response(scope, receive, send)

    async def _routed(self, request):
        path = request.scope["path"]
        if path not in self.routes:
            raise Refused(404, f"expected one of {', '.join(self.routes)}, received {path}")
        route = self.routes[path]
        if request.method != route.method:
            raise Refused(405, f"expected the method {route.method}, received {request.method}")
        if not route.is_open:
            authorize(self._limits, request.headers.get("authorization", ""))
        return await route.answer(request)

    async def _health(self, request):
        return JSONResponse({"status": "alive"})

    async def _readiness(self, request):
        self._pool.check()
        return JSONResponse({"status": "ready"})

    async def _description(self, request):
        return JSONResponse(openapi.described(self.routes, bool(self._limits.token)))

    async def _metrics(self, request):
        return Response(self._watch.metrics(), media_type=METRICS_FORM)

    async def _status(self, request):
        """As TensorFlow Serving says it."""
        status = {"error_code": "OK", "error_message": ""}
        version = str(self._pool.facts["version"])
        state = {"version": version, "state": "AVAILABLE", "status": status}
        return JSONResponse({"model_version_status": [state]})

    async def _predict(self, request):
        return await self._computed(request, "json")

    def _painter(self, signature, known):
        async def painted(request):
            numbers = plain.read(request.query_params, known)
            form = plain.form_of(request.headers.get("accept", ""))
            return await self._computed(
                request, "picture", signature=signature, numbers=numbers, form=form
            )

        return painted

    async def _computed(self, request, kind, **options):
        with self._pool.place() as place:
            body = await self._body(request)
            asked = self._pool.answer(place, kind, body, **options)
            answer = await self._awaited(request, asked)
        if answer.trace:
            _log.error("a request failed in the process of the model\n%s", answer.trace)
        if answer.code != 200:
            raise Refused(answer.code, answer.content)
        return Response(answer.content, media_type=answer.form)

    async def _body(self, request):
        limit = self._limits.request_bytes
        sentence = f"expected a request of at most {limit} bytes, received more"
        length = request.headers.get("content-length", "0")
        if length.isdecimal() and int(length) > limit:
            raise Refused(413, sentence)

        async def whole():
            body = bytearray()  # a body in chunks does not say how long it will be
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise Refused(413, sentence)
            return bytes(body)

        try:
            return await asyncio.wait_for(whole(), self._limits.body_timeout)
        except asyncio.TimeoutError as error:  # noqa: UP041 - another one in Python 3.10
            seconds = self._limits.body_timeout
            raise Refused(408, f"expected the whole request in {seconds:g} s") from error

    async def _awaited(self, request, asked):
        """What is asked for, unless it is late, or the client has left."""
        answered, left = asyncio.ensure_future(asked), asyncio.ensure_future(_left(request))
        try:
            await asyncio.wait(
                {answered, left},
                timeout=self._limits.timeout,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if answered.done():
                return answered.result()
            raise ClientDisconnect if left.done() else refused.late(self._limits.timeout)
        finally:
            for each in (answered, left):
                each.cancel()


def authorize(limits: Limits, header: str) -> None:
    """Raises `Refused` where a header is not the one of the token."""
    expected = f"Bearer {limits.token}".encode()
    if limits.token and not hmac.compare_digest(header.encode(), expected):
        raise Refused(401, 'expected the header "Authorization: Bearer" with the right token')


async def _left(request):
    """Ends when the client has left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _refusal(error):
    return JSONResponse({"error": str(error)}, error.code, HEADERS.get(error.code))
