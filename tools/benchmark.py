"""Measure what one evaluation of the loss and its gradient costs, beside what the machine can do.

    python -m tools.benchmark --size=512

Prints a Markdown table: for both networks and precisions, FLOPs (counted from the network's table,
`tfstyle.cost`), median seconds of interleaved runs, and the part of the convolution peak reached,
measured in the same process; then the optimiser's own seconds a step, the start-up split, and the
peak memory. VGG19 runs with random weights: they cost what trained ones cost.
"""

import os
import resource
import subprocess
import sys
import time

import numpy as np
from absl import app, flags

_SIZE = flags.DEFINE_integer("size", 512, "Side of the image in pixels.", lower_bound=64)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Runs of everything; medians count.", lower_bound=1)
_NETWORKS = flags.DEFINE_list("features", ["vgg19_compact", "vgg19"], "Networks to be measured.")

PRECISIONS = ("float32", "bfloat16")
PEAK_SHAPES = ((1, 64, 64, 256), (1, 128, 128, 128), (1, 32, 32, 512))


def medians(functions: dict, rounds: int) -> dict:
    """Median seconds of each function, run in turn, after one run to warm up."""
    times = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(rounds):
        for name, function in functions.items():
            began = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - began)
    return {name: float(np.median(seconds)) for name, seconds in times.items()}


def convolution(shape, precision):
    """A 3x3 convolution as large as those of VGG19, and its FLOPs."""
    import tensorflow as tf

    channels = shape[-1]
    image = tf.cast(tf.random.normal(shape), precision)
    kernel = tf.constant(np.random.normal(size=(3, 3, channels, channels)), precision)
    run = tf.function(lambda x: tf.nn.conv2d(x, kernel, 1, "SAME"), reduce_retracing=True)
    return lambda: run(image).numpy(), 2 * 9 * channels * np.prod(shape)


def evaluation(name, precision, size):
    """One evaluation of Gatys' loss with the default layers, and its FLOPs."""
    import tensorflow as tf

    from tfstyle import cost, features, losses, statistics, synthesis, targets
    from tfstyle.features import precision as precisions
    from tfstyle.features import vgg
    from tfstyle.optimizers import base

    architecture = features.FEATURES[name]
    layers = [*synthesis.CONTENT_LAYERS, *synthesis.STYLE_LAYERS]
    network = vgg.build(architecture, layers, dtype=precisions.policy(precision))
    loss = losses.StyleLoss(statistics.get("gram"), dict.fromkeys(synthesis.STYLE_LAYERS, 1.0))
    objective = losses.Objective(network, loss, {"content": 1.0, "style": 1.0, "tv": 0.01})
    image = tf.random.uniform([1, size, size, 3])
    aims = targets.measure(
        network,
        loss.statistic,
        image,
        [(1 - image, 1.0)],
        synthesis.CONTENT_LAYERS,
        synthesis.STYLE_LAYERS,
    )
    run = tf.function(lambda x, t: base.evaluate(objective, x, t))
    work = cost.evaluation_flops(architecture, layers, synthesis.STYLE_LAYERS, size, size)
    return lambda: run(image, aims)[2].numpy(), work


def lbfgs_step(size):
    """A step of L-BFGS on an objective that costs nothing, with a full history."""
    import tensorflow as tf

    from tfstyle.optimizers import lbfgs

    def objective(image, targets):
        loss = tf.reduce_sum(tf.square(image) * targets)
        return loss, {"loss": loss}

    optimizer, steps = lbfgs.LBFGS(), 30
    image = tf.random.uniform([1, size, size, 3])
    scale = tf.random.uniform([1, size, size, 3], 0.1, 1.0)
    return lambda: optimizer.minimize(objective, image, scale, steps), steps


def start_up() -> str:
    """Seconds from the command to the first evaluation, in a fresh process."""
    code = (
        "import time; t = [time.perf_counter()]; lap = lambda: t.append(time.perf_counter());"
        "import tensorflow, keras; lap(); import numpy as np, tfstyle;"
        "from tfstyle import features, synthesis;"
        "features.get('vgg19_compact', synthesis.CONTENT_LAYERS + synthesis.STYLE_LAYERS); lap();"
        "x = np.random.rand(1, 64, 64, 3).astype('float32');"
        "tfstyle.stylize(x, x, size=64, evaluations=1); lap();"
        "print('import %.1f s, build %.1f s, build, trace and first evaluation %.1f s'"
        " % tuple(np.diff(t)))"
    )
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True)
    return done.stdout.decode().strip() or done.stderr.decode()[-500:]


def main(_) -> None:
    size, runs, work = _SIZE.value, {}, {}
    for precision in PRECISIONS:
        for shape in PEAK_SHAPES:
            runs["peak", precision, shape], work["peak", precision, shape] = convolution(
                shape, precision
            )
        for name in _NETWORKS.value:
            runs[name, precision], work[name, precision] = evaluation(name, precision, size)
    seconds = medians(runs, _ROUNDS.value)
    speed = {key: work[key] / seconds[key] for key in runs}
    peak = {
        precision: max(speed["peak", precision, shape] for shape in PEAK_SHAPES)
        for precision in PRECISIONS
    }
    print(f"| one evaluation at {size} px | GFLOP | seconds | GFLOP/s | of the peak |")
    print("|---|---|---|---|---|")
    for precision in PRECISIONS:
        print(f"| 3x3 convolution, {precision} | | | {peak[precision] / 1e9:.0f} | 100 % |")
        for name in _NETWORKS.value:
            key = name, precision
            part = speed[key] / peak[precision]
            print(
                f"| {name}, {precision} | {work[key] / 1e9:.0f} | {seconds[key]:.3f} "
                f"| {speed[key] / 1e9:.0f} | {part:.0%} |"
            )
    run, steps = lbfgs_step(size)
    print(f"\nL-BFGS beside the evaluation: {medians({0: run}, 3)[0] / steps:.3f} s a step")
    print("Start-up:", start_up())
    unit = 1 if sys.platform == "darwin" else 1024
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(f"Peak memory of this process: {peak_bytes / 1e9:.1f} GB")


if __name__ == "__main__":
    app.run(main)
