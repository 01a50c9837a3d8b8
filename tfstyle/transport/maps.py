"""Maps of feature vectors after which a statistic of theirs is that of a style, in closed form.

What an optimisation of the statistic searches for, without the network in between.
"""

import abc
from typing import Any

import tensorflow as tf

from tfstyle import registry
from tfstyle.statistics.base import Nest, Tensor, blend, importance, rows
from tfstyle.statistics.moments import covariance, raw_moments

# Of the style's mean variance: in directions in which the content varies less, it is not blown up
# to the whole of the style's variance; what is there is rounding rather than texture.
LEAST = 1e-3
TINY = 1e-30  # keeps what a flat picture has none of above 0
BINS = 1024  # of a histogram
FINENESS = 4096  # of weights, which are counted in whole numbers


class Transport(abc.ABC):
    """Moves features onto a style; a sibling of a `tfstyle.statistics.base.Statistic`.

    Attributes:
        mixes: see `Criterion`: a map can be measured in parts, and then moved in parts.
    """

    mixes = True

    @abc.abstractmethod
    def measure(self, features: Tensor, weights: Tensor | None = None) -> Nest:
        """What is known of a style: a nest of float32 tensors, from activations `[1, h, w, C]`.

        Args:
            features: float32 or bfloat16.
            weights: of the positions, `[1, h, w, 1]` of at least 0, or `None`: all count the same.
        """

    @abc.abstractmethod
    def move(
        self, features: Tensor, target: Nest, weights: Tensor | None = None, here: Nest = None
    ) -> Tensor:
        """The features with the style's statistic, float32 `[1, h, w, C]`.

        Args:
            features: activations of the content, `[1, h, w, C]`.
            target: what was measured of the style, or the weighted mean for several.
            weights: of the positions; all are moved, by the map that is right for those with
                weight.
            here: what was measured of the whole content, where these are a part of it.
        """

    def seeded(self, seed: Tensor) -> "Transport":
        """This map with that seed (int32 scalar) for what it draws."""
        return self

    @property
    def draws(self) -> bool:
        """Whether it draws anything by that seed."""
        return self.seeded(0) is not self

    def target(self, features: list, parts: list[float], weights: list | None = None) -> Nest:
        """What is known of a blend, see `Criterion.target`."""
        pairs = zip(features, weights or [None] * len(features))
        return self.prepared(blend([self.measure(*pair) for pair in pairs], parts))

    def prepared(self, measured: Nest) -> Nest:
        return measured


class _Affine(Transport):
    """x -> A (x - m) + n, for the mean m of the content and n of the style."""

    def measure(self, features, weights=None):
        """Means `[C]` and second moments about zero `[C, C]`."""
        return raw_moments(features, weights)

    def move(self, features, target, weights=None, here=None):
        mean, second = here or raw_moments(features, weights)
        centred, there = (
            tf.cast(covariance(*each), tf.float64) for each in ((mean, second), target)
        )
        least = LEAST * tf.linalg.trace(there) / there.shape[0] + TINY
        matrix = tf.cast(self.matrix(centred, there, least), tf.float32)
        values = rows(tf.cast(features, tf.float32)) - mean
        moved = tf.matmul(values, matrix, transpose_b=True) + target[0]
        return tf.reshape(moved, tf.shape(features))

    @abc.abstractmethod
    def matrix(self, here: Tensor, there: Tensor, least: Tensor) -> Tensor:
        """A, from covariances `[C, C]` in float64; variances below `least` are not blown up."""


class Channels(_Affine):
    """Mean and deviation of every channel: AdaIN (Huang & Belongie 2017, equation 8).

    `channel_moments` up to the second order; the others are left as they come.
    """

    def matrix(self, here, there, least):
        variances, wanted = (tf.linalg.diag_part(each) for each in (here, there))
        return tf.linalg.diag(tf.sqrt(wanted / tf.maximum(variances, least)))


class Whitening(_Affine):
    """Mean and covariance, by whitening and colouring (Li et al. 2017, section 3.2)."""

    def matrix(self, here, there, least):
        return _power(there, 0.5) @ _power(here, -0.5, least)


class Optimal(_Affine):
    r"""Mean and covariance, by the map that moves Gaussians at the least cost.

    A = S^{-1/2} (S^{1/2} T S^{1/2})^{1/2} S^{-1/2} for the covariances S and T (Olkin & Pukelsheim
    1982): symmetric and positive, so that no feature is turned into another without need. Its cost
    is the distance of `GaussianW2`.
    """

    def matrix(self, here, there, least):
        half, inverse = _power(here, 0.5, least), _power(here, -0.5, least)
        return inverse @ _power(half @ there @ half, 0.5) @ inverse


