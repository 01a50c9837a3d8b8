"""A page in the browser: pictures go in, the painting is watched, stopped and taken home.

The page's process never imports TensorFlow and never decodes a picture: both are done by processes
of their own, one for each run, which may crash. Light to import; Starlette and uvicorn (the extra
`web`) are loaded when the page is served.
"""

import dataclasses

from tfstyle import images
from tfstyle.settings import Settings
from tfstyle.settings.base import setting
from tfstyle.settings.choices import LARGEST_SIDE, MAX_EVALUATIONS, WEB
from tfstyle.settings.kinds import Bytes, Integer, Kind, Path, Texts


@dataclasses.dataclass(frozen=True)
class WebSettings(Settings):
    """Where the page is, and what it allows."""

    host: str = setting(
        "127.0.0.1",
        Kind(),
        "address to listen on; beyond this machine everybody must show a token",
        WEB,
        main=True,
    )
    port: int = setting(
        8080, Integer(0, 65535), "port to listen on; 0: any that is free", WEB, main=True
    )
    token_file: str | None = setting(
        None,
        Path(),
        "file with the token; default: a new one beyond this machine, none on it",
        WEB,
        main=True,
    )
    names: tuple[str, ...] | None = setting(
        None,
        Texts("names of hosts"),
        "under which browsers reach the page, besides addresses, localhost and the machine's own",
        WEB,
        main=True,
    )
    max_upload: str = setting("32MB", Bytes(), "largest file of a picture", WEB)
    max_result: int = setting(
        2048,
        Integer(images.MIN_SIDE, LARGEST_SIDE),
        "longest side of a result in pixels",
        WEB,
    )
    max_evaluations: int = setting(
        2000, Integer(1, MAX_EVALUATIONS), "most evaluations of a run", WEB
    )
    max_waiting: int = setting(
        8,
        Integer(1, 1000),
        "runs that wait for their turn, besides the one that paints",
        WEB,
    )
    max_runs: int = setting(
        50,
        Integer(1, 10_000),
        "runs that are kept until the page ends; the oldest go first",
        WEB,
    )
