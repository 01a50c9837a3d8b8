"""Resampling and cropping inside a run, as TensorFlow operations on images `[1, H, W, C]`."""

import tensorflow as tf


def resize(image: tf.Tensor, height, width, method="lanczos3") -> tf.Tensor:
    """The image brought to a height and a width, in [0, 1].

    Lanczos windows widen as the image shrinks, so that fine detail does not alias. They swing over
    where there are edges, which "bilinear" windows, for masks, do not.
    """

    def resized():
        whole = tf.image.resize(image, size, method=method, antialias=True)
        return tf.clip_by_value(whole, 0, 1)

    image, size = tf.convert_to_tensor(image), tf.stack([height, width])
    return tf.cond(tf.reduce_all(tf.shape(image)[1:3] == size), lambda: image, resized)


def reflect(image: tf.Tensor, border) -> tf.Tensor:
    """The image with so many pixels mirrored at each side."""
    return tf.pad(image, tf.stack([0, 1, 1, 0])[:, None] * [[border, border]], mode="REFLECT")


def crop(image: tf.Tensor, top, left, height, width) -> tf.Tensor:
    """A part of the image, clipped to [0, 1]."""
    part = tf.slice(image, [0, top, left, 0], [1, height, width, 3])
    return tf.clip_by_value(part, 0, 1)


def noise(height, width, seed) -> tf.Tensor:
    """As `images.noise`, but from a generator that a graph has."""
    normal = tf.random.stateless_normal(tf.stack([1, height, width, 3]), tf.stack([seed, 0]))
    return tf.clip_by_value(0.5 + 0.15 * normal, 0, 1)
