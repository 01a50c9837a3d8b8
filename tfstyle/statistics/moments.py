"""Statistics made of the moments of a feature vector taken at a random position.

The mean of two such statistics is that of both pictures cut up and mixed: a blend of styles is the
mixture of their feature vectors.
"""

import tensorflow as tf

from tfstyle.statistics.base import Statistic, importance, rows

# A covariance below this part of the squared mean is that of a flat picture: rounding, no texture.
FLAT = 1e-3
EPSILON = 1e-12
MOMENTS = 400  # FLOPs of convolutions that take as long as to centre a number, there and back
SILENT = 1e-24  # added to moments: small beside those of any channel that is not silent


class Mean(Statistic):
    """Means of the C channels: first moments.

    All that a linear function of the features can see. Costs N C FLOPs and C numbers.
    """

    mixes = weighs = True

    def work(self, positions, channels):
        return 8.0 * positions * channels

    def measure(self, features, weights=None):
        """Means `[C]`, float32, of feature maps `[1, h, w, C]`."""
        return _mean(tf.cast(rows(features), tf.float32), weights)

    def distance(self, measured, target):
        """Squared Euclidean norm of the difference."""
        return _squared(measured - target)


class ChannelMoments(Statistic):
    r"""Moments of every channel by itself up to order four, and none of two channels together.

    Our own choice, for the question which statistics make a texture: it knows the distribution of
    each channel about as well as Gaussian-tailed data allow, which filter histograms do in FRAME
    (Zhu, Wu & Mumford 1997) and skewness and kurtosis in Portilla & Simoncelli (2000), but not
    which features occur together, which is all that the Gram matrix adds. At 4 C numbers it is the
    smallest statistic but for the mean. Costs 8 N C FLOPs.

    Orders are compared by :math:`(E f_c^k)^{1/k}`, which have the unit of the features: moments
    themselves would make the fourth order of the strongest channel all that counts.
    """

    mixes = weighs = True

    def work(self, positions, channels):
        return 1100.0 * positions * channels  # bound by memory, not by arithmetic

    def numbers(self, positions, channels):
        return 6.0 * positions * channels

    def measure(self, features, weights=None):
        """Moments `[4, C]`, float32, about zero, of the features' magnitudes."""
        values = tf.abs(tf.cast(rows(features), tf.float32))
        squares = tf.square(values)
        powers = values, squares, squares * values, tf.square(squares)
        return tf.stack([_mean(power, weights) for power in powers])

    def distance(self, measured, target):
        """Squared Euclidean norm of the difference of the roots."""
        return _squared(self._roots(measured) - self._roots(target))

    def _roots(self, moments):
        # The slope of a root is infinite at 0, where a channel is silent.
        return (moments + SILENT) ** tf.constant([[1], [1 / 2], [1 / 3], [1 / 4]])


class Gram(Statistic):
    """Second moments of the channels: the Gram matrix (Gatys et al. 2015, equation 3).

    Gatys sums over the N positions; here it is their mean, so that pictures of different sizes can
    be compared. Costs 2 N C^2 FLOPs, as many again for the gradient, and C^2 numbers.
    """

    mixes = weighs = True
    in_float32 = False

    def measure(self, features, weights=None):
        """Gram matrix `[C, C]`, float32, of feature maps `[1, h, w, C]`."""
        values = rows(features)
        if weights is None:
            return _gram(values, tf.cast(tf.shape(values)[0], tf.float32))
        column = importance(weights)  # its root on both sides of the product
        return _gram(values * tf.cast(tf.sqrt(column), values.dtype), _total(column))

    def distance(self, measured, target):
        """Squared Frobenius norm of the difference (Gatys et al. 2015, equation 4)."""
        return _squared(measured - target)


