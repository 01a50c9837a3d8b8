"""The contract that every style statistic keeps."""

import abc


class Statistic(abc.ABC):
    """Summarises a feature map without its positions, and compares two such summaries."""

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

        It must also compare with a nest of zeros, the statistic of nothing: the style loss divides
        by `distance(zeros, target)`.
        """
