"""`tfstyle web`: a page in the browser, to paint and to watch."""

import importlib.util
from collections.abc import Sequence

from tfstyle.cli import options
from tfstyle.cli.console import Failure, say
from tfstyle.cli.run import typed
from tfstyle.web import WebSettings


def main(arguments: Sequence[str]) -> int:
    given = options.parse("web", (WebSettings,), arguments)
    if given is None:
        return 0
    _serve(options.make(WebSettings, given))
    return 0


def _serve(settings):
    if not all(map(importlib.util.find_spec, ("starlette", "uvicorn"))):
        raise Failure('Starlette or uvicorn is missing: pip install "tfstyle[web]"')

    from tfstyle.web import serve

    serve.serve(settings, typed, lambda url: say(f"the page is at {url} | Ctrl-C ends it"))
