"""The tables from which feature networks are built. No TensorFlow here: names are checked first."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Architecture:
    """What tells one VGG from another.

    Attributes:
        repeats: convolutions in each block.
        widths: channels in each block.
        weights: what they are loaded from unless a file is named, "bundled" or "imagenet".
        heads: layers that end in a 1x1 convolution, and its channels; the trunk goes on without it.
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

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of all convolutions, from the image inwards."""
        return tuple(
            f"block{block}_conv{index}"
            for block, repeat in enumerate(self.repeats, 1)
            for index in range(1, repeat + 1)
        )

    def deepest(self, layers) -> int:
        """Where in `self.layers` the deepest of `layers` stands."""
        return max(self.layers.index(layer) for layer in layers)

    def radius(self, layers) -> int:
        """Pixels on each side of its own that a position of the deepest of `layers` sees.

        A convolution adds one position, which is as many pixels as its layer's stride. Pooling adds
        none: its windows do not overlap, and become the pixels of the new position.
        """
        return sum(stride(layer) for layer in self.layers[: self.deepest(layers) + 1])


def stride(layer: str) -> int:
    """Pixels from one position of a layer to the next: every block begins with a pooling."""
    return 2 ** (int(layer[len("block")]) - 1)


VGG19 = Architecture(
    repeats=(2, 2, 4, 4, 4),
    widths=(64, 128, 256, 512, 512),
    weights="imagenet",
    mean=(103.939, 116.779, 123.68),  # as Caffe counts: blue, green, red
    bgr=True,
)

# A quarter of the width. The heads give VGG19's own number of channels where losses usually look.
VGG19_COMPACT = Architecture(
    repeats=(2, 2, 4, 4, 1),
    widths=(16, 32, 64, 128, 128),
    weights="bundled",
    heads={
        "block1_conv1": 64,
        "block2_conv1": 128,
        "block3_conv1": 256,
        "block4_conv1": 512,
        "block4_conv2": 512,
        "block5_conv1": 512,
    },
    scale=1 / 64,
)
