"""From the command to the first evaluation, in fresh processes."""

import json
import statistics
import sys
import tempfile
import time

from tools.benchmark import process
from tools.benchmark.report import Section

SIZES = (256,)


def measure(settings) -> Section:
    times = {}
    for _ in range(settings.rounds):
        for name in settings.networks:
            for size in settings.sizes or SIZES:
                weights = settings.weights_of(name) or ""
                for stage, seconds in process.ask("startup", name, weights, size).items():
                    times.setdefault((name, size, stage), []).append(seconds)
        for command, seconds in _commands(settings).items():
            times.setdefault(("vgg19_compact", 512, command), []).append(seconds)
    rows = [
        {"features": name, "size": size, "stage": stage, "seconds": statistics.median(seconds)}
        for (name, size, stage), seconds in times.items()
    ]
    return Section(rows, "seconds")


def _commands(settings):
    """Seconds of whole commands, as a user waits for them."""
    examples = process.ROOT / "examples"
    with tempfile.TemporaryDirectory() as folder:
        stylize = (
            "stylize",
            f"--content={examples / 'photos/chelsea.jpg'}",
            f"--style={examples / 'styles/strokes.jpg'}",
            f"--output={folder}/one.png",
            "--evaluations=1",
        )
        return {
            "tfstyle --help": _seconds(lambda: process.run("-m", "tfstyle", "--help")),
            "tfstyle stylize --evaluations=1": _seconds(
                lambda: process.run("-m", "tfstyle", *stylize)
            ),
        }


def _seconds(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def stages(name, weights, size) -> dict[str, float]:
    """Seconds of each stage of this process, which has not imported anything yet."""
    times = {}
    laps = [time.perf_counter()]

    def lap(stage):
        laps.append(time.perf_counter())
        times[stage] = laps[-1] - laps[-2]

    import tensorflow as tf

    lap("import TensorFlow")
    from tfstyle.optimizers import base
    from tools.benchmark import problem

    lap("import the rest")
    network = problem.network(name, weights, "auto")
    lap("build the network")
    case = problem.square(network, size)
    image = tf.constant(case.image)
    lap("measure the targets")
    run = tf.function(lambda image, aims: base.evaluate(case.objective, image, aims))
    run.get_concrete_function(image, case.targets)
    lap("trace")
    run(image, case.targets)[2].numpy()
    lap("first evaluation")
    run(image, case.targets)[2].numpy()
    lap("second evaluation")
    return times


if __name__ == "__main__":
    name, weights, size = sys.argv[1:]
    print(json.dumps(stages(name, weights, int(size))))
