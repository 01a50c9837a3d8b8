"""What a run will cost, before it starts: arithmetic from the network's table, and memory."""

import contextlib
import math
import os
import pathlib

from tfstyle.features.architectures import Architecture

PAIRS = 10  # of the default L-BFGS history
# Fitted to the peaks of runs at 256 to 1024 pixels with both networks, on a CPU.
ACTIVATION_COPIES, HISTORY_COPIES, BASE_BYTES = 1, 4, 0.8e9


def evaluation_flops(architecture: Architecture, layers, style_layers, height, width) -> float:
    """FLOPs of the loss and its gradient at one image size; a multiplication and an addition are 2.

    Convolutions cost as much again for the gradient with respect to their input (that with respect
    to the weights is not needed), and so do Gram matrices with theirs.
    """
    total = 0.0
    for name, positions, inputs, outputs in _convolutions(architecture, layers, height, width):
        total += 2 * 9 * inputs * outputs * positions
        channels = architecture.heads.get(name, outputs)
        if name in layers and name in architecture.heads:
            total += 2 * outputs * channels * positions
        if name in style_layers:
            total += 2 * channels**2 * positions
    return 2 * total


def memory_bytes(architecture: Architecture, layers, height, width, precision) -> float:
    """Estimated peak memory of a run, in bytes.

    The activations that the gradient needs, the history of L-BFGS, which is copied from one chunk
    of the run to the next, and what the process takes before it has seen an image.
    """
    size = 2 if precision == "bfloat16" else 4
    activations = 0
    for name, positions, _, outputs in _convolutions(architecture, layers, height, width):
        head = architecture.heads.get(name, 0) if name in layers else 0
        activations += positions * (outputs + head)
    history = 3 * height * width * 4 * 2 * PAIRS
    return ACTIVATION_COPIES * activations * size + HISTORY_COPIES * history + BASE_BYTES


def available_memory() -> float:
    """Bytes the process may use: the machine's, or less in a container; no limit if unknown."""
    limits = [math.inf]
    with contextlib.suppress(AttributeError, ValueError, OSError):
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    with contextlib.suppress(ValueError, OSError):  # "max" where a container has no limit
        limits.append(int(pathlib.Path("/sys/fs/cgroup/memory.max").read_text()))
    return min(limits)


def cores() -> int:
    """Processor cores that the process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _convolutions(architecture, layers, height, width):
    """Name, positions, input and output channels of every convolution that `layers` need."""
    deepest = max(architecture.layers.index(layer) for layer in layers)
    inputs = 3
    for name in architecture.layers[: deepest + 1]:
        block = int(name[5])
        outputs = architecture.widths[block - 1]
        shrink = 2 ** (block - 1)
        yield name, math.ceil(height / shrink) * math.ceil(width / shrink), inputs, outputs
        inputs = outputs
