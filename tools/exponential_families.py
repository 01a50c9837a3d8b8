"""Exponential families of tools/theory.py's statistics: q(x) = exp(natural . T(x) - A(natural)).

Each is a class with the methods of `Exponentials`; what docs/theory.md proves of all such families
is checked on these.
"""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions

# A symmetric matrix is kept as its upper triangle: each number once, or T would not be minimal.


def outer(x):
    """x x^T: `[..., C]` -> `[..., C, C]`."""
    return x[..., :, None] * x[..., None, :]


def upper(matrix):
    """The upper triangle, row by row: `[..., C, C]` -> `[..., C (C + 1) / 2]`."""
    size = matrix.shape[-1]
    rows, columns = np.triu_indices(size)
    return tf.gather(tf.reshape(matrix, [*matrix.shape[:-2], -1]), rows * size + columns, axis=-1)


def symmetric(triangle, size):
    """The matrix with that upper triangle: `[size (size + 1) / 2]` -> `[size, size]`."""
    rows, columns = np.triu_indices(size)
    units = np.zeros([len(rows), size, size])
    units[range(len(rows)), rows, columns] = units[range(len(rows)), columns, rows] = 1
    return tf.tensordot(triangle, tf.constant(units, triangle.dtype), 1)


class Exponentials:
    """T(x) = x on the positive half-space: products of exponential distributions."""

    def __init__(self, channels):
        self.size = channels

    def statistic(self, x):
        """T: `[n, C]` -> `[n, size]`."""
        return x

    def moments(self, mean, second):
        """E[T] `[size]` of whatever has this mean `[C]` and these second moments `[C, C]`."""
        return mean

    def expectation(self, model):
        """E_Q[T] `[size]` of a member, in closed form."""
        return model.mean()

    def model(self, natural):
        """The member with these natural parameters `[size]`."""
        return self._product(-natural)

    def match(self, moments):
        """Natural parameters `[size]` of the member with E_Q[T] = moments `[size]`."""
        return -1 / moments

    def free(self, parameters):
        """Any numbers `[size]` -> a member, one to one and smooth both ways: for descent."""
        return self._product(tf.exp(parameters))

    def _product(self, rates):
        return tfd.Independent(tfd.Exponential(rates, force_probs_to_zero_outside_support=True), 1)


class Gaussians:
    """T(x) = (x, x x^T): all Gaussians. The methods are those of `Exponentials`."""

    def __init__(self, channels):
        self.channels = channels
        self.size = channels + channels * (channels + 1) // 2

    def statistic(self, x):
        return tf.concat([x, upper(outer(x))], axis=-1)

    def moments(self, mean, second):
        return tf.concat([mean, upper(second)], axis=0)

    def expectation(self, model):
        return self.moments(model.mean(), model.covariance() + outer(model.mean()))

    def model(self, natural):
        linear, triangle = self._split(natural)
        # An entry off the diagonal stands for two of the matrix -precision / 2.
        entries = symmetric(triangle, self.channels)
        precision = tf.linalg.set_diag(-entries, -2 * tf.linalg.diag_part(entries))
        covariance = tf.linalg.inv(precision)
        mean = tf.linalg.matvec(covariance, linear)
        return tfd.MultivariateNormalTriL(mean, tf.linalg.cholesky(covariance))

    def match(self, moments):
        mean, triangle = self._split(moments)
        precision = tf.linalg.inv(symmetric(triangle, self.channels) - outer(mean))
        entries = tf.linalg.set_diag(-precision, -tf.linalg.diag_part(precision) / 2)
        return tf.concat([tf.linalg.matvec(precision, mean), upper(entries)], axis=0)

    def free(self, parameters):
        mean, triangle = self._split(parameters)
        factor = tfp.bijectors.FillScaleTriL(tfp.bijectors.Exp(), diag_shift=None)
        return tfd.MultivariateNormalTriL(mean, factor(triangle))

    def _split(self, values):
        return values[: self.channels], values[self.channels :]


class CentredGaussians(Gaussians):
    """T(x) = x x^T: Gaussians of mean zero. The methods are those of `Exponentials`."""

    def __init__(self, channels):
        super().__init__(channels)
        self.size -= channels

    def statistic(self, x):
        return upper(outer(x))

    def moments(self, mean, second):
        return upper(second)

    def match(self, moments):
        return super().match(moments)[self.channels :]

    def _split(self, values):
        return tf.zeros(self.channels, values.dtype), values


FAMILIES = {"mean": Exponentials, "gram": CentredGaussians, "mean_covariance": Gaussians}
