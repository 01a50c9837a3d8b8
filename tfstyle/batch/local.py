"""Workers on this machine: this process alone, or several others.

Not `concurrent.futures`: where one process dies, its pool ends all others in the middle of their
pictures, and does not tell which one was to blame.
"""

import collections
import contextlib
import multiprocessing
import os
import signal
from multiprocessing import connection
from typing import Any, NamedTuple

from tfstyle.batch import worker as workers_part


class _Process(NamedTuple):
    process: Any
    pipe: Any


def run(jobs, worker, workers):
    """Yields (job, error) as they are finished; `worker` is job -> error."""
    if workers > 1:
        yield from _spread(jobs, worker, workers)
        return
    for job in jobs:
        yield job, worker(job)


def _spread(jobs, worker, workers):
    waiting, deaths = collections.deque(jobs), collections.Counter()
    idle = [_start(worker, workers) for _ in range(workers)]
    busy = {}
    try:
        while waiting or busy:
            while waiting and idle:
                process, job = idle.pop(), waiting.popleft()
                with contextlib.suppress(BrokenPipeError):  # it has died, as will be seen below
                    process.pipe.send(job)
                busy[process.pipe] = process, job
            for pipe in connection.wait(list(busy)):
                process, job = busy.pop(pipe)
                try:
                    error = pipe.recv()
                except (EOFError, ConnectionResetError):
                    idle.append(_start(worker, workers))
                    deaths[job] += 1
                    if deaths[job] < workers_part.DEATHS:
                        waiting.append(job)
                        continue
                    error = workers_part.DIED
                else:
                    idle.append(process)
                if isinstance(error, ValueError):
                    raise error
                yield job, error
    finally:
        _end([*idle, *(process for process, _ in busy.values())])


def _start(worker, workers):
    # A fresh interpreter: TensorFlow does not survive a fork.
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, worker, workers), daemon=True)
    process.start()
    there.close()  # the last one open is now the process's own, so its death is an end of file
    return _Process(process, here)


def _end(processes):
    for each in processes:
        each.process.terminate()
    for each in processes:
        each.process.join()
        each.pipe.close()


def _serve(pipe, worker, workers):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the first process ends us
    workers_part.set_up(max(1, len(os.sched_getaffinity(0)) // workers))
    while True:
        try:
            job = pipe.recv()
        except EOFError:  # the first process is gone
            return
        try:
            answer = worker(job)
        except ValueError as error:
            answer = error
        pipe.send(answer)
