"""The device that TensorFlow computes on, and how fast it is."""

import contextlib
import math
import os
import pathlib
import time
from collections.abc import Iterator
from typing import NamedTuple

PROBE_CHANNELS, PROBE_SIDE = 64, 64
PROBES, PROBE_SECONDS = 4, 0.025


class Device(NamedTuple):
    """What a plan must know of a device.

    Attributes:
        name: the GPU's, or the number of processor cores.
        has_bfloat16: whether it multiplies bfloat16 faster than float32.
        memory: bytes that a process may use.
    """

    name: str
    has_bfloat16: bool
    memory: float

    def precision(self, asked: str) -> str:
        """What "auto" comes to: "float32" or "bfloat16"."""
        if asked == "auto":
            return "bfloat16" if self.has_bfloat16 else "float32"
        return asked


@contextlib.contextmanager
def eagerly() -> Iterator[None]:
    """Computes at once, whatever graph is the default one.

    Raises:
        ValueError: inside a `tf.function`, which would only record what is to be done.
    """
    import tensorflow as tf

    if tf.inside_function():
        raise ValueError(
            "run: expected a call outside of tf.function, received one while a graph is traced: "
            "use tfstyle.Stylizer there"
        )
    # Not `tf.init_scope`: it stops gradients from being recorded.
    with tf.__internal__.eager_context.eager_mode():
        yield


def find() -> Device:
    """The device of this process; imports TensorFlow."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
    else:
        name = f"CPU, {cores()} cores"
    return Device(name, has_bfloat16(), available_memory())


def has_bfloat16() -> bool:
    """Whether the device multiplies bfloat16 faster than float32.

    A CPU does so with AMX or AVX512-BF16 instructions, through oneDNN; without them bfloat16 is
    emulated and many times slower. GPUs do from NVIDIA's Ampere on (compute capability 8).
    """
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        return details.get("compute_capability", (0, 0)) >= (8, 0)
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        return False
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    flags = cpuinfo.read_text().split() if cpuinfo.is_file() else []
    return "amx_bf16" in flags or "avx512_bf16" in flags


def cores() -> int:
    """Processor cores that the process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_memory() -> float:
    """Bytes the process may use: the machine's, or less in a container; no limit if unknown."""
    limits = [math.inf]
    with contextlib.suppress(AttributeError, ValueError, OSError):
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    with contextlib.suppress(ValueError, OSError):  # "max" where a container has no limit
        limits.append(int(pathlib.Path("/sys/fs/cgroup/memory.max").read_text()))
    return min(limits)


def speed(precision: str) -> float:
    """FLOPs a second of evaluations, from a probe of a tenth of a second.

    A small, narrow convolution is about as far from the machine's peak as a whole evaluation is.
    """
    import tensorflow as tf

    dtype = tf.as_dtype(precision)
    image = tf.ones([1, PROBE_SIDE, PROBE_SIDE, PROBE_CHANNELS], dtype)
    kernel = tf.ones([3, 3, PROBE_CHANNELS, PROBE_CHANNELS], dtype)
    work = 2 * 9 * PROBE_CHANNELS**2 * PROBE_SIDE**2
    speeds = []
    for _ in range(PROBES):  # the best: others may be disturbed
        count, began = 0, time.perf_counter()
        while time.perf_counter() < began + PROBE_SECONDS:
            tf.nn.conv2d(image, kernel, 1, "SAME").numpy()
            count += 1
        speeds.append(count * work / (time.perf_counter() - began))
    return max(speeds)
