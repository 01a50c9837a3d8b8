"""The tables from which feature networks are built. No TensorFlow here: names are checked first."""

import dataclasses
import math
from collections.abc import Collection, Iterator
from typing import ClassVar

# The layer in front of the convolutions (`tfstyle.features.pixels`): three colours and nine
# frequencies of 3x3 pixels, and once more, without sign, those that are not constant.
PIXELS = "pixels"
PIXEL_FILTERS, PIXEL_SIZES = 27, 24
PIXEL_WORK = 45_000.0  # of its gradient too, for each position


@dataclasses.dataclass(frozen=True)
class Architecture:
    """What tells one VGG from another, and what a network of it costs.

    Whoever plans a run, or works in blocks, asks `stride`, `radius`, `shape`, `flops`,
    `memory_work` and `activations`, and knows nothing else of a network.

    Attributes:
        repeats: convolutions in each block.
        widths: channels in each block.
        weights: what they are loaded from unless a file is named, "bundled" or "imagenet".
        heads: layers that end in a 1x1 convolution, and its channels; the trunk does not see it.
        mean: what preprocessing subtracts, per input channel, on the scale 0 to 255.
        scale: what it multiplies by afterwards.
        bgr: whether the network expects blue first.
    """

    repeats: tuple[int, ...]
    widths: tuple[int, ...]
    weights: str
    heads: dict[str, int] = dataclasses.field(default_factory=dict)
    mean: tuple[float, float, float] = (123.68, 116.779, 103.939)
    scale: float = 1.0
    bgr: bool = False

    # Whether a value depends on what is near it only, so that blocks and regions can be told apart.
    local: ClassVar[bool] = True

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of all layers, from the image inwards."""
        return PIXELS, *self.convolutions

    @property
    def convolutions(self) -> tuple[str, ...]:
        """Names of those that have weights."""
        return tuple(
            f"block{block}_conv{index}"
            for block, repeat in enumerate(self.repeats, 1)
            for index in range(1, repeat + 1)
        )

    def block(self, layer: str) -> int:
        """Number of the block of a layer, from 1: every block but the first begins with pooling."""
        last = self.layers.index(PIXELS)
        for block, repeat in enumerate(self.repeats, 1):
            last += repeat
            if self.layers.index(layer) <= last:
                return block
        raise ValueError(layer)

    def needed(self, layers: Collection[str]) -> tuple[str, ...]:
        """All convolutions from the image to the deepest of `layers`."""
        return self.convolutions[: max(self.layers.index(layer) for layer in layers)]

    def stride(self, layer: str) -> int:
        """Pixels from one position of a layer to the next."""
        return 2 ** (self.block(layer) - 1)

    def radius(self, layers: Collection[str]) -> int:
        """Pixels on each side of its own that a position of the deepest of `layers` sees.

        A convolution adds one position, which is as many pixels as its layer's stride. Pooling adds
        none: its windows do not overlap, and become the pixels of the new position.
        """
        return max(1, sum(map(self.stride, self.needed(layers))))

    def shape(self, layer: str, height: int, width: int) -> tuple[int, int]:
        """Positions and channels of a layer's map for an image of that size."""
        channels = self.heads.get(layer, self._width(layer))
        return self._positions(layer, height, width), channels

    def flops(self, layers: Collection[str], height: int, width: int) -> float:
        """FLOPs of the features of `layers`; a multiplication and an addition are 2."""
        return 2.0 * sum(
            positions * (9 * inputs * outputs + outputs * head)
            for positions, inputs, outputs, head in self._convolutions(layers, height, width)
        )

    def memory_work(self, layers: Collection[str], height: int, width: int) -> float:
        """FLOPs of float32 convolutions that take as long as what is bound by memory instead."""
        return PIXEL_WORK * self._positions(PIXELS, height, width) if PIXELS in layers else 0.0

    def activations(self, layers: Collection[str], height: int, width: int) -> int:
        """Numbers in the outputs of all convolutions on the way to `layers`."""
        return sum(
            positions * (outputs + head)
            for positions, _, outputs, head in self._convolutions(layers, height, width)
        )

    def _convolutions(self, layers, height, width) -> Iterator[tuple[int, int, int, int]]:
        """Positions, channels in and out, and those of the head or 0, of every convolution."""
        inputs = 3
        if PIXELS in layers:
            yield self._positions(PIXELS, height, width), inputs, PIXEL_FILTERS, PIXEL_SIZES
        for layer in self.needed(layers):
            outputs = self._width(layer)
            head = self.heads.get(layer, 0) if layer in layers else 0
            yield self._positions(layer, height, width), inputs, outputs, head
            inputs = outputs

    def _width(self, layer):
        if layer == PIXELS:
            return PIXEL_FILTERS + PIXEL_SIZES
        return self.widths[self.block(layer) - 1]

    def _positions(self, layer, height, width):
        stride = self.stride(layer)
        return math.ceil(height / stride) * math.ceil(width / stride)


VGG19 = Architecture(
    repeats=(2, 2, 4, 4, 4),
    widths=(64, 128, 256, 512, 512),
    weights="imagenet",
    mean=(103.939, 116.779, 123.68),  # as Caffe counts: blue, green, red
    bgr=True,
)

# A quarter of the width, and nothing else.
VGG19_NARROW = Architecture(
    repeats=(2, 2, 4, 4, 1), widths=(16, 32, 64, 128, 128), weights="bundled", scale=1 / 64
)

# The same network. The heads give VGG19's own number of channels where losses usually look.
VGG19_COMPACT = dataclasses.replace(
    VGG19_NARROW,
    heads={
        "block1_conv1": 64,
        "block2_conv1": 128,
        "block3_conv1": 256,
        "block4_conv1": 512,
        "block4_conv2": 512,
        "block5_conv1": 512,
    },
)
