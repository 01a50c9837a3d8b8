"""The peak: a 3x3 convolution as large as those of VGG19, in every precision."""

import numpy as np
import tensorflow as tf

from tools.benchmark import timing
from tools.benchmark.problem import precision_names
from tools.benchmark.report import Section

SHAPES = ((1, 64, 64, 256), (1, 128, 128, 128), (1, 32, 32, 512))


def measure(settings) -> Section:
    peaks = best(timing.medians(runs(), settings.rounds))
    rows = [
        {"precision": name, "of_float32": peak / peaks["float32"], "gflop_per_second": peak / 1e9}
        for name, peak in peaks.items()
    ]
    return Section(rows, "of_float32")


def runs() -> dict:
    """`{(precision, shape): function}`, one convolution each."""
    return {
        (precision, shape): _convolution(shape, precision)
        for precision in precision_names()
        for shape in SHAPES
    }


def best(seconds) -> dict[str, float]:
    """FLOPs per second of the fastest shape in each precision, from the times of `runs()`."""
    return {
        precision: max(_flops(shape) / seconds[precision, shape].wall for shape in SHAPES)
        for precision in precision_names()
    }


def _convolution(shape, precision):
    channels = shape[-1]
    image = tf.cast(tf.random.normal(shape), precision)
    kernel = tf.cast(tf.random.normal([3, 3, channels, channels]), precision)
    return lambda: tf.nn.conv2d(image, kernel, 1, "SAME").numpy()


def _flops(shape):
    return 2 * 9 * shape[-1] * float(np.prod(shape))
