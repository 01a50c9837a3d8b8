"""`tfstyle serve`: an exported model, by REST and by gRPC."""

import importlib.util
from collections.abc import Sequence

from tfstyle.cli import options
from tfstyle.cli.console import Failure, say
from tfstyle.server import ServeSettings


def main(arguments: Sequence[str]) -> int:
    given = options.parse("serve", (ServeSettings,), arguments)
    if given is None:
        return 0
    _serve(options.make(ServeSettings, given))
    return 0


def _serve(settings):
    _need("serve", "starlette", "uvicorn", "prometheus_client")
    if settings.grpc_port:
        _need("grpc", "grpc", "tensorflow_serving")

    from tfstyle.server import serve

    serve.serve(settings, say)


def _need(extra, *modules):
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise Failure(f'{", ".join(missing)} is missing: pip install "tfstyle[{extra}]"')
