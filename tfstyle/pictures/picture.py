"""A picture as it was read: its pixels, and what stands beside them."""

import dataclasses

import numpy as np

from tfstyle.pictures.metadata import Metadata


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture.

    Attributes:
      pixels: RGB float32 [1, H, W, 3] in [0, 1], encoded as sRGB; also where nothing is seen.
      alpha: float32 [1, H, W, 1], 0 where it is transparent and 1 where it is opaque; None where
        all is opaque.
      metadata: of the camera, and the pixels per inch.
      depth: bits a channel, 8 or 16; of floating-point values 16.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    metadata: Metadata = Metadata()
    depth: int = 8

    @classmethod
    def of(cls, values, metadata, depth):
        """A picture of float32 [H, W], [H, W, 1], [H, W, 3] or [H, W, 4]."""
        values = np.atleast_3d(values)[np.newaxis]
        colours, alpha = (values[..., :3], values[..., 3:]) if values.shape[3] == 4 else (values, 1)
        if colours.shape[3] == 1:
            colours = np.repeat(colours, 3, axis=3)
        return cls(colours, None if np.all(alpha == 1) else alpha, metadata, depth)

    def over(self, background):
        """Its pixels in front of an RGB colour in [0, 1]: a new array as `pixels`."""
        if self.alpha is None:
            return np.ascontiguousarray(self.pixels)
        return self.pixels * self.alpha + np.float32(background) * (1 - self.alpha)
