"""Workers on this machine: this process alone, or several others."""

import contextlib
import multiprocessing
import os
import signal
import threading
from multiprocessing import connection

from tfstyle import device
from tfstyle.batch import job as jobs_part
from tfstyle.batch.workers import Died, Workers, spread


def run(jobs, worker, workers):
    """Yields (job, error) as they are finished; `worker` is job -> error."""
    if workers > 1:
        yield from spread(jobs, _Processes(worker, workers), workers)
        return
    for job in jobs:
        yield job, worker(job)


class _Processes(Workers):
    """A worker is a process, and its key the pipe to it."""

    def __init__(self, worker, workers):
        self.worker = worker
        self.threads = max(1, device.cores() // workers)
        self.processes = {}

    def start(self):
        # A fresh interpreter: TensorFlow does not survive a fork.
        context = multiprocessing.get_context("spawn")
        pipe, other = context.Pipe()
        arguments = other, self.worker, self.threads
        process = context.Process(target=_serve, args=arguments, daemon=True)
        process.start()
        self.processes[pipe] = process  # not before: a signal may come while it starts
        other.close()  # only the process has it now, so its death is an end of file
        return pipe, pipe

    def send(self, pipe, job):
        with contextlib.suppress(BrokenPipeError):  # it has died since: `receive` will see it
            pipe.send(job)
        return pipe

    def wait(self, pipes):
        return connection.wait(pipes)

    def receive(self, pipe):
        try:
            return pipe.recv()
        except (EOFError, ConnectionResetError):
            raise Died from None

    def end(self):
        for process in self.processes.values():
            process.terminate()
        for pipe, process in self.processes.items():
            process.join()
            pipe.close()


def _serve(pipe, worker, threads):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the first process ends us
    threading.Thread(target=_end_with, args=[multiprocessing.parent_process()], daemon=True).start()
    jobs_part.set_up(threads)
    pipe.send(None)
    with contextlib.suppress(EOFError, BrokenPipeError):  # the first process is gone
        while True:
            pipe.send(jobs_part.answer(worker, pipe.recv()))


def _end_with(parent):
    """Ends this process in the middle of its picture, when the first process has been killed."""
    connection.wait([parent.sentinel])
    os._exit(1)
