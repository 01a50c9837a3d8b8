"""The sizes and resampling of `tfstyle.schedule` and `tfstyle.images` as TensorFlow operations.

A graph that takes pictures of any size computes its levels when it runs.
"""

from typing import NamedTuple

import tensorflow as tf

from tfstyle import schedule
from tfstyle.provided import provided

MAX_LEVELS = 20  # more doublings than any picture has


class Levels(NamedTuple):
    """Those `schedule.Level`s that have evaluations, coarse to fine: vectors of one length.

    Attributes:
        number: place among all levels.
        height, width, evaluations: int32.
        scale: float64.
    """

    number: tf.Tensor
    height: tf.Tensor
    width: tf.Tensor
    scale: tf.Tensor
    evaluations: tf.Tensor


def margin(size):
    """`schedule.margin` of an int32 vector (height, width)."""
    return _round(tf.reduce_max(size) / 32)


def levels(size, evaluations, scales) -> Levels:
    """`schedule.levels` of an int32 vector (height, width) and an int32 scalar.

    Too many scales for the size are an `InvalidArgumentError`.
    """
    limit = 1 + _doublings(tf.reduce_min(size), schedule.MIN_SHORT_SIDE)
    if scales is None:
        scales = tf.minimum(limit, 1 + _doublings(tf.reduce_max(size), schedule.MIN_LONG_SIDE))
    else:
        message = f"image: expected a size that allows {scales} scales, received"
        scales = provided(scales, (scales <= limit, [message, size]))
    parts = tf.cumsum(tf.range(scales + 1, 1, -1))
    ends = _round(tf.cast(evaluations * parts, tf.float64) / tf.cast(parts[-1], tf.float64))
    counts = ends - tf.concat([[0], ends[:-1]], axis=0)
    number = tf.range(scales)
    scale = 2.0 ** tf.cast(number + 1 - scales, tf.float64)
    sides = _round(tf.cast(size, tf.float64) * scale[:, None])
    every = Levels(number, sides[:, 0], sides[:, 1], scale, counts)
    return Levels(*(tf.boolean_mask(each, counts > 0) for each in every))


def fit(size, long_side):
    """`schedule.fit`: an int32 vector (height, width) brought to a long side."""
    ratio = tf.cast(long_side, tf.float64) / tf.cast(tf.reduce_max(size), tf.float64)
    return tf.maximum(schedule.MIN_SHORT_SIDE, _round(tf.cast(size, tf.float64) * ratio))


def shrunk(long_side, scale):
    """A long side at another scale, at least 1."""
    return tf.maximum(1, _round(tf.cast(long_side, tf.float64) * scale))


def resize(image, size):
    """`images.resize` of `[1, H, W, 3]` to an int32 vector (height, width), to rounding."""

    def resized():
        whole = tf.image.resize(image, size, method="lanczos3", antialias=True)
        return tf.clip_by_value(whole, 0, 1)

    return tf.cond(tf.reduce_all(tf.shape(image)[1:3] == size), lambda: image, resized)


def reflect(image, border):
    """The image with so many pixels mirrored at each side."""
    return tf.pad(image, tf.stack([0, 1, 1, 0])[:, None] * [[border, border]], mode="REFLECT")


def fitted(picture, long_side):
    """The picture `[1, H, W, 3]` brought to a long side."""
    return resize(picture, fit(tf.shape(picture)[1:3], long_side))


def inside(image, border, size):
    """The image of an int32 vector (height, width) without its margin, clipped."""
    begin = tf.stack([0, border, border, 0])
    return tf.clip_by_value(tf.slice(image, begin, tf.concat([[1], size, [3]], axis=0)), 0, 1)


def noise(size, seed):
    """As `images.noise`, but from another generator, of an int32 vector (height, width)."""
    shape = tf.concat([[1], size, [3]], axis=0)
    normal = tf.random.stateless_normal(shape, tf.stack([seed, 0]))
    return tf.clip_by_value(0.5 + 0.15 * normal, 0, 1)


def level_seed(seed, number):
    """`schedule.level_seed` of int32 scalars."""
    return schedule.level_seed(tf.cast(seed, tf.int64), tf.cast(number, tf.int64))


def _doublings(side, least):
    """How often `least` can be doubled without exceeding `side`."""
    return tf.reduce_sum(tf.cast(side >= least * 2 ** tf.range(1, MAX_LEVELS), tf.int32))


def _round(x):
    """Halves go to the even neighbour, as in Python."""
    return tf.cast(tf.round(x), tf.int32)
