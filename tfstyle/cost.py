"""What a run will cost, before it starts: arithmetic from the network's table, and memory."""

import contextlib
import dataclasses
import math
import os
import pathlib
import re
from typing import NamedTuple

from tfstyle.features.architectures import Architecture, stride
from tfstyle.grid import Grid

# Images that are in memory at the peak of a run: with any history, and more for each of its pairs.
# These and the next line are fitted to runs on a CPU, at 256 to 4096 pixels.
IMAGES = {"lbfgs": (14, 4.2), "tfp_lbfgs": (12, 4.5), "adam": (20, 0)}
ACTIVATION_COPIES, BASE_BYTES = 1.5, 0.9e9
PAIRS = 10  # of the default history
FEWER = (5, 3)  # where memory is short
SIDES = (None, 2048, 1024, 512)  # smaller ones take far longer, and save little beside the rest
SMALLEST_SIDE = 128  # where memory runs out nevertheless
FREE_SHARE = 0.8  # of the memory, for a run that was given no number


class Way(NamedTuple):
    """How a level is worked on.

    Attributes:
        side: of the blocks in pixels; `None` for the whole image.
        optimizer: name of one that takes the place of what was asked for, or `None`.
        pairs: in the history of that one.
    """

    side: int | None = None
    optimizer: str | None = None
    pairs: int | None = None


@dataclasses.dataclass(frozen=True)
class Load:
    """What the cost of a run depends on besides sizes.

    Attributes:
        architecture: of the feature network.
        layers: all that are looked at.
        style_layers: those of them whose statistics are compared.
        precision: of the network; all but "bfloat16" counts as float32.
        optimizer: name; `None` is an unknown one, which is taken for L-BFGS and never replaced.
    """

    architecture: Architecture
    layers: tuple
    style_layers: tuple
    precision: str
    optimizer: str | None = "lbfgs"

    def grid(self, way):
        """The blocks of that way, or `None`."""
        return way.side and Grid.of(self.architecture, self.layers, way.side)

    def flops(self, height, width, way) -> float:
        """FLOPs of an evaluation; in blocks there is one more pass forward, and overlap."""
        grid, passes = self.grid(way), 1
        if grid:
            height, width, passes = grid.covered(height), grid.covered(width), 3 / 2
        network = self.architecture, self.layers, self.style_layers
        return passes * evaluation_flops(*network, height, width)

    def memory(self, height, width, way) -> float:
        """Estimated peak memory of a run, in bytes.

        The activations that the gradient needs, of a block or of the whole image; the targets of
        the content, put together from blocks; images of the optimiser and around it; and what the
        process takes before it has seen an image.
        """
        size = 2 if self.precision == "bfloat16" else 4
        grid = self.grid(way)
        seen = (grid.longest(height), grid.longest(width)) if grid else (height, width)
        numbers = ACTIVATION_COPIES * sum(
            positions * (trunk + head) for _, positions, trunk, head in self._outputs(*seen)
        )
        numbers += 2 * sum(
            positions * (head or trunk)
            for name, positions, trunk, head in self._outputs(height, width)
            if name in self.layers and name not in self.style_layers
        )
        always, each = IMAGES[way.optimizer or self.optimizer or "lbfgs"]
        images = (always + each * (way.pairs or PAIRS)) * 3 * 4 * height * width
        return size * numbers + images + BASE_BYTES

    def ways(self, levels, budget) -> list[Way]:
        """That of each level, coarse to fine; raises what `choose` does of the largest."""
        largest_first = [self.choose(level.height, level.width, budget) for level in levels[::-1]]
        return largest_first[::-1]

    def choose(self, height, width, budget) -> Way:
        """The first way that fits: whole before large blocks before small, long history first.

        Raises:
            ValueError: none does.
        """
        ways = [Way(side, *kind) for kind in self._kinds() for side in SIDES]
        needs = [self.memory(height, width, way) for way in ways]
        for way, need in zip(ways, needs):
            if need <= budget:
                return way
        raise ValueError(
            f"memory: expected at least {math.ceil(min(needs) / 1e8) / 10:.1f}GB for an image of "
            f"{width}x{height} with its margin, received {budget / 1e9:.1f}GB"
        )

    def _kinds(self):
        """Optimisers and their pairs, as in a `Way`."""
        if self.optimizer in (None, "adam"):
            return [(None, None)]
        return [(None, None), *((self.optimizer, pairs) for pairs in FEWER), ("adam", None)]

    def _outputs(self, height, width):
        """Name, positions, channels and those of the head, or 0, of every convolution."""
        convolutions = _convolutions(self.architecture, self.layers, height, width)
        for name, positions, _, channels in convolutions:
            head = self.architecture.heads.get(name, 0) if name in self.layers else 0
            yield name, positions, channels, head


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


def budget(memory) -> float:
    """Bytes that a run may take: "8GB" or "512MB"; `None` is most of what there is.

    Raises:
        ValueError: another text.
    """
    if memory is None:
        return FREE_SHARE * available_memory()
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([GM])B", str(memory), re.IGNORECASE)
    if not match:
        raise ValueError(f"memory: expected a size such as 8GB or 512MB, received {memory!r}")
    return float(match[1]) * {"G": 1e9, "M": 1e6}[match[2].upper()]


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
    inputs = 3
    for name in architecture.layers[: architecture.deepest(layers) + 1]:
        shrink = stride(name)
        outputs = architecture.widths[int(name[5]) - 1]
        yield name, math.ceil(height / shrink) * math.ceil(width / shrink), inputs, outputs
        inputs = outputs
