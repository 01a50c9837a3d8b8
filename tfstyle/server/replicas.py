"""Processes that hold a model, from outside: on this machine, or on a node of a Ray cluster.

Both kinds have the same methods, which block: they are called in threads.
"""

import contextlib
import multiprocessing
import os
import queue
import tempfile
from typing import Any, NamedTuple, Protocol

from tfstyle.server import worker
from tfstyle.server.worker import Answer

START_S = 300  # in which a process on a cluster must have a place, and its model
SPARE = 2  # calls beside the computations: for what is to be known, and for the end


class Lost(Exception):
    """The process has ended before it answered."""


class Work(NamedTuple):
    """What a process does.

    Attributes:
        directory: of the version of the model.
        threads: of TensorFlow.
        limit: bytes of a request.
        ongoing: computations at a time.
    """

    directory: str
    threads: int
    limit: int
    ongoing: int


class Replica(Protocol):
    """A process, which has loaded the model when this object is there.

    Attributes:
        facts: see `tfstyle.server.model.Model`.
    """

    facts: dict[str, Any]

    def ask(self, kind: str, data: bytes, options: dict[str, Any]) -> Answer:
        """The answer, see `tfstyle.server.worker.Answering`; at most `ongoing` calls at a time.

        Raises:
            Lost: the process has ended.
        """

    def wait(self) -> None:
        """Returns when the process has ended, whoever ended it."""

    def end(self) -> None:
        """Ends the process, whatever it is doing."""


class Local:
    """A process of this machine; it ends with the one that started it.

    Raises:
        ValueError: the model cannot be loaded.
    """

    def __init__(self, work: Work):
        context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
        pipes = [context.Pipe() for _ in range(work.ongoing)]
        theirs = [end for _, end in pipes]
        arguments = theirs, work.directory, work.threads, work.limit
        self._process = context.Process(target=worker.main, args=arguments, daemon=True)
        self._process.start()
        for end in theirs:
            end.close()  # only the process has them now, so its death is an end of file
        self._pipes: queue.SimpleQueue = queue.SimpleQueue()
        for pipe, _ in pipes:
            self._pipes.put(pipe)
        self.facts = _loaded(work.directory, _received(pipes[0][0]))

    def ask(self, kind: str, data: bytes, options: dict[str, Any]) -> Answer:
        pipe = self._pipes.get()
        try:
            pipe.send((kind, data, options))
            return _received(pipe)
        except OSError as error:
            raise Lost from error
        finally:
            self._pipes.put(pipe)

    def wait(self) -> None:
        self._process.join()

    def end(self) -> None:
        self._process.kill()


class OnRay:
    """An actor of the cluster to which this process is connected.

    Args:
        work: what it does; files of the model are sent to its node.
        ray: the module.

    Raises:
        ValueError: the model cannot be loaded, or the cluster has no place for it.
    """

    def __init__(self, work: Work, ray: Any):
        self._ray = ray
        options = {"num_cpus": work.threads, "max_restarts": 0, "scheduling_strategy": "SPREAD"}
        actor = ray.remote(max_concurrency=work.ongoing + SPARE, **options)(_OnNode)
        self._actor = actor.remote(_files(work.directory), work)
        try:
            found = ray.get(self._actor.facts.remote(), timeout=START_S)
        except ray.exceptions.GetTimeoutError as error:
            self.end()
            raise ValueError(
                f"threads: expected a cluster with so many free cores for each of the workers, "
                f"received {work.threads}, for which there was no place in {START_S} s"
            ) from error
        except ray.exceptions.RayError as error:
            raise Lost from error
        self.facts = _loaded(work.directory, found)

    def ask(self, kind: str, data: bytes, options: dict[str, Any]) -> Answer:
        try:
            return self._ray.get(self._actor.ask.remote(kind, data, options))
        except (self._ray.exceptions.RayError, ConnectionError) as error:
            raise Lost from error

    def wait(self) -> None:
        with contextlib.suppress(self._ray.exceptions.RayError, ConnectionError):
            self._ray.get(self._actor.wait.remote())

    def end(self) -> None:
        self._ray.kill(self._actor)


class _OnNode:
    """The actor."""

    def __init__(self, files, work):
        with tempfile.TemporaryDirectory() as folder:
            directory = os.path.join(folder, os.path.basename(work.directory))
            for name, data in files.items():
                path = os.path.join(directory, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "xb") as file:
                    file.write(data)
            try:
                self._answering = worker.Answering(directory, work.threads, work.limit)
                self._facts = self._answering.facts()
            except Exception as error:
                self._facts = str(error)

    def facts(self):
        return self._facts

    def ask(self, kind, data, options):
        return self._answering(kind, data, **options)

    def wait(self):
        queue.SimpleQueue().get()


def _files(directory):
    """Contents of all files in a directory, by their paths in it."""
    found = {}
    for folder, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, directory)] = file.read()
    return found


def _received(pipe):
    try:
        return pipe.recv()
    except (EOFError, OSError) as error:
        raise Lost from error


def _loaded(directory, found):
    """What is known of a model, unless it is a sentence that says why it could not be loaded."""
    if isinstance(found, str):
        reason = " ".join(found.split())
        raise ValueError(
            f"model: expected one that TensorFlow loads, received {directory}: {reason}"
        )
    return found
