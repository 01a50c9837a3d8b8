"""How far feature vectors are from their nearest neighbours in the style."""

import math

import tensorflow as tf

from tfstyle.statistics.base import Statistic, blend, rows
from tfstyle.statistics.moments import FLAT, MeanCovariance

SAMPLES = 1024  # feature vectors of a picture that are compared
GOLDEN = 0.6180339887498949
# Rows of a pattern: quarters of their distance by which each is lower, of a period and of its part
# by which it is further right. On a mere grid of pixels a texture would show that grid.
PATTERN = ((0, 0, 0), (3, 2, 1), (1, 1, 3), (2, 3, 2))
NEIGHBOURS = 0.03  # weight beside the moments: with more, the positions that are compared stand out
TINY = 1e-24  # added to squared lengths, which a flat picture has none of


class Nearest(Statistic):
    """Cosine distances of nearest neighbours, and means and covariances beside them.

    Every vector of the image shall be near one of the style, and every one of the style near one of
    the image: the relaxed earth mover's distance of Kolkin, Salavon & Shakhnarovich 2019 (STROTSS,
    equations 3 and 4), of which NNST (Kolkin et al. 2022) keeps the first half. The two halves are
    added here, where STROTSS takes the larger: a maximum has a kink, where a line search stops.
    Vectors are taken from the style's mean.

    A direction says nothing of how strong a feature is: neighbours alone lose colours and contrast.
    So, as STROTSS does, means and covariances are compared too, as `mean_covariance` does; they
    make most of the picture. They also see all positions, neighbours only up to 1024, always the
    same ones of a map, on a lattice (see `lattice`). A blend is the mixture: each style gives its
    part of them.

    Costs 2 K^2 C FLOPs for K = 1024 vectors beside those of `mean_covariance`, and K C numbers.
    """

    def __init__(self):
        self.moments = MeanCovariance()

    def work(self, positions, channels):
        samples = min(positions, SAMPLES)
        return self.moments.work(positions, channels) + 8.0 * samples * SAMPLES * channels

    def numbers(self, positions, channels):
        return 4.0 * SAMPLES * (SAMPLES + channels)

    def measure(self, features):
        """Feature vectors `[K, C]`, weights `[K]`, means `[C]`, second moments `[C, C]`, float32.

        Where a map has fewer vectors they are repeated, as often as all of them fit in; what is
        left has weight 0. The mean weight is 1.
        """
        places = lattice(*tf.unstack(tf.shape(features)[1:3]))
        count, numbers = tf.size(places), tf.range(SAMPLES)
        sample = tf.gather(rows(features), tf.gather(places, numbers % count))
        counted = SAMPLES // count * count
        weights = tf.where(numbers < counted, SAMPLES / counted, 0)
        return (
            tf.cast(sample, tf.float32),
            tf.cast(weights, tf.float32),
            *self.moments.measure(features),
        )

    def nothing(self, target):
        vectors, weights, *moments = super().nothing(target)
        return vectors, tf.ones_like(weights), *moments

    def target(self, features, parts):
        """Of the mixture: of every style as many vectors as its part asks for."""
        measured = [self.measure(each) for each in features]
        ends = [0.0]
        for part in parts:
            ends.append(ends[-1] + part)
        counts = [tf.cast(tf.round(SAMPLES * tf.cast(end, tf.float32)), tf.int32) for end in ends]
        spread = [_spread(last - first) for first, last in zip(counts, counts[1:])]
        samples, weights = (
            tf.concat([tf.gather(each[part], drawn) for each, drawn in zip(measured, spread)], 0)
            for part in (0, 1)
        )
        moments = blend([each[2:] for each in measured], parts)
        return (
            tf.ensure_shape(samples, [SAMPLES, None]),
            tf.ensure_shape(weights, [SAMPLES]),
            *moments,
        )

    def distance(self, measured, target):
        """Distance of the moments, and `NEIGHBOURS` mean cosine distances, either way."""
        (sample, weights, *moments), (style_sample, style_weights, mean, second) = measured, target
        least = FLAT**2 * tf.linalg.trace(second) + TINY
        here, there = (_directions(each - mean, least) for each in (sample, style_sample))
        pairs = tf.stop_gradient(tf.matmul(here, there, transpose_b=True))
        to_style = _half_square(here - tf.gather(there, tf.argmax(pairs, axis=1)), weights)
        to_image = _half_square(tf.gather(here, tf.argmax(pairs, axis=0)) - there, style_weights)
        of_moments = self.moments.distance(tuple(moments), (mean, second))
        return NEIGHBOURS * (to_style + to_image) + of_moments


def lattice(height, width):
    """Positions of a map in the order of its rows, `[n]`: all, or at most `SAMPLES` of them.

    One in 2, 4, 8 ..., in a pattern that repeats after a power of 2 of rows and columns, and has up
    to 4 positions, none in the row or the column of another. A tile that is rolled by a multiple of
    that gives the same vectors: at 256 x 256 pixels by 16 pixels, whatever the layer.
    """
    halvings = tf.math.log(tf.maximum(height * width / SAMPLES, 1)) / math.log(2)
    halvings = tf.cast(tf.math.ceil(halvings - 1e-6), tf.int32)
    turns = tf.minimum(halvings, 2 - halvings % 2)  # halvings of the period from row to row
    period = tf.minimum(2 ** ((halvings + turns) // 2), width)
    step = -(-(2**halvings) // period)
    number = tf.range(tf.maximum(height // step, 1))[:, None]
    down, shift, right = tf.unstack(tf.gather(PATTERN, number % 2**turns), axis=-1)
    rows = number * step + down * step // 4
    columns = tf.range(width // period) * period + shift * period // 4
    return tf.reshape(rows * width + columns + right * (period // 2**turns) // 4, [-1])


def _spread(count):
    """Numbers from 0 to `SAMPLES` - 1, `[count]`, evenly spread along a golden-ratio sequence."""
    steps = tf.cast(tf.range(count), tf.float64) * GOLDEN
    return tf.cast((steps - tf.floor(steps)) * SAMPLES, tf.int32)


def _directions(values, least):
    """Unit vectors; those much shorter than `least` stay short."""
    return values / tf.sqrt(tf.reduce_sum(tf.square(values), axis=1, keepdims=True) + least)


def _half_square(difference, weights):
    """Of unit vectors it is the cosine distance, without its rounding errors; mean over them."""
    return tf.reduce_mean(weights * tf.reduce_sum(tf.square(difference), axis=1)) / 2
