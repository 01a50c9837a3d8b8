"""The device that TensorFlow computes on, and how fast it is."""

import time

import tensorflow as tf

from tfstyle import cost
from tfstyle.features import precision as precisions

PROBE_CHANNELS, PROBE_SIDE = 64, 64


def name() -> str:
    """The GPU's name, or the number of processor cores."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
    return f"CPU, {cost.cores()} cores"


def precision(asked: str) -> str:
    """What "auto" comes to here: "float32" or "bfloat16"."""
    return precisions.policy(asked).removeprefix("mixed_")


def seconds(flops: float, precision: str) -> float:
    """Estimated time for so many FLOPs of evaluations, from a probe of some milliseconds.

    A small, narrow convolution is about as far from the machine's peak as a whole evaluation is.
    """
    dtype = tf.as_dtype(precision)
    image = tf.ones([1, PROBE_SIDE, PROBE_SIDE, PROBE_CHANNELS], dtype)
    kernel = tf.ones([3, 3, PROBE_CHANNELS, PROBE_CHANNELS], dtype)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        tf.nn.conv2d(image, kernel, 1, "SAME").numpy()
        times.append(time.perf_counter() - began)
    work = 2 * 9 * PROBE_CHANNELS**2 * PROBE_SIDE**2
    return flops * min(times) / work
