"""The runs of the page: one paints, others wait for their turn, and those that ended are kept."""

import asyncio
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from typing import Any

from tfstyle.web import WebSettings, worker_files
from tfstyle.web.form import Job
from tfstyle.web.process import WORKER, Ended, Process
from tfstyle.web.refused import Refused

WAITING, PAINTING, DONE, STOPPED, FAILED = "waiting", "painting", "done", "stopped", "failed"
MOST_POINTS = 4000  # of a curve; every second goes when there are more
ASK_S = 120  # in which a picture is looked at, or a run planned


class Run:
    """A run, as the page sees it.

    Attributes:
        id: by which the page calls it.
        job: what it is to do.
        typed: the command line that makes the same.
        folder: of its files.
        state: one of the five above.
        version: changes with everything that is to be seen.
        points: of the curve, `[evaluation, loss]`; `thinned` tells how often every second went.
        marks: `[evaluation, level]` where a level began.
    """

    def __init__(self, job: Job, typed: str, folder: str):
        self.id, self.job, self.typed = secrets.token_hex(8), job, typed
        self.folder = os.path.join(folder, f"run-{self.id}")
        os.mkdir(self.folder)
        self.state, self.version, self.is_stopping = WAITING, 0, False
        self.points: list[list[float]] = []
        self.marks: list[list[int]] = []
        self.thinned, self.seconds, self._began, self._shown_before = 0, 0.0, 0.0, 0
        self.seen: dict[str, Any] = {"fraction": 0.0, "evaluations": 0, "loss": None, "live": 0}
        self.message = ""

    def begin(self) -> None:
        self.state, self._began, self.message = PAINTING, time.monotonic(), ""
        self._shown_before = self.seen["live"]

    def heard(self, answer: dict[str, Any]) -> None:
        """Takes in what its process said."""
        self.seconds += time.monotonic() - self._began
        self._began = time.monotonic()
        if "error" in answer:
            self.state, self.message = (
                FAILED,
                _without(os.path.dirname(self.folder), answer["error"]),
            )
        elif "outcome" in answer:
            self.state = DONE if answer["is_finished"] else STOPPED
            self.message = answer["outcome"]
        else:
            if "live" in answer:  # each process counts anew
                answer["live"] += self._shown_before
            self.seen |= answer
            self._remember(answer)

    def _remember(self, answer):
        at, loss = answer.get("evaluations"), answer.get("loss")
        if at is not None and (not self.marks or self.marks[-1][1] < answer["level"]):
            self.marks.append([at, answer["level"]])
        if loss is not None and (not self.points or self.points[-1][0] < at):
            self.points.append([at, loss])
        if len(self.points) > MOST_POINTS:
            self.points, self.thinned = self.points[::2], self.thinned + 1

    def path(self, name: str) -> str:
        """Of one of its files, which may not be there."""
        return os.path.join(self.folder, name)

    def has(self, name: str) -> bool:
        return os.path.exists(self.path(name))

    @property
    def picture(self) -> str:
        """The name of the file that is taken home."""
        return worker_files.PICTURE + self.job.extension

    def as_json(self, position: int | None) -> dict[str, Any]:
        """All but the curve."""
        masks = {name: [each.id for each in of] for name, of in self.job.masks.items()}
        return self.seen | {
            "id": self.id,
            "job": self.job.command,
            "state": self.state,
            "position": position,
            "is_stopping": self.is_stopping,
            "message": self.message,
            "seconds": round(self.seconds, 1),
            "budget": self.job.settings.chosen("evaluations"),
            "settings": self.job.texts(),
            "extension": self.job.extension,
            "content": self.job.content and self.job.content.as_json(),
            "style": [style.as_json() for style in self.job.styles],
            "masks": masks,
            "typed": self.typed,
            "name": self.job.output,
            "has_live": self.has(worker_files.LIVE),
            "has_picture": self.has(self.picture),
            "has_before": self.has(worker_files.BEFORE),
            "can_resume": self.state in (STOPPED, FAILED) and self.has(worker_files.CHECKPOINT),
            "marks": self.marks,
        }


