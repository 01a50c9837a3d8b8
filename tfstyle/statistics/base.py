"""The contract that every style statistic keeps."""

import abc

import tensorflow as tf


class Statistic(abc.ABC):
    """Summarises a feature map without its positions, and compares two such summaries.

    The statistic of a blend of several styles is the weighted mean of theirs. What that means is
    said in each statistic's own docstring.
    """

    @abc.abstractmethod
    def measure(self, features):
        """The statistic of one feature map.

        Args:
            features: activations `[1, h, w, C]`, float32 or bfloat16.

        Returns:
            A nest of float32 tensors whose shapes do not depend on h and w.
        """

    @abc.abstractmethod
    def distance(self, measured, target):
        """How far `measured` is from `target`: a float32 scalar >= 0, 0 where they are equal.

        Differentiable with respect to `measured`.
        """

    def size(self, target):
        """Distance of nothing (zeros) from `target`; the style loss is relative to it."""
        return self.distance(tf.nest.map_structure(tf.zeros_like, target), target)

    def seeded(self, seed):
        """This statistic with that seed (int32 scalar, may be a tensor) for what it draws."""
        return self


def rows(features):
    """The N = h w feature vectors of a map `[1, h, w, C]`: `[N, C]`."""
    return tf.reshape(features, [-1, features.shape[-1]])
