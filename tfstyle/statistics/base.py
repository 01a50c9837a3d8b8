"""What the style loss compares: contracts for fixed statistics and for those that learn.

Light to import: TensorFlow is loaded when something is computed.
"""

import abc

EPSILON = 1e-12  # avoids a division by zero where the target vanishes


class Criterion(abc.ABC):
    """Tells how far the features of an image are from those of the style, at one layer.

    Attributes:
        optimizer: name of the optimiser that suits it.
        mixes: whether it is a `Statistic` of which the mean of those of two maps, weighted with
            their positions, is that of both maps together. Then a map can be measured in parts.
    """

    optimizer = "lbfgs"
    mixes = False

    @abc.abstractmethod
    def target(self, features, parts):
        """What is remembered of the styles.

        Args:
            features: list of activations `[1, h, w, C]`, of one style each.
            parts: of the styles in the blend; they add to 1.

        Returns:
            A nest of tensors.
        """

    @abc.abstractmethod
    def loss(self, features, target):
        """A float32 scalar >= 0 from activations `[1, h, w, C]` and what `target` returned.

        Relative: its size does not depend on that of the features.
        """

    def seeded(self, seed):
        """This criterion with that seed (int32 scalar, may be a tensor) for what it draws."""
        return self


class Statistic(Criterion):
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
        """Distance of nothing (zeros) from `target`; the loss is relative to it."""
        import tensorflow as tf

        return self.distance(tf.nest.map_structure(tf.zeros_like, target), target)

    def target(self, features, parts):
        return blend([self.measure(each) for each in features], parts)

    def relative(self, measured, target):
        """The loss of what was measured."""
        return self.distance(measured, target) / (self.size(target) + EPSILON)

    def loss(self, features, target):
        return self.relative(self.measure(features), target)


class Learner(Criterion):
    """A criterion that goes on learning to tell the image from the style while the image changes.

    Attributes:
        every: steps of the image between two lessons.
    """

    every = 1

    @abc.abstractmethod
    def learn(self, features, target):
        """One lesson.

        Args:
            features: of the image as it is, `[1, h, w, C]`.
            target: what `target` or the last lesson returned.

        Returns:
            The new target, and the part of the features that were told rightly before the lesson,
            a float32 scalar: 1/2 where image and style cannot be told apart.
        """

    @abc.abstractmethod
    def learned(self, target):
        """What has been learned so far, of the same form at all scales: a part of `target`."""

    @abc.abstractmethod
    def taught(self, target, learned):
        """`target`, with what has been learned at another scale."""


def blend(measured, parts):
    """The sum of nests of tensors, each times its part."""
    import tensorflow as tf

    return tf.nest.map_structure(
        lambda *each: sum(part * x for part, x in zip(parts, each)), *measured
    )


def rows(features):
    """The N = h w feature vectors of a map `[1, h, w, C]`: `[N, C]`."""
    import tensorflow as tf

    return tf.reshape(features, [-1, features.shape[-1]])
