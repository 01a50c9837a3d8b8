"""The 2-Wasserstein distance between Gaussians."""

import tensorflow as tf

from tfstyle.statistics.base import Statistic
from tfstyle.statistics.moments import covariance, raw_moments, raw_moments_work

# Added to all variances, as a part of the target's mean square: a direction in which the image does
# not vary at all would be pulled apart with infinite force.
REGULARISATION = 1e-4
ROUNDING = 1e-6  # the same of the largest mean square: float32 leaves eigenvalues of either sign
DECOMPOSITION = 50  # FLOPs of convolutions that take as long, for each of C^3
TINY = 1e-30  # keeps the covariance of a black picture positive definite


class GaussianW2(Statistic):
    """Squared 2-Wasserstein (Bures) distance between the Gaussians of the same mean and covariance.

    How far feature vectors must move until their mean and covariance are right. It has the same
    zeros as mean and covariance, but a weak direction counts by its deviation, not its variance.

    A blend has the moments of the mixture. Costs 2 N C^2 FLOPs, as many again for the gradient, and
    C^2 + C numbers; the distance some 25 C^3, in float64, whatever the size of the image.
    """

    mixes = True

    def work(self, positions, channels):
        return raw_moments_work(positions, channels) + DECOMPOSITION * channels**3

    def measure(self, features):
        """Means `[C]` and second moments about zero `[C, C]`, float32."""
        return raw_moments(features)

    def distance(self, measured, target):
        """Squared distance of the means plus the squared Bures distance of the covariances.

        Dowson & Landau 1982; Olkin & Pukelsheim 1982.
        """
        means = tf.reduce_sum(tf.square(measured[0] - target[0]))
        here, there = (tf.cast(covariance(*moments), tf.float64) for moments in (measured, target))
        squares = tf.cast(tf.linalg.diag_part(target[1]), tf.float64)
        ridge = REGULARISATION * tf.reduce_mean(squares) + ROUNDING * tf.reduce_max(squares) + TINY
        ridge *= tf.eye(tf.shape(there)[0], dtype=tf.float64)
        return means + tf.cast(squared_bures(here + ridge, there + ridge), tf.float32)

    def size(self, target):
        """The target's mean squared norm: all of it must move to 0."""
        return tf.linalg.trace(target[1])


@tf.custom_gradient
def squared_bures(a, b):
    r"""tr A + tr B - 2 tr (A^{1/2} B A^{1/2})^{1/2} of positive definite A, B `[C, C]`.

    With B = L L' and X = (L' A L)^{1/2} it is :math:`|L^{-T} X - L|_F^2`: a sum of squares, where
    the traces would leave rounding errors. Its gradient with respect to A is I - L X^{-1} L'
    (Bhatia, Jain & Lim 2019); none is given with respect to B.
    """
    eye = tf.eye(tf.shape(a)[0], dtype=a.dtype)
    finite = tf.reduce_all(tf.math.is_finite(a + b))
    a, b = tf.where(finite, a, eye), tf.where(finite, b, eye)  # else decompositions raise errors
    factor = tf.linalg.cholesky(b)
    values, vectors = tf.linalg.eigh(tf.matmul(factor, a @ factor, transpose_a=True))
    roots = tf.sqrt(tf.maximum(values, tf.reduce_max(values) * 1e-15))
    square_root = tf.matmul(vectors * roots, vectors, transpose_b=True)
    moved = tf.linalg.triangular_solve(factor, square_root, adjoint=True) - factor

    def gradient(upstream):
        half = factor @ (vectors / tf.sqrt(roots))
        return upstream * (eye - tf.matmul(half, half, transpose_b=True)), None

    return tf.where(finite, tf.reduce_sum(tf.square(moved)), float("nan")), gradient
