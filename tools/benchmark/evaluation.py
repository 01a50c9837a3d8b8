"""One evaluation of the loss and its gradient: FLOPs, seconds, and the part of the peak."""

import importlib.util

import tensorflow as tf

from tfstyle import features
from tfstyle.features import weights as weight_files
from tfstyle.optimizers import base
from tools.benchmark import flops, peak, problem, timing
from tools.benchmark.report import Section

SIZES = (256, 512, 1024)


def measure(settings) -> Section:
    rows = []
    for size in settings.sizes or SIZES:
        convolutions, runs, work = peak.runs(), {}, {}
        for name in settings.networks:
            for precision in problem.precision_names():
                made, work[name, precision] = _runs(name, settings, precision, size)
                runs |= {(name, precision, by): run for by, run in made.items()}
        seconds = timing.medians(convolutions | runs, settings.rounds)
        peaks = peak.best(seconds)
        rows += [_row(size, key, work[key[:2]], seconds, peaks) for key in runs]
    return Section(rows, "of_peak")


def tensorflow(case: problem.Problem):
    """One evaluation as a function without arguments, and its FLOPs."""
    image = tf.constant(case.image)
    run = tf.function(lambda image, aims: base.evaluate(case.objective, image, aims))
    work = flops.count(run.get_concrete_function(image, case.targets))  # traces it, too
    return lambda: run(image, case.targets)[2].numpy(), work


def _runs(name, settings, precision, size):
    """The evaluation in TensorFlow and, where it is installed, in PyTorch; and its FLOPs."""
    network = problem.network(name, settings.weights_of(name), precision)
    case = problem.square(network, size)
    run, work = tensorflow(case)
    runs = {"tfstyle": run}
    if importlib.util.find_spec("torch"):
        from tools.benchmark import torch_objective

        arrays = weight_files.from_keras(network)
        objective = torch_objective.Objective(features.table(name), arrays, case, precision)
        runs["pytorch"] = objective.evaluation(case.image)
    return runs, work


def _row(size, key, work, seconds, peaks):
    name, precision, by = key
    wall, cpu = seconds[key]
    return {
        "size": size,
        "features": name,
        "precision": precision,
        "by": by,
        "of_peak": work / wall / peaks[precision],
        "of_tfstyle_seconds": wall / seconds[name, precision, "tfstyle"].wall,
        "gflop": work / 1e9,
        "seconds": wall,
        "cpu_seconds": cpu,
        "gflop_per_second": work / wall / 1e9,
    }
