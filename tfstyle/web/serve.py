"""The page's process, from its start to its end."""

import contextlib
import os
import re
import secrets
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from tfstyle.web import WebSettings, app
from tfstyle.web.guard import is_loopback, token_in

PREFIX = "tfstyle-web-"
SHORTEST_TOKEN = 16
MOST_CONNECTIONS = 100


def serve(settings: WebSettings, typed: Callable[..., str], say: Callable[[str], None]) -> None:
    """Serves the page until it is interrupted.

    Args:
        settings: where, and within which limits.
        typed: see `tfstyle.cli.run.typed`.
        say: is told the address.

    Raises:
        ValueError: a token or an address that cannot be used.
    """
    token, listening = _token(settings), _listen(settings)
    host, port = listening.getsockname()[:2]
    is_anywhere = host in ("0.0.0.0", "::")
    shown = socket.gethostname() if is_anywhere else f"[{host}]" if ":" in host else host
    with _folder() as folder:
        site = app.make(folder, settings, typed, token)
        say(f"http://{shown}:{port}/{f'?token={token}' if token else ''}")
        with contextlib.suppress(KeyboardInterrupt):
            server(site).run(sockets=[listening])


def server(site: Any) -> uvicorn.Server:
    """What serves an ASGI application, within limits."""
    config = uvicorn.Config(
        site,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=1,  # those who watch never leave by themselves
    )
    return uvicorn.Server(config)


def _token(settings):
    if settings.token_file is None:
        return None if is_loopback(settings.host) else secrets.token_urlsafe(24)
    token = token_in(settings.token_file)
    if not re.fullmatch(rf"[\w-]{{{SHORTEST_TOKEN},}}", token, re.ASCII):
        raise ValueError(
            f"token_file: expected at least {SHORTEST_TOKEN} letters, digits, - or _ in the file"
        )
    return token


def _listen(settings):
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family)
    except (OSError, UnicodeError) as error:
        raise ValueError(
            f"port: expected a free one at an address of this machine, received "
            f"{settings.host}:{settings.port} ({error}): choose another"
        ) from error


@contextlib.contextmanager
def _folder() -> Iterator[str]:
    """A folder of the session; those of others that were killed are removed too."""
    parent = tempfile.gettempdir()
    for name in os.listdir(parent):
        match = re.fullmatch(rf"{PREFIX}([0-9]+)-\w+", name)
        path = os.path.join(parent, name)
        if match and not _is_alive(int(match[1])) and os.lstat(path).st_uid == os.getuid():
            shutil.rmtree(path, ignore_errors=True)
    with tempfile.TemporaryDirectory(
        prefix=f"{PREFIX}{os.getpid()}-", ignore_cleanup_errors=True
    ) as folder:
        yield folder


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
