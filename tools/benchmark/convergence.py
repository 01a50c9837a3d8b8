"""The loss that every optimiser reaches, on one scale and with the default schedule.

Runs use the default precision; the loss that is compared is always the float32 loss at full size.
"""

import tensorflow as tf

from tfstyle import optimizers
from tools.benchmark import curves, problem
from tools.benchmark.report import Section

SIZES = (256, 512)
SCHEDULES = {"one scale": 1, "default schedule": None}
BASE = "lbfgs, one scale"


def measure(settings) -> Section:
    rows, points = [], []
    for name in settings.trained():
        network = problem.network(name, settings.weights_of(name))
        for task in problem.TASKS:
            for size in settings.sizes or SIZES:
                runs = _curves(task, name, network, size, settings)
                rows += curves.compare(runs, BASE)
                points += sum(runs, [])
    return Section(rows, "cpu_ratio", points)


def run(task, name, size, settings, **arguments) -> curves.Recorder:
    """A run of the library with its defaults but for `arguments`."""
    function, pictures = problem.TASKS[task]
    recorder = curves.Recorder()
    function(
        **pictures,
        size=size,
        features=name,
        weights=settings.weights_of(name),
        evaluations=settings.evaluations,
        callback=recorder,
        **arguments,
    )
    return recorder


def _curves(task, name, network, size, settings):
    recorders = {
        f"{optimizer}, {schedule}": run(
            task, name, size, settings, optimizer=optimizer, scales=scales
        )
        for optimizer in optimizers.OPTIMIZERS
        for schedule, scales in SCHEDULES.items()
    }
    case = problem.full_size(task, network, size)
    about = {"task": task, "features": name, "size": size}
    return measured(recorders, case, about)


def measured(recorders, case, about) -> list[list[dict]]:
    """The curves of several runs of one problem, `{run: recorder}`."""
    loss, shape = tf.function(case.loss), case.image.shape[1:3]
    return [
        curves.measured(
            recorder, loss, shape, about | {"run": run, "startup_seconds": recorder.startup.wall}
        )
        for run, recorder in recorders.items()
    ]
