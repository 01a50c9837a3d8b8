"""What is asked of a model, and what it answers, checked while its graph runs.

A picture or a number that cannot be used is a `tf.errors.InvalidArgumentError`.
"""

import tensorflow as tf

from tfstyle import images, levels
from tfstyle.checked import checked


def picture(name, image, most, size=None, channels=3):
    """The image, or masks, `[1, H, W, channels]`, once it is known to be one to be worked on.

    Args:
        name: that messages begin with.
        most: the longest side that is accepted.
        size: height and width that it must have, or `None`.
    """
    sides, low, high = tf.shape(image)[1:3], tf.reduce_min(image), tf.reduce_max(image)
    expected = f"{name}: expected sides from {images.MIN_SIDE} to {most}, received"
    # No host compares what it is given with the signature: two pictures would become one.
    shape, one = tf.shape(image), tf.stack([1, *tf.unstack(sides), channels])
    alone = f"{name}: expected one picture [1, H, W, {channels}], received"
    conditions = [
        (tf.reduce_all(shape == one), [alone, *tf.unstack(shape)]),
        (tf.reduce_min(sides) >= images.MIN_SIDE, [expected, sides]),
        (tf.reduce_max(sides) <= most, [expected, sides]),
        # So written, it finds NaN too.
        ((low >= 0) & (high <= 1), [f"{name}: expected values in [0, 1], received", low, high]),
    ]
    if size is not None:
        same = tf.reduce_all(sides == size)
        other = "content" if channels == 3 else "image"
        conditions.append((same, [f"{name}: expected the size of {other}, received", sides]))
    return tf.ensure_shape(checked(image, *conditions), [1, None, None, channels])


def steps(num_steps, most):
    """The number of evaluations, once it is known to be from 1 to `most`."""
    expected = f"num_steps: expected from 1 to {most}, received"
    return checked(num_steps, ((num_steps >= 1) & (num_steps <= most), [expected, num_steps]))


def scales(count, height, width):
    """The number of levels of an image: `count`, known to be possible, or by default."""
    if count is None:
        return levels.default_count(height, width)
    message = f"image: expected a size that allows {count} scales, received"
    possible = count <= levels.largest_count(height, width)
    return checked(tf.constant(count), (possible, [message, height, width]))


def finite(name, image):
    """The result, once it is known to be a picture: bytes may have been made up."""
    sentence = f"{name}: expected what leads to a picture, received what leads to NaN or infinity"
    return checked(image, (tf.reduce_all(tf.math.is_finite(image)), [sentence]))
