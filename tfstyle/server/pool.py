"""All processes of a model as one: requests take places, wait for their turn, and are answered.

Everything here happens in the event loop but for what is asked of the processes, which blocks in
threads. A computation cannot be stopped: its place is free when it has ended, whoever still waits.
"""

import asyncio
import concurrent.futures
import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

from tfstyle.server import refused
from tfstyle.server.replicas import Lost, Replica
from tfstyle.server.worker import Answer

PAUSES_S = (1, 60)  # before a process is started that could not be: first, and at most
_log = logging.getLogger("tfstyle.serve")


class Place:
    """A request's place; `computing` is its computation, once it has one."""

    computing: asyncio.Future | None = None


class Pool:
    """Processes of a model.

    Args:
        start: starts one, and returns when it has loaded the model.
        workers: how many.
        ongoing: computations at a time in each of them.
        waiting: requests besides those, for each, arriving or waiting.

    Attributes:
        facts: see `tfstyle.server.model.Model`.
        places, taken: requests that there may be, and that there are.
        restarts: processes that were started in the place of others.
    """

    def __init__(self, start: Callable[[], Replica], workers: int, ongoing: int, waiting: int):
        self.places, self.taken, self.restarts = workers * (ongoing + waiting), 0, 0
        self.facts: dict[str, Any] = {}
        self._start, self._workers, self._ongoing = start, workers, ongoing
        # For each process its computations, its end, and the start of another.
        self._threads = concurrent.futures.ThreadPoolExecutor(workers * (ongoing + 2))
        self._turns: asyncio.Queue[Replica | None] = asyncio.Queue()  # of processes that are free
        self._alive: list[Replica] = []
        self._tasks: set[asyncio.Task] = set()

    async def __aenter__(self) -> "Pool":
        starts = [self._in_thread(self._start) for _ in range(self._workers)]
        started = await asyncio.gather(*starts, return_exceptions=True)
        for replica in started:
            if not isinstance(replica, BaseException):
                self._add(replica)
        failures = [each for each in started if isinstance(each, BaseException)]
        if failures:
            await self.__aexit__()
            raise failures[0]
        self.facts = self._alive[0].facts
        return self

    async def __aexit__(self, *_: Any) -> None:
        for task in self._tasks:
            task.cancel()
        ended, self._alive = self._alive, []
        for replica in ended:
            replica.end()
        self._threads.shutdown(wait=False)

    def check(self) -> None:
        """Raises `Refused` where there is no process, or no place for a request."""
        if not self._alive:
            raise refused.lost()
        if self.taken >= self.places:
            raise refused.full()

    @contextlib.contextmanager
    def place(self) -> Iterator[Place]:
        """A place for a request, which is kept for as long as its computation goes on.

        Raises:
            Refused: there is no process, or all are taken.
        """
        self.check()
        self.taken += 1
        place = Place()
        try:
            yield place
        finally:
            if place.computing is None or place.computing.done():
                self._give_back()
            else:
                place.computing.add_done_callback(self._give_back)

    async def answer(self, place: Place, kind: str, data: bytes, **options: Any) -> Answer:
        """The answer to a request, see `tfstyle.server.worker.Answering`.

        Raises:
            Refused: there is no process, or it has ended meanwhile.
        """
        replica = await self._turn()
        place.computing = self._in_thread(replica.ask, kind, data, options)
        place.computing.add_done_callback(lambda done: self._asked(replica, done))
        try:
            return await asyncio.shield(place.computing)
        except Lost as error:
            raise refused.lost() from error

    async def _turn(self):
        while self._alive:
            replica = await self._turns.get()
            if replica in self._alive:
                return replica
        raise refused.lost()

    def _asked(self, replica, done):
        if done.exception() is None:
            self._turns.put_nowait(replica)
        elif replica in self._alive:  # if it is not dead, it is of no use either
            self._in_thread(replica.end)

    def _give_back(self, *_):
        self.taken -= 1

    def _add(self, replica):
        self._alive.append(replica)
        for _ in range(self._ongoing):
            self._turns.put_nowait(replica)
        self._in_thread(replica.wait).add_done_callback(lambda _: self._ended(replica))

    def _ended(self, replica):
        if replica not in self._alive:  # at the end of the server
            return
        self._alive.remove(replica)
        if not self._alive:  # those who wait for their turn are told
            for _ in range(self.places):
                self._turns.put_nowait(None)
        _log.error("a process of the model has ended; another is started")
        task = asyncio.get_running_loop().create_task(self._replace())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _replace(self):
        pause, most = PAUSES_S
        while True:
            try:
                replica = await self._in_thread(self._start)
            except Exception as error:
                _log.error("no process of the model could be started: %r", error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, most)
            else:
                self.restarts += 1
                self._add(replica)
                return

    def _in_thread(self, function, *arguments):
        return asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
