"""Workers as actors of a Ray cluster."""

import contextlib
import logging
import os
import signal
import socket
import threading

from tfstyle.batch import job as jobs_part
from tfstyle.batch.workers import Died, Workers, spread

PATIENCE = 10  # seconds for a cluster to answer


def run(jobs, worker, workers, address):
    """Yields (job, error) as they are finished; `worker` is job -> error."""
    ray = module("engine")
    with contextlib.ExitStack() as stack:
        if not ray.is_initialized():
            connect(ray, address)
            stack.callback(ray.shutdown)
        yield from spread(jobs, _Actors(ray, worker), workers)


def module(name):
    """Ray, which the setting of that name asks for."""
    try:
        import ray
    except ImportError:
        raise ValueError(
            f'{name}: expected Ray to be installed, received ray: pip install "tfstyle[ray]"'
        ) from None
    return ray


def connect(ray, address):
    """Makes this process part of a cluster; raises `ValueError` where none answers."""
    try:
        host, colon, port = (address or "").rpartition("://")[2].rpartition(":")
        if colon:  # Ray itself would try for minutes
            socket.create_connection((host, int(port)), PATIENCE).close()
        with _own_signals():
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"ray_address: expected a cluster that answers, received {address!r}: {error}"
        ) from error


@contextlib.contextmanager
def _own_signals():
    """Ray's own answer to SIGTERM ends the process in the middle of everything."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)


class _Actors(Workers):
    """A worker is an actor, and its key the reference to the answer that is due."""

    def __init__(self, ray, worker):
        self.ray = ray
        # A core each, so that there may be as many as there are cores.
        self.actor = ray.remote(num_cpus=1, max_restarts=0)(_Actor)
        self.arguments = ray.put(worker), os.getcwd()
        self.actors = []

    def start(self):
        actor = self.actor.remote(*self.arguments)
        self.actors.append(actor)
        return actor, actor.ready.remote()

    def send(self, actor, job):
        return actor.paint.remote(job)

    def wait(self, references):
        return self.ray.wait(references)[0]

    def receive(self, reference):
        try:
            return self.ray.get(reference)
        except self.ray.exceptions.RayActorError:
            raise Died from None

    def end(self):
        for actor in self.actors:
            self.ray.kill(actor)


class _Actor:
    def __init__(self, worker, folder):
        # Paths that are not absolute begin where the command was typed, if that is there.
        with contextlib.suppress(OSError):
            os.chdir(folder)
        jobs_part.set_up(threads=1)
        self.worker = worker

    def ready(self):
        return None

    def paint(self, job):
        return jobs_part.answer(self.worker, job)
