"""A style's statistics as a vector of numbers, in a graph: what a client may keep of a style."""

import numpy as np
import tensorflow as tf


class Form:
    """How a nest of statistics becomes a vector and the nest again; of symmetric matrices one half.

    Args:
        nest: the statistics of some picture without symmetries, from which the form is taken.

    Attributes:
        size: of the vector.
    """

    def __init__(self, nest):
        self.nest = tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), nest)
        self._halved = [_is_symmetric(x.numpy()) for x in tf.nest.flatten(nest)]
        self._sizes = [
            spec.shape[0] * (spec.shape[0] + 1) // 2 if halved else spec.shape.num_elements()
            for spec, halved in zip(tf.nest.flatten(self.nest), self._halved)
        ]
        self.size = sum(self._sizes)

    def vector(self, nest):
        """`[size]` float32."""
        return tf.concat(
            [
                tf.gather_nd(x, _half(x.shape[0])) if halved else tf.reshape(x, [-1])
                for x, halved in zip(tf.nest.flatten(nest), self._halved)
            ],
            axis=0,
        )

    def statistics(self, vector):
        """The nest from `[size]`."""
        parts = tf.split(vector, self._sizes)
        specs = tf.nest.flatten(self.nest)
        tensors = [
            _mirrored(part, spec.shape) if halved else tf.reshape(part, spec.shape)
            for part, spec, halved in zip(parts, specs, self._halved)
        ]
        return tf.nest.pack_sequence_as(self.nest, tensors)


def place(long_side, size, shrink, count):
    """Which of the statistics of a style is the one for a level: 0 for the finest.

    A style larger than the result is shrunk, to a half, a quarter ...

    Args:
        long_side: of the style as it was described.
        size: of the result.
        shrink: of the level.
        count: of the statistics.
    """
    ratio = tf.maximum(long_side / tf.reduce_max(size), 1) * tf.cast(shrink, tf.float64)
    halvings = tf.cast(tf.round(tf.math.log(ratio) / np.log(2.0)), tf.int32)
    return tf.minimum(halvings, count - 1)


def _is_symmetric(x):
    square = x.ndim == 2 and x.shape[0] == x.shape[1] > 1
    return square and np.allclose(x, x.T, rtol=1e-4, atol=1e-5 * np.abs(x).max())


def _half(side):
    """Indices `[n, 2]` of the upper half; made in the graph, where it is no constant to store."""
    return tf.where(tf.linalg.band_part(tf.ones([side, side]), 0, -1) > 0)


def _mirrored(half, shape):
    upper = tf.scatter_nd(tf.cast(_half(shape[0]), tf.int32), half, shape)
    return upper + tf.transpose(upper) - tf.linalg.diag(tf.linalg.diag_part(upper))
