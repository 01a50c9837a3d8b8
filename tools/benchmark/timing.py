"""Seconds by the clock and by the processor, and medians of interleaved runs."""

import time
from typing import NamedTuple

import numpy as np


class Seconds(NamedTuple):
    """By the clock, and of all this process' threads."""

    wall: float
    cpu: float

    def since(self, began):
        return Seconds(self.wall - began.wall, self.cpu - began.cpu)


def now() -> Seconds:
    return Seconds(time.perf_counter(), time.process_time())


def medians(functions: dict, rounds: int) -> dict[..., Seconds]:
    """Median seconds of each function, after one call to warm up.

    They are called in turn, so that what slows the machine for a while slows all of them.
    """
    for function in functions.values():
        function()
    times = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            began = now()
            function()
            times[name].append(now().since(began))
    return {name: Seconds(*map(float, np.median(each, axis=0))) for name, each in times.items()}
