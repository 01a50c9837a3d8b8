"""Resampling and cropping inside a run, as TensorFlow operations on images `[1, H, W, C]`."""

import tensorflow as tf

RADIUS = 3  # of the Lanczos window, in pixels of the smaller image


def resize(image: tf.Tensor, height, width, tiled=(False, False), method="lanczos3") -> tf.Tensor:
    """The image brought to a height and a width, in [0, 1].

    Lanczos windows widen as the image shrinks, so that fine detail does not alias. They swing over
    where there are edges, which "bilinear" windows, for masks, do not.

    Args:
        tiled: whether windows reach across the border to the other side, of rows, of columns.
        method: "lanczos3" or "bilinear".
    """

    def resized():
        if any(tiled):
            whole = _resize_tile(image, size, tiled, method)
        else:
            whole = tf.image.resize(image, size, method=method, antialias=True)
        return tf.clip_by_value(whole, 0, 1)

    image, size = tf.convert_to_tensor(image), tf.stack([height, width])
    return tf.cond(tf.reduce_all(tf.shape(image)[1:3] == size), lambda: image, resized)


def _resize_tile(image, size, tiled, method):
    """Out of the image continued as far as a window reaches."""
    sides = tf.shape(image)[1:3]
    scale = tf.cast(size, tf.float32) / tf.cast(sides, tf.float32)
    reach = tf.cast(tf.math.ceil(RADIUS / tf.minimum(scale, 1)), tf.int32) + 1
    border = tf.where(tiled, reach, 0)
    return tf.raw_ops.ScaleAndTranslate(
        images=wrap(image, -border, sides + border),
        size=size,
        scale=scale,
        translation=-scale * tf.cast(border, tf.float32),
        kernel_type={"bilinear": "triangle"}.get(method, method),
        antialias=True,
    )


def wrap(image: tf.Tensor, first, last) -> tf.Tensor:
    """The part from one place (y, x) to another of an image that is continued periodically."""
    for axis in (0, 1):
        places = tf.range(first[axis], last[axis]) % tf.shape(image)[axis + 1]
        image = tf.gather(image, places, axis=axis + 1)
    return image


def reflect(image: tf.Tensor, vertical, horizontal) -> tf.Tensor:
    """The image with so many pixels mirrored at top and bottom, and at left and right."""
    paddings = [[0, 0], [vertical, vertical], [horizontal, horizontal], [0, 0]]
    return tf.pad(image, paddings, mode="REFLECT")


def without(image: tf.Tensor, vertical, horizontal) -> tf.Tensor:
    """The image less so many pixels at top and bottom, and at left and right."""
    height, width = tf.unstack(tf.shape(image)[1:3])
    return image[:, vertical : height - vertical, horizontal : width - horizontal]


def crop(image: tf.Tensor, top, left, height, width) -> tf.Tensor:
    """A part of the image, clipped to [0, 1]."""
    part = tf.slice(image, [0, top, left, 0], [1, height, width, -1])
    return tf.clip_by_value(part, 0, 1)


def noise(height, width, seed) -> tf.Tensor:
    """As `images.noise`, but from a generator that a graph has."""
    normal = tf.random.stateless_normal(tf.stack([1, height, width, 3]), tf.stack([seed, 0]))
    return tf.clip_by_value(0.5 + 0.15 * normal, 0, 1)
