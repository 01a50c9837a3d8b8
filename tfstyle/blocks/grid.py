"""How a picture is cut into overlapping blocks; in plain numbers, so that costs are known early."""

from collections.abc import Collection
from typing import NamedTuple


class Grid(NamedTuple):
    """Blocks of a picture, and what each must see around itself.

    Attributes:
        side: of a block in pixels, without what is around it; a multiple of `stride`.
        stride: pixels to which blocks are aligned, so that pooling windows are those of the whole.
        halo: pixels around a block, a multiple of `stride`: as far as its deepest features see.
        strides: (layer, pixels from one position to the next) of the layers that are looked at.
        tiled: whether what is around a block continues at the picture's other side, of rows, of
            columns.
    """

    side: int
    stride: int
    halo: int
    strides: tuple[tuple[str, int], ...]
    tiled: tuple[bool, bool] = (False, False)

    @classmethod
    def of(
        cls,
        representation,
        layers: Collection[str],
        side: int,
        tiled: tuple[bool, bool] = (False, False),
    ) -> "Grid":
        """The grid for the features of `layers`, of blocks of about `side` pixels.

        Args:
            representation: what tells `stride` and `radius`, see `Architecture`.
            tiled: see above.
        """
        strides = tuple((layer, representation.stride(layer)) for layer in layers)
        step = max(stride for _, stride in strides)
        halo = -(-representation.radius(layers) // step) * step
        return cls(max(1, side // step) * step, step, halo, strides, tiled)

    def count(self, length):
        """Blocks along a side of so many pixels; numbers or tensors of integers."""
        return -(-(length // self.stride) // (self.side // self.stride))

    def longest(self, length: int) -> int:
        """Side of the largest block with all around it; what is left over belongs to the last."""
        longest = self.side + self.stride - 1 + 2 * self.halo
        return longest if any(self.tiled) else min(length, longest)

    def covered(self, length: int) -> int:
        """Sum of the sides of all blocks with all around them."""
        return length + 2 * self.halo * (self.count(length) - (not any(self.tiled)))
