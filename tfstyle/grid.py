"""How a picture is cut into overlapping blocks; in plain numbers, so that costs are known early."""

from typing import NamedTuple

from tfstyle.features.architectures import stride


class Grid(NamedTuple):
    """Blocks of a picture, and what each must see around itself.

    Attributes:
        side: of a block in pixels, without what is around it; a multiple of `stride`.
        stride: pixels to which blocks are aligned, so that pooling windows are those of the whole.
        halo: pixels around a block, a multiple of `stride`: as far as its deepest features see.
    """

    side: int
    stride: int
    halo: int

    @classmethod
    def of(cls, architecture, layers, side):
        """The grid for the features of `layers`, of blocks of about `side` pixels."""
        step = stride(architecture.layers[architecture.deepest(layers)])
        halo = -(-architecture.radius(layers) // step) * step
        return cls(max(1, side // step) * step, step, halo)

    def count(self, length):
        """Blocks along a side of so many pixels; numbers or tensors of integers."""
        return -(-(length // self.stride) // (self.side // self.stride))

    def longest(self, length):
        """Side of the largest block with all around it; what is left over belongs to the last."""
        return min(length, self.side + self.stride - 1 + 2 * self.halo)

    def covered(self, length):
        """Sum of the sides of all blocks with all around them."""
        return length + 2 * self.halo * (self.count(length) - 1)
