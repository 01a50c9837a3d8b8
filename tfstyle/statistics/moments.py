"""Statistics made of the moments of a feature vector taken at a random position."""

import tensorflow as tf

from tfstyle.statistics.base import Statistic


class Gram(Statistic):
    """Second moments of the channels: the Gram matrix (Gatys et al. 2015, equation 3).

    Gatys sums over the N positions; here it is their mean, so that pictures of different sizes can
    be compared. Costs 2 N C^2 FLOPs, as many again for the gradient, and C^2 numbers.
    """

    def measure(self, features):
        """Gram matrix `[C, C]`, float32, of feature maps `[1, h, w, C]`."""
        return _gram(tf.reshape(features, [-1, features.shape[-1]]))

    def distance(self, measured, target):
        """Squared Frobenius norm of the difference (Gatys et al. 2015, equation 4)."""
        return tf.reduce_sum(tf.square(measured - target))


@tf.custom_gradient
def _gram(rows):
    """F^T F / N for F `[N, C]`. TensorFlow's own gradient would cost two products like this one."""
    count = tf.cast(tf.shape(rows)[0], tf.float32)
    gram = tf.cast(tf.matmul(rows, rows, transpose_a=True), tf.float32) / count

    def gradient(upstream):
        symmetric = tf.cast((upstream + tf.transpose(upstream)) / count, rows.dtype)
        return tf.matmul(rows, symmetric)

    return gram, gradient
