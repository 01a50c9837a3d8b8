"""Handing out pictures to workers that may die, whatever kind they are of."""

import abc
import collections
from collections.abc import Iterator, Sequence
from typing import Any

DEATHS = 2  # of workers at the same picture, then it is given up
GIVEN_UP = f"{DEATHS} workers died at it, perhaps for lack of memory"


class Died(Exception):
    """A worker has ended before it answered."""


class Workers(abc.ABC):
    """Starts workers and talks to them. A worker answers once when it is ready, then every job.

    Not left to `concurrent.futures` or Ray Data: when a worker dies, they also blame, or even end,
    what its neighbours have begun.
    """

    @abc.abstractmethod
    def start(self) -> tuple[Any, Any]:
        """Returns a new worker, and a key under which `wait` will tell that it is ready."""

    @abc.abstractmethod
    def send(self, worker: Any, job: Any) -> Any:
        """Gives a job to a worker that is ready; returns the key of its answer."""

    @abc.abstractmethod
    def wait(self, keys: Sequence[Any]) -> list[Any]:
        """Returns those of `keys` that are answered, or whose worker has died; at least one."""

    @abc.abstractmethod
    def receive(self, key: Any) -> Any:
        """Returns what `tfstyle.batch.job.answer` said; raises `Died`."""

    @abc.abstractmethod
    def end(self) -> None:
        """Ends all workers, whatever they are doing."""


def spread(jobs: Sequence[Any], workers: Workers, count: int) -> Iterator[tuple[Any, str | None]]:
    """Yields (job, error) as they are finished, from so many workers at a time.

    Raises:
        ValueError: raised by a worker; it would be the same for all jobs.
        RuntimeError: no worker starts.
    """
    waiting, deaths = collections.deque(jobs), collections.Counter[Any]()
    idle: list[Any] = []
    busy: dict[Any, tuple[Any, Any]] = {}  # key -> (worker, job), `None` while it starts
    try:
        for _ in range(count):
            _start(workers, busy)
        while waiting or any(job for _, job in busy.values()):
            while waiting and idle:
                worker, job = idle.pop(), waiting.popleft()
                busy[workers.send(worker, job)] = worker, job
            if not busy:
                raise RuntimeError("no worker could be started")
            for key in workers.wait(list(busy)):
                worker, job = busy.pop(key)
                try:
                    error = workers.receive(key)
                except Died:
                    if job is None:
                        continue
                    _start(workers, busy)
                    deaths[job] += 1
                    if deaths[job] < DEATHS:
                        waiting.append(job)
                        continue
                    error = GIVEN_UP
                else:
                    idle.append(worker)
                if isinstance(error, ValueError):
                    raise error
                if job is not None:
                    yield job, error
    finally:
        workers.end()


def _start(workers, busy):
    worker, key = workers.start()
    busy[key] = worker, None