class MeanCovariance(Statistic):
    """Means, and the Gram matrix of the features minus their means: all of a Gaussian.

    Raw moments are measured, so that the mean of two measurements is that of a mixture; they are
    centred in `distance`. Costs 2 N C^2 FLOPs, as many again for the gradient, and C^2 + C numbers.
    """

    mixes = weighs = True
    in_float32 = False

    def work(self, positions, channels):
        return 4.0 * positions * channels**2 + MOMENTS * positions * channels

    def measure(self, features, weights=None):
        """Means `[C]` and second moments about zero `[C, C]`, float32.

        In bfloat16 a covariance is rounded as a Gram matrix is, by 2^-9 of each number.
        """
        return raw_moments(features, weights, rounded=True)

    def distance(self, measured, target):
        """Relative squared errors of the means and of the covariances, added.

        Each is divided by the target's squared norm: they have different units. Where the target is
        of one colour its covariance is nothing but rounding; then a small part of its mean counts.
        """
        (mean, second), (target_mean, target_second) = measured, target
        difference = covariance(mean, second) - covariance(target_mean, target_second)
        mean_size = _squared(target_mean)
        size = _squared(covariance(target_mean, target_second)) + (FLAT * mean_size) ** 2
        means = _squared(mean - target_mean) / (mean_size + EPSILON)
        return means + _squared(difference) / (size + EPSILON)


def raw_moments(features, weights=None, rounded=False):
    """Means `[C]` and second moments about zero `[C, C]`, float32, of `[1, h, w, C]`.

    The product is taken of centred features, since a covariance may be small beside the squared
    mean; and in float32, since one that is rounded to bfloat16 has negative eigenvalues.

    Args:
        weights: of the positions, or `None`.
        rounded: whether the product is taken in the features' own precision instead.
    """
    values = rows(features)
    dtype = values.dtype if rounded else tf.float32
    return _raw_moments(values, dtype, None if weights is None else importance(weights))


def _raw_moments(values, dtype, column):
    count = tf.cast(tf.shape(values)[0], tf.float32) if column is None else _total(column)

    def centred(values, mean, dtype):
        return tf.cast(tf.cast(values, tf.float32) - mean, dtype)

    def weighed(values, power=1.0):
        return values if column is None else values * tf.cast(column**power, values.dtype)

    @tf.custom_gradient
    def moments(values):
        mean = _sums(values, column)[0] / count
        difference = weighed(centred(values, mean, dtype), 0.5)
        product = tf.cast(tf.matmul(difference, difference, transpose_a=True), tf.float32)

        def gradient(upstream, upstream_second):
            # In the features' precision, as the network's own; the mean's part is one vector.
            symmetric = (upstream_second + tf.transpose(upstream_second)) / count
            pull = tf.matmul(centred(values, mean, values.dtype), tf.cast(symmetric, values.dtype))
            same = upstream / count + tf.linalg.matvec(symmetric, mean)
            return weighed(tf.nn.bias_add(pull, tf.cast(same, values.dtype)))

        return (mean, product / count + outer(mean, mean)), gradient

    return moments(values)


def _sums(values, column=None):
    """Sums of the columns, `[N, C]` -> `[1, C]`, float32: a product takes half of a reduction."""
    values = tf.cast(values, tf.float32)
    if column is not None:
        return tf.matmul(column, values, transpose_a=True)
    return tf.matmul(tf.ones([1, tf.shape(values)[0]]), values)


def _mean(values, weights):
    """Means of the columns, `[N, C]` -> `[C]`, in float32."""
    if weights is None:
        return tf.reduce_mean(values, axis=0)
    column = importance(weights)
    return tf.reduce_sum(column * values, axis=0) / _total(column)


def _total(column):
    """The sum of weights; of zeros, whose moments are zeros, not 0."""
    return tf.maximum(tf.reduce_sum(column), EPSILON)


def covariance(mean, second):
    """Covariance `[C, C]` from the mean `[C]` and the second moments `[C, C]`."""
    return second - outer(mean, mean)


def outer(a, b):
    return a[:, None] * b


def _squared(difference):
    return tf.reduce_sum(tf.square(difference))


@tf.custom_gradient
def _gram(rows, count):
    """F^T F / N for F `[N, C]`. TensorFlow's own gradient would cost two products like this one."""
    gram = tf.cast(tf.matmul(rows, rows, transpose_a=True), tf.float32) / count

    def gradient(upstream):
        symmetric = tf.cast((upstream + tf.transpose(upstream)) / count, rows.dtype)
        return tf.matmul(rows, symmetric), None

    return gram, gradient
