"""Of what the trained networks are made: a convolution, instance normalisation, an activation."""

from typing import Any

import keras
from keras import ops

from tfstyle.features import vgg

EPSILON = 1e-5
Statistics = tuple[Any, Any]


class Unit(keras.layers.Layer):
    """A convolution, instance normalisation (Ulyanov, Vedaldi & Lempitsky 2017) and a ReLU.

    Means and variances of the picture's own maps are measured, unless some are given: then a part
    of a picture becomes what it is within the whole.

    Args:
        channels: of the output.
        size: of the kernel, 1 or 3.
        stride: 1, or 2 for maps of half the size, rounded up.
        tiled: whether the maps continue at their other side, of rows, of columns; else they are
            mirrored at their borders.
        is_linear: whether there is no ReLU.
    """

    def __init__(self, channels, size=3, stride=1, tiled=(False, False), is_linear=False, **kwargs):
        super().__init__(autocast=False, **kwargs)  # statistics stay float32
        self.border = vgg.Border(tiled=tiled, dtype=self.dtype_policy) if size > 1 else None
        self.convolution = keras.layers.Conv2D(
            channels,
            size,
            stride,
            use_bias=False,
            data_format=vgg.LAYOUT,
            kernel_initializer="he_normal",
            dtype=self.dtype_policy,
        )
        self.is_linear = is_linear
        self.scale = self.add_weight(shape=(channels,), initializer="ones", name="scale")
        self.shift = self.add_weight(shape=(channels,), initializer="zeros", name="shift")

    def call(self, x, statistics: Statistics | None = None):
        """Maps `[batch, h, w, C]`, and the means and variances they had, `[batch, 1, 1, C]`."""
        x = self.convolution(x if self.border is None else self.border(x))
        if statistics is None:
            statistics = ops.moments(ops.cast(x, "float32"), (1, 2), keepdims=True)
        mean, variance = statistics
        factor = self.scale * ops.rsqrt(variance + EPSILON)
        offset = self.shift - mean * factor
        x = x * ops.cast(factor, x.dtype) + ops.cast(offset, x.dtype)
        return x if self.is_linear else ops.relu(x), (mean, variance)


class Chain:
    """Applies units one after the other, each with its own statistics; keeps those it measures.

    Args:
        given: statistics of all units in the order in which they are applied, or `None`.
    """

    def __init__(self, given=None):
        self._given, self.measured = None if given is None else list(given), []

    def __call__(self, unit: Unit, x):
        given = None if self._given is None else self._given[len(self.measured)]
        x, statistics = unit(x, statistics=given)
        self.measured.append(statistics)
        return x


def doubled(x):
    """Maps of twice the size, by nearest neighbours: a transposed convolution leaves dots."""
    return ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2)


def to_colours(tiled=(False, False), dtype=None) -> tuple[vgg.Border, keras.layers.Conv2D]:
    """The last layers of a network, which give RGB, at first nothing."""
    return vgg.Border(tiled=tiled, dtype="float32"), keras.layers.Conv2D(
        3, 3, data_format=vgg.LAYOUT, kernel_initializer="zeros", dtype="float32", name="colours"
    )
