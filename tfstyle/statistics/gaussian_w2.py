"""The 2-Wasserstein distance between Gaussians."""

import tensorflow as tf

from tfstyle.statistics.base import Statistic
from tfstyle.statistics.moments import MOMENTS, covariance, outer, raw_moments

# Added to all variances, as a part of the target's mean square: a direction in which the image does
# not vary at all would be pulled apart with infinite force.
REGULARISATION = 1e-4
ROUNDING = 1e-6  # the same of the largest mean square: float32 leaves eigenvalues of either sign
TINY = 1e-30  # keeps the covariance of a black picture positive definite
RANK = 192  # directions of the style that are looked at one by one
DECOMPOSITION = 60  # FLOPs of convolutions that take as long, for each of `RANK`^3
PROJECTION = 10  # the same for each of C^2 `RANK`


class GaussianW2(Statistic):
    """Squared 2-Wasserstein (Bures) distance between Gaussians of the same means and covariances.

    How far feature vectors must move until their mean and covariance are right. It has the same
    zeros as mean and covariance, but a weak direction counts by its deviation, not its variance.

    The style's principal directions are found once, and an evaluation decomposes one matrix as
    large as their number. No more than `RANK` are looked at one by one; of the others, which on the
    compact network have less than a hundredth of the variance, only the sum of variances counts.
    That is the distance after the same channel was applied to both covariances (correlations of
    strong with weak directions set to 0, the weak ones averaged): never more than the distance
    itself, since the fidelity is monotone.

    A blend has the moments of the mixture. Costs 2 N C^2 FLOPs, as many again for the gradient, and
    C (R + 1) numbers; the distance some 4 C^2 R + 25 R^3, in float64, where R is C or `RANK`.
    """

    mixes = weighs = True

    def work(self, positions, channels):
        rank = min(channels, RANK)
        distance = DECOMPOSITION * rank**3 + PROJECTION * channels**2 * rank
        product = 3.2 * positions * channels**2  # half in float32, the gradient in its own
        return product + MOMENTS * positions * channels + distance

    def measure(self, features, weights=None):
        """Means `[C]` and second moments about zero `[C, C]`, float32."""
        return raw_moments(features, weights)

    def prepared(self, measured):
        """Of the style: its mean `[C]`, its R principal directions `[C, R]`, their variances `[R]`,
        the sum of all other variances, and the regularisation; float32."""
        mean, second = measured
        squares = tf.cast(tf.linalg.diag_part(second), tf.float64)
        ridge = REGULARISATION * tf.reduce_mean(squares) + ROUNDING * tf.reduce_max(squares) + TINY
        centred = tf.cast(covariance(mean, second), tf.float64)
        finite = tf.reduce_all(tf.math.is_finite(centred))
        eye = tf.eye(tf.shape(centred)[0], dtype=tf.float64)
        vectors = tf.linalg.eigh(tf.where(finite, centred, eye))[1]  # it raises errors else
        basis = tf.cast(vectors[:, ::-1][:, :RANK], tf.float32)
        inside, rest = _seen(centred, basis)
        numbers = tf.linalg.diag_part(inside), rest, ridge
        return mean, basis, *(tf.cast(x, tf.float32) for x in numbers)

    def nothing(self, target):
        mean = tf.zeros_like(target[0])
        return mean, outer(mean, mean)

    def distance(self, measured, target):
        """Squared distance of the means plus the squared Bures distance of the covariances.

        Dowson & Landau 1982; Olkin & Pukelsheim 1982.
        """
        mean, basis, *numbers = self.prepared(target) if len(target) == 2 else target
        variances, rest, ridge = (tf.cast(x, tf.float64) for x in numbers)
        means = tf.reduce_sum(tf.square(measured[0] - mean))
        inside, outside = _seen(tf.cast(covariance(*measured), tf.float64), basis)
        strong, all_ = (tf.cast(x, tf.float64) for x in (tf.shape(basis)[1], tf.shape(basis)[0]))
        more = (all_ - strong) * ridge
        inside += ridge * tf.eye(tf.shape(basis)[1], dtype=tf.float64)
        of_strong = squared_bures(inside, variances + ridge)
        of_weak = _squared_of_roots(outside + more, rest + more)
        return means + tf.cast(of_strong + of_weak, tf.float32)

    def size(self, target):
        """The target's mean squared norm: all of it must move to 0."""
        if len(target) == 2:
            return tf.linalg.trace(target[1])
        mean, _, variances, rest, _ = target
        return tf.reduce_sum(tf.square(mean)) + tf.reduce_sum(variances) + rest


def _seen(centred, basis):
    """A covariance `[C, C]` along a basis, `[R, R]`, and the sum of the variances across it."""
    basis = tf.cast(basis, centred.dtype)
    inside = tf.matmul(basis, centred @ basis, transpose_a=True)
    return inside, tf.linalg.trace(centred) - tf.linalg.trace(inside)


@tf.custom_gradient
def squared_bures(a, variances):
    r"""tr A + tr B - 2 tr (A^{1/2} B A^{1/2})^{1/2}; A positive definite `[R, R]`, B diagonal.

    With X = (B^{1/2} A B^{1/2})^{1/2} it is :math:`|B^{-1/2} X - B^{1/2}|_F^2`: a sum of squares,
    where the traces would leave rounding errors. Its gradient with respect to A is
    I - B^{1/2} X^{-1} B^{1/2} (Bhatia, Jain & Lim 2019); none is given with respect to B.
    """
    eye = tf.eye(tf.shape(a)[0], dtype=a.dtype)
    finite = tf.reduce_all(tf.math.is_finite(a + variances))
    # Else the decomposition raises an error.
    a, deviations = tf.where(finite, a, eye), tf.where(finite, tf.sqrt(variances), 1.0)
    values, vectors = tf.linalg.eigh(outer(deviations, deviations) * a)
    roots = tf.sqrt(tf.maximum(values, tf.reduce_max(values) * 1e-15))
    square_root = tf.matmul(vectors * roots, vectors, transpose_b=True)
    moved = square_root / deviations[:, None] - tf.linalg.diag(deviations)

    def gradient(upstream):
        half = deviations[:, None] * vectors / tf.sqrt(roots)
        return upstream * (eye - tf.matmul(half, half, transpose_b=True)), None

    return tf.where(finite, tf.reduce_sum(tf.square(moved)), float("nan")), gradient


def _squared_of_roots(here, there):
    """The squared difference of the roots of two sums of variances; 0 where none are summed."""
    least = tf.constant(TINY, here.dtype)
    return tf.square(tf.sqrt(tf.maximum(here, least)) - tf.sqrt(tf.maximum(there, least)))
