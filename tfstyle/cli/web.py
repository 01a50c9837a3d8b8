"""`tfstyle web`: a page in the browser, to paint and to watch."""

from collections.abc import Sequence

from tfstyle.cli import options
from tfstyle.cli.console import need, say
from tfstyle.cli.run import typed
from tfstyle.web import WebSettings


def main(arguments: Sequence[str]) -> int:
    given = options.parse("web", (WebSettings,), arguments)
    if given is None:
        return 0
    _serve(options.make(WebSettings, given))
    return 0


def _serve(settings):
    need("web", "starlette", "uvicorn")

    from tfstyle.web import serve

    serve.serve(settings, typed, lambda url: say(f"the page is at {url} | Ctrl-C ends it"))
