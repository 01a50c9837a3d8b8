"""L-BFGS over the amplitudes of Fourier waves instead of pixels, for `tools/grain`.

With amplitudes in proportion to f^(-1/2) large shapes move farther in a step than fine ones (the
variables of Olah et al. 2017, "Feature Visualization"). The steps of L-BFGS are those of the new
variables; the picture stays one of pixels.
"""

import tensorflow as tf

from tfstyle.optimizers import base, lbfgs

FALL = 0.5  # exponent with which the amplitudes fall
FLAT = 1 / 32  # cycles a pixel, below which they are equal


class LBFGS(lbfgs.LBFGS):
    """That of the library, in the units of `Waves`."""

    def advance(self, objective, state, targets, limit):
        return super().advance(Waves(objective), state, targets, limit)


class Waves:
    """An objective whose units are amplitudes of waves.

    Args:
        objective: as `Optimizer.minimize` has it, of an image `[1, H, W, C]`.
    """

    def __init__(self, objective):
        self.objective = objective

    def value_and_gradient(self, image, targets):
        return base.evaluate(self.objective, image, targets)

    def scaled(self, change, targets):
        """Changes of the variables as those of pixels, and back: it is its own adjoint."""
        height, width = tf.unstack(tf.shape(change)[1:3])
        rows = tf.signal.ifftshift(tf.range(-(height // 2), height - height // 2)) / height
        columns = tf.range(width // 2 + 1) / width
        frequency = tf.cast(tf.sqrt(rows[:, None] ** 2 + columns**2), tf.float32)
        gain = (FLAT / tf.maximum(frequency, FLAT)) ** FALL
        waves = tf.signal.rfft2d(tf.transpose(change, (0, 3, 1, 2)))
        planes = tf.signal.irfft2d(waves * tf.cast(gain, waves.dtype), [height, width])
        return tf.transpose(planes, (0, 2, 3, 1))