class Sliced(Optimal):
    """All quantiles along random directions: sorted projections (Pitié, Kokaram & Dahyot 2005).

    Along each axis of a random orthonormal basis the features take the values of the style's of the
    same rank; so in one basis after the other. Moments are made right before, so that few are
    enough. A blend has the mean of the quantiles.

    Args:
        directions: random directions, made whole bases of C for C channels.
        levels: equal shares of the style's values, between whose ends lines are drawn.
        seed: of the directions; int32 scalar.
    """

    mixes = False

    def __init__(self, directions: int = 128, levels: int = 256, seed=0):
        self.directions, self.levels, self.seed = directions, levels, seed

    def seeded(self, seed):
        return Sliced(self.directions, self.levels, seed)

    def bases(self, channels: int) -> list:
        """Orthonormal bases, float32 `[C, C]`, an axis in each column."""
        count = max(1, round(self.directions / channels))
        normal = tf.random.stateless_normal([count, channels, channels], tf.stack([self.seed, 1]))
        return tf.unstack(tf.linalg.qr(normal)[0])

    def measure(self, features, weights=None):
        """Moments, and the quantiles along each axis of each basis, `[B, C, levels + 1]`."""
        quantiles = []
        for basis in self.bases(features.shape[-1]):
            edges, below, _ = _distribution(_along(features, basis), weights)
            quantiles.append(_interpolated(self._ranks(edges), below, edges))
        return raw_moments(features, weights), tf.stack(quantiles)

    def move(self, features, target, weights=None, here=None):
        moments, quantiles = target
        here = raw_moments(features, weights)
        moved = super().move(features, moments, here=here)
        varies, wanted = (tf.linalg.trace(covariance(*each)) for each in (here, moments))
        part = tf.clip_by_value(tf.math.divide_no_nan(varies, LEAST * wanted), 0, 1)
        for basis, wanted in zip(self.bases(features.shape[-1]), tf.unstack(quantiles)):
            values = _along(moved, basis)
            _, below, places = _distribution(values, weights)
            table = _interpolated(below, self._ranks(wanted), wanted)
            change = part * (_between(table, places) - values)
            change = tf.matmul(change, basis, transpose_a=True, transpose_b=True)
            moved += tf.reshape(change, tf.shape(moved))
        return moved

    def _ranks(self, values):
        """The ends of the shares, a row for each of the values'."""
        return tf.tile(tf.linspace(0.0, 1.0, self.levels + 1)[None], [values.shape[0], 1])


def get(statistic: Any, settings: Any = None) -> Transport:
    """The map of the statistic of that name, with its settings.

    Raises:
        ValueError: there is none in closed form.
    """
    if not isinstance(statistic, str) or statistic not in registry.TRANSPORTS:
        name = statistic if isinstance(statistic, str) else type(statistic).__name__
        raise ValueError(
            f"statistic: expected one of {', '.join(registry.TRANSPORTS)}, which have a map in "
            f"closed form, received {name}"
        )
    parameters = settings.parameters(statistic) if settings else {}
    return registry.get(registry.TRANSPORTS, statistic, "statistic", parameters)


def _power(matrix, exponent, least=None):
    """A power of a symmetric matrix `[C, C]` of eigenvalues of at least 0, or `least`."""
    values, vectors = tf.linalg.eigh(matrix)
    values = tf.maximum(values, tf.zeros_like(values) if least is None else least)
    return tf.matmul(vectors * values**exponent, vectors, transpose_b=True)


def _along(features, basis):
    """Features along each axis, `[C, N]`."""
    return tf.matmul(basis, rows(tf.cast(features, tf.float32)), transpose_a=True, transpose_b=True)


def _distribution(values, weights):
    """How each row of `[C, N]` is distributed.

    Args:
        weights: of the N values, or `None`.

    Returns:
        The edges of its bins, and the part of the values below each, both `[C, BINS + 1]`; and the
        places of its values among the edges, `[C, N]` in [0, BINS].
    """
    lowest, highest = (f(values, axis=1, keepdims=True) for f in (tf.reduce_min, tf.reduce_max))
    width = tf.maximum(highest - lowest, TINY) / (BINS - 1)
    places, channels = (values - lowest) / width + 0.5, values.shape[0]
    bins = tf.clip_by_value(tf.cast(places, tf.int32), 0, BINS - 1)
    bins += BINS * tf.range(channels)[:, None]
    each = None
    if weights is not None:  # whole numbers add up to the same in whatever order threads add them
        each = tf.cast(tf.round(FINENESS * importance(weights)[:, 0]), tf.int64)
        each = tf.reshape(each * tf.ones_like(bins, tf.int64), [-1])
    size = BINS * channels
    counts = tf.math.bincount(tf.reshape(bins, [-1]), each, minlength=size, maxlength=size)
    below = tf.cumsum(tf.cast(tf.reshape(counts, [channels, BINS]), tf.float64), axis=1)
    below = tf.pad(tf.math.divide_no_nan(below, below[:, -1:]), [[0, 0], [1, 0]])
    edges = lowest + width * (tf.range(BINS + 1, dtype=tf.float32) - 0.5)
    return edges, tf.cast(below, tf.float32), places


def _interpolated(at, ends, values):
    """Lines through (ends, values), rows `[C, K]` that ascend, at the places `[C, M]`."""
    last = ends.shape[1] - 1
    after = tf.clip_by_value(tf.searchsorted(ends, at, side="left"), 1, last)
    low, high = (tf.gather(ends, index, batch_dims=1) for index in (after - 1, after))
    part = tf.clip_by_value(tf.math.divide_no_nan(at - low, high - low), 0, 1)
    low, high = (tf.gather(values, index, batch_dims=1) for index in (after - 1, after))
    return low + part * (high - low)


def _between(table, places):
    """Lines between the entries of each row of a table `[C, BINS + 1]`, at places `[C, N]`."""
    first = tf.clip_by_value(tf.cast(places, tf.int32), 0, BINS - 1)
    part = places - tf.cast(first, tf.float32)
    first += (BINS + 1) * tf.range(table.shape[0])[:, None]
    table = tf.reshape(table, [-1])
    low = tf.gather(table, first)
    return low + part * (tf.gather(table, first + 1) - low)
