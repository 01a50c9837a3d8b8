"""The server's process, from its start to its end."""

import asyncio
import contextlib
import functools
import logging
import os
import pathlib
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import uvicorn

from tfstyle import device
from tfstyle.batch import on_ray
from tfstyle.server import ServeSettings, replicas
from tfstyle.server.app import App, Limits
from tfstyle.server.pool import Pool
from tfstyle.server.watch import Watch
from tfstyle.settings.kinds import bytes_of
from tfstyle.web.guard import is_loopback, token_in

GRACE_S = 1  # for requests that are there at the end
LOG = "tfstyle.serve"


def serve(settings: ServeSettings, say: Callable[[str], None]) -> None:
    """Serves a model until it is interrupted.

    Args:
        settings: which, where, and within which limits.
        say: is told the address.

    Raises:
        ValueError: a model, a token, an address or a cluster that cannot be used.
    """
    directory, limits = newest(str(settings.model)), _limits(settings)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_logged())
        listening = stack.enter_context(_bound("port", settings.host, settings.port))
        if settings.grpc_port:
            _bound("grpc_port", settings.host, settings.grpc_port).close()
        start = _starter(settings, directory, limits, stack)
        stack.enter_context(contextlib.suppress(KeyboardInterrupt))
        asyncio.run(_serve(settings, limits, start, listening, say))


async def _serve(settings, limits, start, listening, say):
    pool = Pool(start, settings.workers, settings.max_ongoing, settings.max_waiting)
    async with pool:
        watch = Watch(pool)
        app = App(pool, limits, watch)
        async with _grpc(settings, pool, limits, watch):
            listening.listen()  # those who come before the next line is done wait for it
            host, port = listening.getsockname()[:2]
            also = f" and gRPC on port {settings.grpc_port}" if settings.grpc_port else ""
            say(f"version {pool.facts['version']} answers on http://{_shown(host)}:{port}{also}")
            await _server(app).serve(sockets=[listening])


def _server(app: App) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        http="h11",  # which bounds the headers
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",  # the application has its own
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    return uvicorn.Server(config)


@contextlib.asynccontextmanager
async def _grpc(settings, pool, limits, watch) -> AsyncIterator[None]:
    if not settings.grpc_port:
        yield
        return
    from tfstyle.server import rpc

    address = f"{_shown(settings.host)}:{settings.grpc_port}"
    predictions = rpc.Predictions(pool, limits, watch)
    server = await rpc.listening(address, predictions, limits, pool.places)
    try:
        yield
    finally:
        await server.stop(GRACE_S)


def _starter(settings, directory, limits, stack) -> Callable[[], Any]:
    """What starts a process of the model."""
    threads = settings.threads or max(1, device.cores() // settings.workers)
    work = replicas.Work(directory, threads, limits.request_bytes, settings.max_ongoing)
    if settings.ray_address is None:
        return functools.partial(replicas.Local, work)
    ray = on_ray.module("ray_address")
    on_ray.connect(ray, settings.ray_address)
    stack.callback(ray.shutdown)
    return functools.partial(replicas.OnRay, work, ray)


def newest(model: str) -> str:
    """Directory of the highest version of a model."""
    found = [path.parent for path in pathlib.Path(model).glob("*/saved_model.pb")]
    versions = [path for path in found if path.name.isdecimal()]
    if not versions:
        raise ValueError(
            f"model: expected a directory that holds 1/saved_model.pb, or another "
            f"number, received {model}: tfstyle export writes it"
        )
    return str(max(versions, key=lambda path: int(path.name)).resolve())


def _limits(settings):
    token = os.environ.get("TFSTYLE_TOKEN", "")
    if settings.token_file:
        token = token_in(settings.token_file)
        if not token:
            raise ValueError(f"token_file: expected a token, {settings.token_file} is empty")
    if not token and not is_loopback(settings.host):
        raise ValueError(
            f"host: expected a token, from --token_file or $TFSTYLE_TOKEN, where the port leaves "
            f"this machine, received {settings.host} and none"
        )
    request_bytes = int(bytes_of(settings.max_request))
    return Limits(token, request_bytes, settings.body_timeout, settings.timeout)


def _bound(name, host, port):
    """A socket at an address; nobody can connect before it listens."""
    with contextlib.ExitStack() as stack:
        try:
            found, *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            bound = stack.enter_context(socket.socket(*found[:3]))
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(found[4])
        except OSError as error:
            raise ValueError(
                f"{name}: expected a free one at an address of this machine, received {host} and "
                f"{port} ({error.strerror}): choose another"
            ) from error
        stack.pop_all()
        return bound


def _shown(host):
    return f"[{host}]" if ":" in host else host


@contextlib.contextmanager
def _logged() -> Iterator[None]:
    """A line for each request on standard error, meanwhile."""
    log, handler = logging.getLogger(LOG), logging.StreamHandler(sys.stderr)
    lines = logging.Formatter("%(asctime)s.%(msecs)03dZ %(message)s", "%Y-%m-%dT%H:%M:%S")
    lines.converter = time.gmtime
    handler.setFormatter(lines)
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
