"""What repeats: products of features with shifted copies of themselves."""

import tensorflow as tf

from tfstyle.statistics.base import Statistic
from tfstyle.statistics.moments import FLAT, Gram, Mean

REACH = 16  # positions of a layer up to which copies are shifted
SHIFTS = 0.01  # weight of the shifted copies: with more, noise and wrong colours remain for long
EPSILON = 1e-12


class LongRange(Statistic):
    """The Gram matrix, and the products of each channel with its own shifted copies.

    A Gram matrix says which features occur together at one place. That rows of bricks lie so many
    pixels apart it cannot say, unless a layer sees that far; products with shifted copies do
    (Berger & Memisevic 2016, who take the Gram matrix of some layers with some shifts). Here each
    channel is compared with itself only, but at all shifts up to 16 positions either way: up to 16
    pixels on the first layer and 256 on the fifth. These are the autocovariances; all of them
    together are the power spectrum that Liu, Gousseau & Xia (2016) match for the picture itself.

    The map is continued periodically, as its Fourier transform is. A blend is the mixture.

    Costs N C log N FLOPs beside those of the Gram matrix, and 561 C + C^2 numbers.
    """

    def __init__(self):
        self.gram = Gram()

    def work(self, positions, channels):
        return self.gram.work(positions, channels) + 2600.0 * positions * channels

    def numbers(self, positions, channels):
        return 8.0 * positions * channels

    def measure(self, features):
        """Gram matrix `[C, C]`, means `[C]`, and autocorrelations about zero, float32.

        The last are `[C, 2 REACH + 1, REACH + 1]`; the other half is the same, turned round.
        """
        values = tf.cast(features[0], tf.float32)
        shifted = _autocorrelations(tf.transpose(values, [2, 0, 1]))
        return self.gram.measure(features), Mean().measure(features), shifted

    def distance(self, measured, target):
        """Relative squared error of the Gram matrix, and `SHIFTS` that of the autocovariances."""
        size = self.gram.distance(tf.zeros_like(target[0]), target[0])
        of_gram = self.gram.distance(measured[0], target[0]) / (size + EPSILON)
        here, there = (_autocovariances(*each[1:]) for each in (measured, target))
        flat = tf.square(FLAT * tf.reduce_sum(tf.square(target[1])))
        shifts = tf.reduce_sum(tf.square(here - there))
        return of_gram + SHIFTS * shifts / (tf.reduce_sum(tf.square(there)) + flat + EPSILON)


def _autocovariances(mean, shifted):
    """Autocorrelations about the mean, but for that without a shift, which the Gram matrix has."""
    at_zero = tf.pad(tf.ones([1, 1]), [[REACH, REACH], [0, REACH]])
    return (shifted - tf.square(mean)[:, None, None]) * (1 - at_zero)


@tf.custom_gradient
def _autocorrelations(maps):
    """Means of f(x) f(x + d) over x, `[C, h, w]` -> `[C, 2 REACH + 1, REACH + 1]`, periodic.

    By Fourier transforms (Wiener & Khinchin). The derivative with respect to f is f's convolution
    with the derivative with respect to the products, either way: twice the real part.
    """
    height, width = tf.unstack(tf.shape(maps)[1:])
    count, size = tf.cast(height * width, tf.float32), [height, width]
    down = tf.one_hot(tf.range(-REACH, REACH + 1) % height, height)
    right = tf.one_hot(tf.range(REACH + 1) % width, width)
    waves = tf.signal.rfft2d(maps)
    products = tf.signal.irfft2d(tf.cast(tf.square(tf.abs(waves)), tf.complex64), size)
    shifted = tf.matmul(down @ products, right, transpose_b=True) / count

    def gradient(upstream):
        pulls = tf.matmul(down, upstream, transpose_a=True) @ right
        slopes = 2 * tf.math.real(tf.signal.rfft2d(pulls)) / count
        return tf.signal.irfft2d(tf.cast(slopes, tf.complex64) * waves, size)

    return shifted, gradient
