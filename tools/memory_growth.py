"""Memory of one process over many calls with pictures of different sizes.

    python -m tools.memory_growth
    TF_ENABLE_ONEDNN_OPTS=0 python -m tools.memory_growth

What grows are kernels that oneDNN compiles for every shape and TensorFlow keeps; without oneDNN
only what the library itself keeps would be seen.
"""

import ctypes
import pathlib
import random
import re

import numpy as np
from absl import app

import tfstyle

CALLS, SIDES = 40, (64, 256)


def main(_) -> None:
    draw = random.Random(1)
    content, style = np.random.default_rng(0).random((2, 300, 300, 3), np.float32)
    for number in range(1, CALLS + 1):
        size = draw.randint(*SIDES), draw.randint(*SIDES)
        tfstyle.stylize(content, style, size=size, evaluations=3, precision="float32")
        if number == 1 or number % 10 == 0:
            print(f"{number} calls: {resident() / 1e6:.0f} MB", flush=True)


def resident() -> float:
    """Bytes of memory that the process holds, without what the allocator has not yet given back."""
    ctypes.CDLL(None).malloc_trim(0)
    status = pathlib.Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmRSS:\s*(\d+)", status)[1])


if __name__ == "__main__":
    app.run(main)
