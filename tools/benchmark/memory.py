"""Peak memory of a fresh process that does a short run, beside what `tfstyle` predicts."""

import pathlib
import re
import resource
import sys

import numpy as np

from tfstyle import device
from tfstyle.inputs import Inputs
from tfstyle.plan import Plan
from tfstyle.run import Run
from tfstyle.settings import StylizeSettings
from tools.benchmark import process
from tools.benchmark.report import Section

SIZES = (256, 512, 1024)
EVALUATIONS = 4  # some chunks: the optimiser's state is there twice between two


def measure(settings) -> Section:
    from tools.benchmark import problem

    rows = []
    for size in settings.sizes or SIZES:
        for name in settings.networks:
            for precision in problem.precision_names():
                weights = settings.weights_of(name) or ""
                peak = process.ask("memory", name, weights, precision, size)
                rows.append(_row(size, name, precision, peak))
    return Section(rows, "gigabytes")


def _row(size, name, precision, peak):
    from tools.benchmark import problem

    job, pictures = _job(size)
    workload = problem.workload(name, precision)
    expected = Plan.of(job, Inputs.load(job, **pictures), device.find(), workload).memory
    return {
        "size": size,
        "features": name,
        "precision": precision,
        "of_estimate": peak / expected,
        "gigabytes": peak / 1e9,
    }


def peak_bytes() -> int:
    """Peak memory of this process.

    Linux counts the memory of the process that started it into `ru_maxrss`, but not into `VmHWM`.
    """
    status = pathlib.Path("/proc/self/status")
    if status.is_file():
        return 1024 * int(re.search(r"VmHWM:\s*(\d+)", status.read_text())[1])
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def short_run(name, weights, precision, size):
    """Does the job once."""
    from tools.benchmark import problem

    job, pictures = _job(size)
    Run(job, **pictures, features=problem.network(name, weights, precision)).complete()


def _job(size):
    """Style transfer on a random square picture: settings and pictures."""
    from tools.benchmark import problem

    picture = np.random.default_rng(0).random((1, size, size, 3), np.float32)
    job = problem.settings(StylizeSettings, size=size, evaluations=EVALUATIONS, scales=1)
    return job, {"content": picture, "style": 1 - picture}


if __name__ == "__main__":
    name, weights, precision, size = sys.argv[1:]
    short_run(name, weights, precision, int(size))
    print(peak_bytes())
