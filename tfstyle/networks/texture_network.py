"""A network that makes a texture of noise, at once (Ulyanov, Lebedev, Vedaldi & Lempitsky 2016).

Noise of every scale comes in, from coarse to fine; all maps continue at their other side, so every
picture is a tile. With instance normalisation (Ulyanov, Vedaldi & Lempitsky 2017). Without noise at
the finest scales a network makes a mesh in the place of speckles.
"""

import keras
import tensorflow as tf
from keras import ops

from tfstyle.networks.units import Chain, Unit, doubled, to_colours

TILED = (True, True)
WIDTHS = (64, 64, 48, 32, 24, 16)  # channels of the scales, from coarse to fine
NOISE = (16, 8, 8, 4, 4, 2)  # channels of noise that come in
STRIDE = 2 ** (len(WIDTHS) - 1)
# Pixels on each side of its own that a pixel depends on, where statistics are given: two positions
# at each scale, one in the end; and up-sampling looks up to one stride away.
RADIUS = 2 * (2 * STRIDE - 1) + 1 + STRIDE
GREY = 0.5


class TextureNetwork(keras.Model):
    """Noise to textures; see above."""

    stride, radius = STRIDE, RADIUS
    signature = [tf.TensorSpec([None, None, None, channels], tf.float32) for channels in NOISE]

    def __init__(self, dtype: str | None = None):
        super().__init__(dtype=dtype, autocast=False)
        policy = {"tiled": TILED, "dtype": self.dtype_policy}
        self.scales = [[Unit(width, **policy), Unit(width, **policy)] for width in WIDTHS]
        self.border, self.colours = to_colours(TILED)

    def call(self, noise, statistics=None):
        """Weaves.

        Args:
            noise: what `noise` returns.
            statistics: what another call returned, or `None`: those of the pictures themselves.

        Returns:
            The textures, float32 `[batch, H, W, 3]`, about in [0, 1]; and the statistics, see
            `StyleNetwork.call`.
        """
        chain, x = Chain(statistics), None
        for new, units in zip(noise, self.scales):
            new = ops.cast(new, self.compute_dtype)
            x = new if x is None else ops.concatenate([doubled(x), new], axis=-1)
            for unit in units:
                x = chain(unit, x)
        return GREY + self.colours(self.border(ops.cast(x, "float32"))), chain.measured


def noise(batch, height, width, seed) -> list[tf.Tensor]:
    """Noise for a batch of pictures, normal, of all scales from coarse to fine.

    Args:
        batch: number of pictures; the first ones do not depend on it.
        height, width: of the pictures, multiples of `STRIDE`.
        seed: integer; that of each picture is the next.
    """

    def of_one(number):
        return [
            tf.random.stateless_normal(
                [height * 2**scale // STRIDE, width * 2**scale // STRIDE, channels],
                tf.stack([tf.cast(seed, tf.int32) + number, scale]),
            )
            for scale, channels in enumerate(NOISE)
        ]

    return [tf.stack(maps) for maps in zip(*map(of_one, range(batch)))]


def part(noise, top, left, height, width) -> list[tf.Tensor]:
    """The noise of a part of a picture, which continues at its other side.

    Args:
        noise: what `noise` returned.
        top, left, height, width: in multiples of `STRIDE`.
    """
    return [
        tf.gather(
            tf.gather(maps, _places(top, height, scale, maps.shape[1]), axis=1),
            _places(left, width, scale, maps.shape[2]),
            axis=2,
        )
        for scale, maps in enumerate(noise)
    ]


def _places(first, count, scale, side):
    return tf.range(first * 2**scale, (first + count) * 2**scale) % side
