"""The energy of FRAME: histograms of filter responses, and a multiplier for each of their bins.

    U(I) = sum over filters k and positions p of multipliers[k, bin of the response of k at p]
    Q(I) proportional to exp(-U(I))

Zhu, Wu & Mumford 1998, equation 17. A picture is a torus of grey levels 0 ... L - 1: its sides
continue at the opposite ones, so that all positions are alike.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfstyle.random_field.filters import Filter

BINS = 15
TAIL = 0.01  # of the observed responses lies in the first bin, and in the last


class Feature(NamedTuple):
    """A filter and the bins of its responses.

    Attributes:
        filter: the filter.
        lowest: the least response that it can have.
        bins: int32: the bin, from 0 to `BINS` - 1, of each response from the lowest on.
    """

    filter: Filter
    lowest: int
    bins: np.ndarray

    @classmethod
    def of(cls, filter: Filter, levels: int, observed: np.ndarray) -> "Feature":
        """Bins of equal width where the responses to a picture of levels `[h, w]` are.

        Where a filter can have no more responses than there are bins, each has its own.
        """
        negative = int(np.minimum(filter.kernel, 0).sum())
        positive = int(np.maximum(filter.kernel, 0).sum())
        lowest, highest = (levels - 1) * negative, (levels - 1) * positive
        possible = np.arange(lowest, highest + 1)
        if len(possible) <= BINS:
            return cls(filter, lowest, np.arange(len(possible), dtype=np.int32))
        ends = np.quantile(inside(filter.kernel, observed), (TAIL, 1 - TAIL))
        edges = np.linspace(ends[0], ends[1], BINS - 1)
        return cls(filter, lowest, np.searchsorted(edges, possible, "right").astype(np.int32))

    def histogram(self, picture: np.ndarray) -> np.ndarray:
        """Shares of the bins, float64 `[BINS]`, in a picture of levels that is no torus."""
        bins = self.bins[inside(self.filter.kernel, picture) - self.lowest]
        return np.bincount(bins.ravel(), minlength=BINS) / bins.size


def inside(kernel: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Responses where the whole kernel is inside the picture, int."""
    patches = np.lib.stride_tricks.sliding_window_view(picture, kernel.shape)
    return np.einsum("yxij,ij->yx", patches, kernel)


class Energy:
    """The energy of pictures of one size, for given features.

    Args:
        features: its filters and bins, none of them larger than the picture.
        levels: grey levels, L.
        height, width: of the pictures.
    """

    def __init__(self, features: list[Feature], levels: int, height: int, width: int):
        self.features, self.levels = features, levels
        self.height, self.width = height, width
        self.side = max(feature.filter.side for feature in features)
        self._kernels = tf.constant(stacked([feature.filter.kernel for feature in features]))
        self._lowest = tf.constant([feature.lowest for feature in features])
        # Bins of all features, one after the other.
        self._starts = tf.constant(np.cumsum([0, *(len(x.bins) for x in features)])[:-1], tf.int32)
        bins = [BINS * n + feature.bins for n, feature in enumerate(features)]
        self._bins = tf.constant(np.concatenate(bins), tf.int32)

    def responses(self, pictures: tf.Tensor) -> tf.Tensor:
        """Responses of all filters, int32 `[B, H, W, K]`, to pictures int32 `[B, H, W]`."""
        # Whole numbers far below 2^24: float32 has them exactly.
        values = periodic_responses(tf.cast(pictures, tf.float32), self._kernels)
        return tf.cast(tf.round(values), tf.int32)

    def histograms(self, pictures: tf.Tensor) -> tf.Tensor:
        """Shares of the bins, float32 `[B, K, BINS]`, of pictures int32 `[B, H, W]`."""
        bins = tf.reshape(self._binned(pictures), [len(pictures), -1])
        size = len(self.features) * BINS
        counts = tf.math.bincount(bins, minlength=size, maxlength=size, axis=-1, dtype=tf.float32)
        shares = counts / (self.height * self.width)
        return tf.reshape(shares, [-1, len(self.features), BINS])

    def value(self, pictures: tf.Tensor, multipliers: tf.Tensor) -> tf.Tensor:
        """The energy U, float32 `[B]`, of pictures int32 `[B, H, W]`; `[K, BINS]` multipliers."""
        values = tf.gather(tf.reshape(multipliers, [-1]), self._binned(pictures))
        return tf.reduce_sum(values, axis=(1, 2, 3))

    def _binned(self, pictures):
        """Numbers of the bins, those of the second feature after those of the first."""
        return tf.gather(self._bins, self.responses(pictures) - self._lowest + self._starts)


def periodic_responses(pictures: tf.Tensor, kernels: tf.Tensor) -> tf.Tensor:
    """Responses, float32 `[B, H, W, K]`, to pictures float32 `[B, H, W]`, to `stacked` kernels."""
    before = kernels.shape[0] // 2
    after = kernels.shape[0] - 1 - before
    for axis in (1, 2):
        length = tf.shape(pictures)[axis]
        pictures = tf.gather(pictures, tf.range(-before, length + after) % length, axis=axis)
    return tf.nn.conv2d(pictures[..., tf.newaxis], kernels, 1, "VALID")


def stacked(kernels: list[np.ndarray]) -> np.ndarray:
    """Kernels as one of a convolution, float32 `[side, side, 1, K]`, their middles at side // 2."""
    side = max(max(kernel.shape) for kernel in kernels)
    stack = np.zeros((side, side, 1, len(kernels)), np.float32)
    for number, kernel in enumerate(kernels):
        top, left = (side // 2 - length // 2 for length in kernel.shape)
        stack[top : top + kernel.shape[0], left : left + kernel.shape[1], 0, number] = kernel
    return stack
