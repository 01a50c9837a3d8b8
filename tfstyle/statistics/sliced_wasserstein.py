"""The sliced Wasserstein distance between clouds of feature vectors."""

import tensorflow as tf

from tfstyle.settings import DEFAULTS
from tfstyle.settings.base import checked_fields
from tfstyle.statistics.base import Statistic, importance, rows

BINS = 1024
FINENESS = 4096  # of a sample's place within its bin, and of weights
SORTING = 1700  # FLOPs of convolutions that take as long as to sort a number


class SlicedWasserstein(Statistic):
    """Quantiles of the features along random directions (Heitz et al. 2021; Pitié et al. 2005).

    Two distributions are equal where all their projections are: unlike any set of moments, enough
    directions know everything about a distribution. Projections are sorted, and the sorted values
    averaged over `levels` equal shares, so that pictures of any two sizes can be compared.

    The blend of two styles lies between them (every quantile is averaged: a Wasserstein barycentre
    along each direction); it is not the mixture.

    Costs 4 N C D FLOPs and D sorts of N numbers, and D K numbers, for D directions and K levels.

    Args:
        directions: random directions, for each layer.
        levels: shares into which the sorted projections are divided.
        seed: of the directions; int32 scalar. Within one minimisation it must stay the same.
    """

    weighs = True

    def __init__(
        self,
        directions: int = DEFAULTS.sliced_wasserstein_directions,
        levels: int = DEFAULTS.sliced_wasserstein_levels,
        seed=0,
    ):
        checked_fields(
            type(DEFAULTS),
            sliced_wasserstein_directions=directions,
            sliced_wasserstein_levels=levels,
        )
        self.directions, self.levels, self.seed = directions, levels, seed

    def work(self, positions, channels):
        return (4.0 * channels + SORTING) * positions * self.directions

    def numbers(self, positions, channels):
        return 6.0 * positions * self.directions

    def seeded(self, seed):
        return SlicedWasserstein(self.directions, self.levels, seed)

    def measure(self, features, weights=None):
        """Means of the sorted projections over each share `[D, K]`, float32, ascending in K."""
        values = rows(features)
        shape = values.shape[1], self.directions
        directions = tf.random.stateless_normal(shape, tf.stack([self.seed, 0]))
        directions = tf.cast(tf.math.l2_normalize(directions, axis=0), values.dtype)
        projected = tf.cast(
            tf.matmul(directions, values, transpose_a=True, transpose_b=True), tf.float32
        )
        if weights is None:
            return _quantiles(projected, self.levels)
        column = tf.round(FINENESS * importance(weights))
        return _quantiles(projected, self.levels, tf.cast(column[:, 0], tf.int64))

    def distance(self, measured, target):
        """Mean squared difference of the quantiles: sliced squared 2-Wasserstein distance."""
        return tf.reduce_mean(tf.square(measured - target))


def _quantiles(samples, levels, weights=None):
    """Means of the samples `[D, N]` over each of `levels` equal shares of the sorted N: `[D, K]`.

    A counting sort: samples that share one of `BINS` bins stay unsorted and count by their mean.
    TensorFlow's own sort takes ten times as long. A sample of weight n, int64 `[N]`, counts as n.
    """
    quantiles = tf.custom_gradient(lambda samples: _sorted_quantiles(samples, levels, weights))
    return quantiles(samples)


def _sorted_quantiles(samples, levels, weights):
    """The quantiles and their gradient."""
    bins, counts, sums = _sorted(samples, weights)
    each, total = 1.0, tf.shape(samples)[1]
    if weights is not None:
        each, total = tf.cast(weights, tf.float32), tf.maximum(tf.reduce_sum(weights), 1)
    ends = tf.pad(tf.cumsum(counts, axis=1), [[0, 0], [1, 0]])
    shares = tf.linspace(tf.zeros_like(ends[:, 0]), ends[:, -1], levels + 1, axis=1)
    shares = _integral(shares, ends, sums, tf.math.divide_no_nan(sums, counts))
    share = tf.cast(levels / total, tf.float64)

    def gradient(upstream):
        # A sample has its bin's part in the shares that the bin lies in.
        upstream = tf.cast(upstream, tf.float64)
        grid = tf.cast(tf.range(levels + 1), tf.float64) * tf.ones_like(ends[:, :1])
        parts = _integral(ends * share, grid, upstream, upstream)
        parts = tf.math.divide_no_nan(parts, counts)
        return each * tf.gather(tf.reshape(tf.cast(parts, tf.float32), [-1]), bins)

    return tf.cast(shares * share, tf.float32), gradient


def _sorted(samples, each=None):
    """The bin of every sample `[D, N]`, and each bin's number and sum of samples `[D, BINS]`.

    The bins of direction d begin at d BINS. Sums are taken of whole numbers, which come out the
    same in whatever order threads add them. A sample counts `each` times, int64 `[N]`.
    """
    lowest, highest = (f(samples, axis=1, keepdims=True) for f in (tf.reduce_min, tf.reduce_max))
    scale = tf.math.divide_no_nan(BINS * (1 - 1e-6), highest - lowest)
    places = (samples - lowest) * scale
    # Not a number fits in no bin; the loss is not a number then, whatever the bins.
    bins = tf.clip_by_value(tf.cast(places, tf.int32), 0, BINS - 1)
    bins += BINS * tf.range(tf.shape(samples)[0])[:, None]
    places, times = tf.cast(places * FINENESS, tf.int64), None
    if each is not None:
        times = each * tf.ones_like(places)
        places *= each
    counts, sums = (_by_bin(bins, weights) for weights in (times, places))
    width = tf.cast(tf.math.divide_no_nan(1.0, scale), tf.float64)
    return bins, counts, counts * tf.cast(lowest, tf.float64) + sums * width / FINENESS


def _by_bin(bins, weights):
    """Numbers, or sums of weights, of the samples in each bin, `[D, BINS]` float64."""
    size = BINS * tf.shape(bins)[0]
    weights = None if weights is None else tf.reshape(weights, [-1])
    total = tf.math.bincount(tf.reshape(bins, [-1]), weights, minlength=size, maxlength=size)
    return tf.cast(tf.reshape(total, [-1, BINS]), tf.float64)


def _integral(at, ends, sums, heights):
    """Integrals of step functions between neighbours of `at`, `[D, M]` -> `[D, M - 1]`.

    The steps end at `ends` `[D, B + 1]`; `sums` and `heights` `[D, B]` are theirs.
    """
    inside = tf.searchsorted(ends[:, 1:-1], at, side="right")
    whole = tf.gather(tf.cumsum(sums, axis=1, exclusive=True), inside, batch_dims=1)
    part = at - tf.gather(ends, inside, batch_dims=1)
    integral = whole + part * tf.gather(heights, inside, batch_dims=1)
    return integral[:, 1:] - integral[:, :-1]
