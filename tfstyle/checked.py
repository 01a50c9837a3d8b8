"""Conditions on a tensor that are looked at when a graph runs."""

import tensorflow as tf


def checked(tensor, *conditions):
    """The tensor; nothing is computed from it unless all conditions hold.

    Args:
        tensor: any tensor.
        conditions: pairs of a boolean scalar and what is said where it is false: a list of a
            sentence and of tensors whose values follow it.

    Raises:
        InvalidArgumentError: when run, if a condition does not hold.
    """
    with tf.control_dependencies([tf.debugging.Assert(*each) for each in conditions]):
        return tf.identity(tensor)
