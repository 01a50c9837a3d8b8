"""The loss that every optimiser reaches, on one scale and with the default schedule.

Runs use the default precision; the loss that is compared is always the float32 loss at full size.
"""

import tensorflow as tf

from tfstyle import optimizers
from tfstyle.run import Run
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


def run(task, name, size, settings, **changes) -> curves.Recorder:
    """A run of the library with its defaults but for `changes`."""
    kind, pictures = problem.TASKS[task]
    job = problem.settings(
        kind,
        size=size,
        features=name,
        weights=settings.weights_of(name),
        evaluations=settings.evaluations,
        **changes,
    )
    recorder = curves.Recorder()
    watched = Watched(optimizers.get(job.chosen("optimizer"), job), recorder)
    Run(job, **pictures, optimizer=watched).complete()
    return recorder


class Watched:
    """An optimiser that gives a recorder the whole image, of which a `Step` has no margin."""

    def __init__(self, optimizer, recorder):
        self.optimizer, self.recorder, self.evaluations = optimizer, recorder, 0

    def __getattr__(self, name):
        return getattr(self.optimizer, name)

    def chunks(self, objective, state, targets, evaluations):
        before = self.evaluations  # on other levels
        for chunk in self.optimizer.chunks(objective, state, targets, evaluations):
            self.evaluations = before + int(chunk.state.evaluations)
            self.recorder.add(self.evaluations, chunk.state.image.numpy())
            yield chunk


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
