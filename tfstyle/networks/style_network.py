"""A network that paints any photograph in one style, at once (Johnson, Alahi & Fei-Fei 2016).

With instance normalisation (Ulyanov, Vedaldi & Lempitsky 2017), reflection at the borders, and
nearest up-sampling before convolutions. Its residual blocks are narrow inside, and what it paints
is added to the photograph: so it is small, and what it has not learned yet stays a photograph.
"""

import keras
import tensorflow as tf
from keras import ops

from tfstyle.networks.units import Chain, Unit, doubled, to_colours

STRIDE = 4  # of its widest maps, in pixels
GREY = 0.5
HALF, QUARTER, NARROW = 24, 96, 48  # channels
BLOCKS = 6
FINE, FINEST = 32, 16  # channels on the way back
# Pixels on each side of its own that a pixel depends on, where statistics are given; up-sampling
# looks at a position that lies up to one stride away.
RADIUS = 1 + 2 + STRIDE * BLOCKS + STRIDE + 2 * 2 + 2 * 1 + 2


class StyleNetwork(keras.Model):
    """Photographs to paintings; see above."""

    stride, radius = STRIDE, RADIUS
    signature = tf.TensorSpec([None, None, None, 3], tf.float32, "pictures")

    def __init__(self, dtype: str | None = None):
        super().__init__(dtype=dtype, autocast=False)
        policy = {"dtype": self.dtype_policy}
        self.down = [Unit(HALF, stride=2, **policy), Unit(QUARTER, stride=2, **policy)]
        self.blocks = [
            [
                Unit(NARROW, size=1, **policy),
                Unit(NARROW, **policy),
                Unit(QUARTER, size=1, is_linear=True, **policy),
            ]
            for _ in range(BLOCKS)
        ]
        self.up = [
            [Unit(channels, size=1, **policy), Unit(channels, **policy)]
            for channels in (FINE, FINEST)
        ]
        self.border, self.colours = to_colours()

    def call(self, pictures, statistics=None):
        """Paints.

        Args:
            pictures: RGB `[batch, H, W, 3]` in [0, 1]; H and W are at least 8.
            statistics: what another call returned, or `None`: those of the pictures themselves.

        Returns:
            The paintings, float32 `[batch, H, W, 3]`, about in [0, 1]; and the statistics, a list
            of (means, variances) `[batch, 1, 1, C]` of the maps.
        """
        chain = Chain(statistics)
        x = ops.cast(pictures, self.compute_dtype) - GREY
        for unit in self.down:
            x = chain(unit, x)
        for block in self.blocks:
            change = x
            for unit in block:
                change = chain(unit, change)
            x = x + change
        for first, second in self.up:
            x = chain(second, doubled(chain(first, x)))
        x = ops.cast(x[:, : ops.shape(pictures)[1], : ops.shape(pictures)[2]], "float32")
        seen = ops.concatenate([x, pictures - GREY], axis=-1)
        return pictures + self.colours(self.border(seen)), chain.measured
