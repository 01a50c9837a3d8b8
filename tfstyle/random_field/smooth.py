"""The energy of FRAME for pictures of all greys: bins that run into each other.

A response counts for three bins of its filter, by weights that are quadratic B-splines and add to
one. So the energy has a continuous slope, and Langevin's sampler a way down. Greys are from 0 to 1,
all alike beforehand: they are places on a line that is folded there.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfstyle.random_field.energy import BINS, TAIL, inside, periodic_responses, stacked
from tfstyle.random_field.filters import Filter


class SmoothFeature(NamedTuple):
    """A filter and the bins of its responses.

    Attributes:
        filter: the filter.
        first: response in the middle of the first bin.
        width: of a bin.
    """

    filter: Filter
    first: float
    width: float

    @classmethod
    def of(cls, filter: Filter, observed: np.ndarray) -> "SmoothFeature":
        """Bins where the responses to a picture `[h, w]` in [0, 1] are, such as those of levels."""
        low, high = np.quantile(inside(filter.kernel, observed), (TAIL, 1 - TAIL))
        width = max(high - low, 1e-3) / (BINS - 2)
        return cls(filter, low - width / 2, width)

    def histogram(self, picture: np.ndarray) -> np.ndarray:
        """Shares of the bins, float64 `[BINS]`, in a picture `[h, w]` that is no torus."""
        responses = (inside(self.filter.kernel, picture) - self.first) / self.width
        bins, weights = shared(tf.constant(responses.ravel(), tf.float32))
        shares = np.bincount(np.ravel(bins), np.ravel(weights), minlength=BINS)
        return shares / responses.size


def shared(responses: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The three bins of each response and its weights there.

    Args:
        responses: float32 `[...]`, 0 in the middle of the first bin, 1 in that of the second.

    Returns:
        int32 and float32 `[3, ...]`.
    """
    responses = tf.clip_by_value(responses, -1.0, float(BINS))
    nearest = tf.round(responses)
    beside = responses - nearest
    weights = tf.square(0.5 - beside) / 2, 0.75 - tf.square(beside), tf.square(0.5 + beside) / 2
    bins = tf.cast(nearest, tf.int32) + tf.reshape([-1, 0, 1], [3, *[1] * len(responses.shape)])
    return tf.clip_by_value(bins, 0, BINS - 1), tf.stack(weights)


def folded(places: tf.Tensor) -> tf.Tensor:
    """Greys in [0, 1] of places on a line: 1.2 is 0.8, and -0.2 is 0.2."""
    return 1 - tf.abs(1 - places % 2)


class SmoothEnergy:
    """The energy of pictures of one size, for given features.

    Args:
        features: its filters and bins, none of them larger than the picture.
        height, width: of the pictures.
    """

    def __init__(self, features: list[SmoothFeature], height: int, width: int):
        self.features, self.height, self.width = features, height, width
        self._kernels = tf.constant(stacked([feature.filter.kernel for feature in features]))
        self._firsts = tf.constant([feature.first for feature in features], tf.float32)
        self._widths = tf.constant([feature.width for feature in features], tf.float32)

    def histograms(self, places: tf.Tensor) -> tf.Tensor:
        """Shares of the bins, float32 `[B, K, BINS]`, of places float32 `[B, H, W]`."""
        bins, weights = self._shared(places)
        count, size = len(places), len(self.features) * BINS
        rows = size * tf.range(count)[:, tf.newaxis, tf.newaxis, tf.newaxis] + bins
        shares = tf.math.unsorted_segment_sum(weights, rows, count * size)
        return tf.reshape(shares, [count, -1, BINS]) / (self.height * self.width)

    def value(self, places: tf.Tensor, multipliers: tf.Tensor) -> tf.Tensor:
        """The energy, float32 `[B]`, of places float32 `[B, H, W]`; `[K, BINS]` multipliers."""
        bins, weights = self._shared(places)
        costs = weights * tf.gather(tf.reshape(multipliers, [-1]), bins)
        return tf.reduce_sum(costs, axis=(0, 2, 3, 4))

    def _shared(self, places):
        """Bins and weights `[3, B, H, W, K]`; bins of a feature follow those of the one before."""
        responses = periodic_responses(folded(places), self._kernels)
        bins, weights = shared((responses - self._firsts) / self._widths)
        return bins + BINS * tf.range(len(self.features)), weights
