"""An exported model, served: pictures go in and come out, by REST and by gRPC.

The listening process never imports TensorFlow and never decodes a picture: both are done by
processes that hold the model, on this machine or on the nodes of a Ray cluster. They may end at any
time, and are started anew. Light to import; Starlette, uvicorn and prometheus_client (the extra
`serve`) are loaded when a model is served.
"""

import dataclasses

from tfstyle.batch import BatchSettings
from tfstyle.settings import Settings
from tfstyle.settings.base import changed, setting
from tfstyle.settings.choices import SERVE
from tfstyle.settings.kinds import Bytes, Integer, Number, Path
from tfstyle.web import WebSettings

_SECONDS = Number(0.001)


@dataclasses.dataclass(frozen=True)
class ServeSettings(Settings):
    """What is served, where, and within which limits."""

    model: str | None = setting(
        None,
        Path(),
        "directory of numbered versions, as tfstyle export writes it; the newest is served",
        SERVE,
        required=True,
    )
    host: str = changed(WebSettings, "host", "127.0.0.1", group=SERVE)
    port: int = changed(WebSettings, "port", 8501, group=SERVE)
    grpc_port: int | None = setting(
        None, Integer(1, 65535), "port of gRPC, such as 8500; default: no gRPC", SERVE, main=True
    )
    token_file: str | None = changed(
        WebSettings,
        "token_file",
        None,
        group=SERVE,
        help="file with the token that everybody must show; default: $TFSTYLE_TOKEN",
    )
    max_request: str = setting("128MB", Bytes(), "largest request", SERVE)
    body_timeout: float = setting(
        30.0, _SECONDS, "seconds in which a request must have arrived", SERVE
    )
    timeout: float = setting(
        300.0, _SECONDS, "seconds from then on in which it must be answered", SERVE
    )
    max_ongoing: int = setting(
        1, Integer(1, 1000), "computations at a time in each process of the model", SERVE
    )
    max_waiting: int = setting(
        8, Integer(0, 10_000), "requests besides those, arriving or waiting, for each", SERVE
    )
    workers: int = changed(
        BatchSettings, "workers", 1, group=SERVE, help="processes that hold the model"
    )
    threads: int | None = setting(
        None,
        Integer(1, 10_000),
        "cores of each such process; default: those of this machine, divided by workers",
        SERVE,
    )
    ray_address: str | None = changed(
        BatchSettings,
        "ray_address",
        None,
        group=SERVE,
        help="of a Ray cluster whose nodes hold the model, such as auto or ray://head:10001; "
        "default: processes of this machine",
    )