class Runs:
    """All of them, and the processes that work for them.

    Args:
        folder: of the session.
        limits: of the page.
        worker: command that starts a process of a run.
    """

    def __init__(self, folder: str, limits: WebSettings, worker: Sequence[str] = WORKER):
        self._folder, self._limits, self._worker = folder, limits, worker
        self.all: dict[str, Run] = {}
        self._waiting: list[Run] = []
        self._present: tuple[Run, Process] | None = None
        self._spare: Process | None = None  # that looks and plans, and then paints
        self._spare_turn = asyncio.Lock()
        self._speeds: dict[str, float] = {}  # of this machine, by precision
        self._changed, self._awaited = asyncio.Event(), asyncio.Event()

    # --- what is asked for

    def add(self, job: Job, typed: str) -> Run:
        """Puts a run at the end of the queue."""
        self._check_room()
        run = Run(job, typed, self._folder)
        self.all[run.id] = run
        self._queue(run)
        ended = [old for old in self.all.values() if old.state not in (WAITING, PAINTING)]
        for old in ended[: max(0, len(self.all) - self._limits.max_runs)]:
            self._forget(old)
        return run

    def find(self, identifier: str) -> Run:
        if identifier not in self.all:
            raise Refused(404, "run: expected one of this session, received none that is kept")
        return self.all[identifier]

    def resume(self, run: Run) -> None:
        """Lets a run that was stopped, or whose process ended, go on from its checkpoint."""
        if not run.as_json(None)["can_resume"]:
            raise Refused(409, "run: expected one that was stopped on its way")
        self._check_room()
        run.is_stopping = False
        self._queue(run)

    def stop(self, run: Run) -> None:
        """Ends a run and keeps its picture; asked again, does not wait for the next step."""
        if run in self._waiting:
            self._waiting.remove(run)
            run.state = STOPPED
        elif run.state == PAINTING:
            if self._present:
                process = self._present[1]
                process.kill() if run.is_stopping else process.send(do="stop")
            run.is_stopping = True
        self.tell(run, *self._waiting)

    def remove(self, run: Run) -> None:
        if run.state in (WAITING, PAINTING):
            raise Refused(409, "run: expected one that has ended: stop it first")
        self._forget(run)
        self.tell()

    async def look(self, path: str, thumbnail: str) -> tuple[int, int]:
        """Width and height of a picture; raises `ValueError` where it is none."""
        answer = await self._ask(do="look", path=path, thumbnail=thumbnail)
        width, height = answer["size"]
        return width, height

    async def estimate(self, job: Job) -> dict[str, Any]:
        """What a job will cost; raises `ValueError` where it cannot be done."""
        answer = await self._ask(do="estimate", job=job.as_message(), speeds=self._speeds)
        self._speeds = answer.pop("speeds")
        return answer

    async def warm_up(self) -> None:
        """Starts the process that looks and plans, if there is none."""
        async with self._spare_turn:
            if self._spare is None or not self._spare.is_alive:
                self._spare = await Process(self._worker).start()

    # --- what is seen

    def position(self, run: Run) -> int | None:
        """How many are before a run that waits, the one that paints included."""
        if run not in self._waiting:
            return None
        return self._waiting.index(run) + (self._present is not None)

    def tell(self, *runs: Run) -> None:
        """Wakes all who watch."""
        for run in runs:
            run.version += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    @property
    def changed(self) -> asyncio.Event:
        """What is set at the next change."""
        return self._changed

    # --- who works

    async def work(self) -> None:
        """Paints what waits, one after the other, for ever."""
        while True:
            while not self._waiting:
                self._awaited.clear()
                await self._awaited.wait()
            run = self._waiting.pop(0)
            run.begin()
            try:
                process = await self._take_spare()
                self._present = run, process
                self.tell(run, *self._waiting)
                await self._paint(run, process)
            except (OSError, ValueError) as error:  # no process could be started, or it raves
                run.state, run.message = FAILED, f"failed: {error}"
            finally:
                await self._end_present()
                self.tell(run, *self._waiting)

    async def _end_present(self):
        present, self._present = self._present, None
        if present:
            await present[1].end()

    async def _paint(self, run: Run, process: Process) -> None:
        if run.is_stopping:
            process.send(do="stop")
        asked: dict[str, Any] = {"job": run.job.as_message(), "folder": run.folder}
        asked |= {"extension": run.job.extension, "typed": run.typed}
        asked["settings"] = run.job.named.as_json()
        async for answer in process.follow(do="paint", **asked):
            run.heard(answer)
            self.tell(run)
            if run.state != PAINTING:
                return
        code = await process.wait()
        run.state, run.message = (STOPPED, "stopped") if run.is_stopping else (FAILED, _end(code))

    async def _take_spare(self):
        await self.warm_up()
        async with self._spare_turn:
            process, self._spare = self._spare, None
        return process

    async def _ask(self, **request):
        for ask in (self._ask_spare, self._ask_spare):
            try:
                return await ask(request)
            except Ended:  # perhaps of something else, so once more
                pass
        raise ValueError(
            "picture: the process that looks at it has ended, perhaps for lack of memory: scale it"
        )

    async def _ask_spare(self, request):
        await self.warm_up()
        async with self._spare_turn:
            if self._spare is None:  # it has begun to paint
                raise Ended
            try:
                return await asyncio.wait_for(self._spare.ask(**request), ASK_S)
            except asyncio.TimeoutError:  # noqa: UP041 - another one in Python 3.10
                await self._spare.end()
                raise ValueError(f"picture: expected one that is ready in {ASK_S} s") from None
            except ValueError as error:
                raise ValueError(_without(self._folder, str(error))) from None

    async def end(self) -> None:
        """Ends all processes."""
        if self._spare:
            await self._spare.end()
        await self._end_present()

    # --- the queue

    def _check_room(self):
        if len(self._waiting) >= self._limits.max_waiting:
            raise Refused(
                503, f"run: expected at most {self._limits.max_waiting} that wait: come again later"
            )

    def _queue(self, run):
        run.state = WAITING
        self._waiting.append(run)
        self._awaited.set()
        self.tell(run)

    def _forget(self, run):
        del self.all[run.id]
        shutil.rmtree(run.folder, ignore_errors=True)


def watcher(runs: Runs) -> Callable[[], list[dict[str, Any]]]:
    """A function that returns what has changed since it was called before, each run as JSON.

    Of a curve it returns the new points, under `points`, and under `first` the number of the first.
    """
    seen: dict[str, tuple[int, int, int]] = {}

    def news():
        changed = []
        for run in runs.all.values():
            version, thinned, count = seen.get(run.id, (-1, run.thinned, 0))
            if version == run.version:
                continue
            first = count if thinned == run.thinned else 0
            curve = {"first": first, "points": run.points[first:]}
            changed.append(run.as_json(runs.position(run)) | curve)
            seen[run.id] = run.version, run.thinned, len(run.points)
        return changed

    return news


def _end(code):
    how = f"by signal {-code}" if code < 0 else f"with code {code}"
    remedy = ", perhaps for lack of memory: try a smaller size" if code == -9 else ""
    return f"its process ended {how}{remedy}"


def _without(folder, sentence):
    """A sentence without paths in the session's folder: where files are is nobody's business."""
    return re.sub(rf"={re.escape(folder)}[^:]*", "", sentence)
