"""The routes of the page."""

import asyncio
import contextlib
import dataclasses
import json
import logging
import pathlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tfstyle.web import WebSettings, form, worker_files
from tfstyle.web.guard import Guard
from tfstyle.web.pictures import Pictures
from tfstyle.web.process import WORKER
from tfstyle.web.refused import Refused
from tfstyle.web.runs import Run, Runs, watcher

PAGE = pathlib.Path(__file__).parent / "page"
TYPES = {".svg": "image/svg+xml", ".css": "text/css", ".js": "text/javascript"}
MAX_JSON = 100_000  # bytes
ALIVE_S = 15  # after which the page hears that nothing has happened
MOST_WATCHERS = 20


class Site:
    """What the routes share.

    Args:
        folder: where all files of the session are.
        settings: limits.
        typed: see `tfstyle.cli.run.typed`.
        worker: command that starts a process of a run.
    """

    def __init__(
        self,
        folder: str,
        settings: WebSettings,
        typed: Callable[..., str],
        worker: Sequence[str] = WORKER,
    ):
        self.limits, self._typed = settings, typed
        self.pictures = Pictures(folder, settings.max_upload)
        self.runs = Runs(folder, settings, worker)
        self._watchers = 0

    async def index(self, request: Request) -> Response:
        return FileResponse(PAGE / "index.html")

    async def part(self, request: Request) -> Response:
        """A file of the page."""
        path = PAGE / request.path_params["name"]
        if path.suffix not in TYPES or not path.is_file():
            raise Refused(404, f"page: expected one of its files, received {path.name!r}")
        return FileResponse(path, media_type=TYPES[path.suffix])

    async def form(self, request: Request) -> Response:
        """Everything that the page is built from."""
        from tfstyle import __version__

        await self.runs.warm_up()
        examples = {
            kind: [each.as_json() for each in pictures]
            for kind, pictures in self.pictures.examples.items()
        }
        return JSONResponse(
            {
                "version": __version__,
                "jobs": form.described(self.limits),
                "extensions": form.EXTENSIONS.names,
                "examples": examples,
            }
        )

    async def upload(self, request: Request) -> Response:
        """Takes in a picture, the body, whose file has the name in the query."""
        name = _name(request.query_params.get("name", ""))
        length = request.headers.get("content-length", "")
        picture = await self.pictures.receive(name, length, request.stream())
        try:
            size = await self.runs.look(picture.path, picture.thumbnail)
        except BaseException:
            self.pictures.remove(picture)
            raise
        picture = dataclasses.replace(picture, size=size)
        needed = {each for run in self.runs.all.values() for each in run.job.pictures}
        self.pictures.add(picture, needed)
        return JSONResponse(picture.as_json(), 201)

    async def thumbnail(self, request: Request) -> Response:
        picture = self.pictures.find(request.path_params["id"], "picture")
        return FileResponse(picture.thumbnail, media_type="image/jpeg", headers=KEPT)

    async def estimate(self, request: Request) -> Response:
        job = form.read(await _json(request), self.pictures, self.limits)
        return JSONResponse(await self.runs.estimate(job))

    async def paint(self, request: Request) -> Response:
        job = form.read(await _json(request), self.pictures, self.limits)
        run = self.runs.add(job, job.typed(self._typed))
        return JSONResponse({"id": run.id}, 201)

    async def change(self, request: Request) -> Response:
        """Stops, resumes or removes a run."""
        run, what = self._run(request), request.path_params["what"]
        changes: dict[str, Callable[[Run], None]] = {
            "stop": self.runs.stop,
            "resume": self.runs.resume,
            "remove": self.runs.remove,
        }
        if what not in changes:
            raise Refused(404, f"run: expected one of {', '.join(changes)}, received {what!r}")
        changes[what](run)
        return JSONResponse({})

    async def file(self, request: Request) -> Response:
        """A file of a run: what is painted meanwhile, what was there before, the picture."""
        run, what = self._run(request), request.path_params["what"]
        names = {
            "live": worker_files.LIVE,
            "before": worker_files.BEFORE,
            "picture": run.picture,
            "download": run.picture,
        }
        if what not in names or not run.has(names[what]):
            raise Refused(404, f"run: expected one of its pictures, received {what!r}")
        if what == "live":  # read at once: it is replaced while others read it
            content = pathlib.Path(run.path(names[what])).read_bytes()
            return Response(content, media_type="image/jpeg")
        name = run.job.output if what == "download" else None
        return FileResponse(run.path(names[what]), filename=name)

    async def events(self, request: Request) -> Response:
        """All runs, and from then on those that change, as events of a server."""
        if self._watchers >= MOST_WATCHERS:
            raise Refused(503, f"page: expected at most {MOST_WATCHERS} who watch at a time")
        return StreamingResponse(self._news(), media_type="text/event-stream")

    async def _news(self) -> AsyncIterator[str]:
        self._watchers += 1
        news = watcher(self.runs)
        try:
            while True:
                changed = self.runs.changed  # first: the next change may come while this is told
                told = {"runs": news(), "ids": list(self.runs.all)}
                yield f"data: {json.dumps(told)}\n\n"
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(changed.wait(), ALIVE_S)
        finally:
            self._watchers -= 1

    def _run(self, request):
        return self.runs.find(request.path_params["id"])

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:
        working = asyncio.create_task(self.runs.work())
        try:
            yield
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            await self.runs.end()


KEPT = {"Cache-Control": "private, max-age=86400, immutable"}


def make(
    folder: str,
    settings: WebSettings,
    typed: Callable[..., str],
    token: str | None = None,
    worker: Sequence[str] = WORKER,
) -> Guard:
    """The ASGI application; see `Site`, and `Guard` for the token."""
    site = Site(folder, settings, typed, worker)
    routes = [
        Route("/", site.index),
        Route("/page/{name}", site.part),
        Route("/api/form", site.form),
        Route("/api/pictures", site.upload, methods=["POST"]),
        Route("/api/pictures/{id}", site.thumbnail),
        Route("/api/estimate", site.estimate, methods=["POST"]),
        Route("/api/runs", site.paint, methods=["POST"]),
        Route("/api/runs/{id}/{what}", site.change, methods=["POST"]),
        Route("/api/runs/{id}/{what}", site.file),
        Route("/api/events", site.events),
    ]
    answers: dict[Any, Any] = {
        Refused: _refused,
        ValueError: _wrong,
        ClientDisconnect: lambda request, error: Response(status_code=400),
        404: lambda request, error: _sentence("path: expected one of the page's", 404),
        405: lambda request, error: _sentence("method: expected another", 405),
        Exception: _failed,
    }
    app = Starlette(routes=routes, exception_handlers=answers, lifespan=site.lifespan)
    return Guard(app, settings.host, settings.names or (), token)


def _name(path):
    """The name of a file, as it can be shown, whatever a browser says."""
    name = path.replace("\\", "/").rpartition("/")[2]
    return "".join(filter(str.isprintable, name))[-99:] or "picture"


async def _json(request):
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_JSON:
            raise Refused(413, f"request: expected at most {MAX_JSON} bytes, received more")
    try:
        return json.loads(bytes(body))
    except (ValueError, RecursionError) as error:
        raise Refused(400, "request: expected JSON, received something else") from error


def _sentence(text, code):
    return JSONResponse({"error": text}, code)


def _refused(request, error):
    return _sentence(str(error), error.code)


def _wrong(request, error):
    return _sentence(str(error), 400)


def _failed(request, error):
    logging.getLogger("tfstyle.web").error("a request failed", exc_info=error)
    return _sentence(f"failed: {type(error).__name__}, see the log of tfstyle web", 500)
