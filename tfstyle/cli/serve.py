"""`tfstyle serve`: an exported model, by REST and by gRPC."""

from collections.abc import Sequence

from tfstyle.cli import options
from tfstyle.cli.console import need, say
from tfstyle.server import ServeSettings


def main(arguments: Sequence[str]) -> int:
    given = options.parse("serve", (ServeSettings,), arguments)
    if given is None:
        return 0
    _serve(options.make(ServeSettings, given))
    return 0


def _serve(settings):
    need("serve", "starlette", "uvicorn", "prometheus_client")
    if settings.grpc_port:
        need("grpc", "grpc", "tensorflow_serving")

    from tfstyle.server import serve

    serve.serve(settings, say)
