"""How far feature vectors are from their nearest neighbours in the style."""

import tensorflow as tf

from tfstyle.statistics.base import Statistic, blend, rows
from tfstyle.statistics.moments import FLAT, MeanCovariance

SAMPLES = 1024  # feature vectors of a picture that are compared
GOLDEN = 0.6180339887498949
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
    make most of the picture. They also see all positions, neighbours only 1024, always the same
    ones of a map, along a golden-ratio sequence. A blend is the mixture: each style gives its part
    of them.

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
        """Feature vectors `[K, C]`, means `[C]` and second moments `[C, C]`, float32."""
        values = rows(features)
        sample = tf.gather(values, positions_of(tf.shape(values)[0]))
        return tf.cast(sample, tf.float32), *self.moments.measure(features)

    def target(self, features, parts):
        """Of the mixture: of every style as many vectors as its part asks for."""
        measured = [self.measure(each) for each in features]
        ends = [0.0]
        for part in parts:
            ends.append(ends[-1] + part)
        counts = [tf.cast(tf.round(SAMPLES * tf.cast(end, tf.float32)), tf.int32) for end in ends]
        drawn = [
            tf.gather(sample, positions_of(SAMPLES, last - first))
            for (sample, *_), first, last in zip(measured, counts, counts[1:])
        ]
        moments = blend([each[1:] for each in measured], parts)
        return tf.ensure_shape(tf.concat(drawn, axis=0), [SAMPLES, None]), *moments

    def distance(self, measured, target):
        """Distance of the moments, and `NEIGHBOURS` mean cosine distances, either way."""
        (sample, *moments), (style_sample, mean, second) = measured, target
        least = FLAT**2 * tf.linalg.trace(second) + TINY
        here, there = (_directions(each - mean, least) for each in (sample, style_sample))
        pairs = tf.stop_gradient(tf.matmul(here, there, transpose_b=True))
        to_style = _half_square(here - tf.gather(there, tf.argmax(pairs, axis=1)))
        to_image = _half_square(tf.gather(here, tf.argmax(pairs, axis=0)) - there)
        of_moments = self.moments.distance(tuple(moments), (mean, second))
        return NEIGHBOURS * (to_style + to_image) + of_moments


def positions_of(count, samples=SAMPLES):
    """Numbers from 0 to `count` - 1, `[samples]`: evenly spread, in rows and in columns too."""
    steps = tf.cast(tf.range(samples), tf.float64) * GOLDEN
    places = (steps - tf.floor(steps)) * tf.cast(count, tf.float64)
    return tf.minimum(tf.cast(places, tf.int32), count - 1)


def _directions(values, least):
    """Unit vectors; those much shorter than `least` stay short."""
    return values / tf.sqrt(tf.reduce_sum(tf.square(values), axis=1, keepdims=True) + least)


def _half_square(difference):
    """Of unit vectors it is the cosine distance, without its rounding errors; mean over them."""
    return tf.reduce_mean(tf.reduce_sum(tf.square(difference), axis=1)) / 2
