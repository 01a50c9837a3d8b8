"""What the style loss compares: contracts for fixed statistics and for those that learn.

Light to import: TensorFlow is loaded when something is computed.
"""

import abc
from typing import Any

EPSILON = 1e-12  # avoids a division by zero where the target vanishes
Tensor = Any  # a `tf.Tensor`: TensorFlow is not imported here
Nest = Any  # tensors in tuples and dicts


class Criterion(abc.ABC):
    """Tells how far the features of an image are from those of the style, at one layer.

    Attributes:
        optimizer: name of the optimiser that suits it.
        in_float32: whether it computes in float32 whatever the network's precision.
        trains: whether it is a `Learner`.
        mixes: whether it is a `Statistic` of which the mean of those of two maps, weighted with
            their positions, is that of both maps together. Then a map can be measured in parts.
        weighs: whether it takes weights of positions, `[1, h, w, 1]` of at least 0, of which only
            the ratios count: those of one style in its region (Gatys et al. 2017, "Controlling
            Perceptual Factors in Neural Style Transfer", section 3). They are handed to no other.
    """

    optimizer: str = "lbfgs"
    mixes: bool = False
    weighs: bool = False
    in_float32: bool = True
    trains: bool = False

    def work(self, positions: int, channels: int) -> float:
        """What one layer adds to an evaluation, in FLOPs of float32 convolutions of equal time."""
        return 4.0 * positions * channels**2

    def numbers(self, positions: int, channels: int) -> float:
        """Numbers that it keeps in memory for a layer, beside the features."""
        return 0.0

    @abc.abstractmethod
    def target(self, features: list, parts: list[float], weights: list | None = None) -> Nest:
        """What is remembered of the styles.

        Args:
            features: list of activations `[1, h, w, C]`, of one style each.
            parts: of the styles in the blend; they add to 1.
            weights: of positions, for each style a map or `None`; by default all count the same.

        Returns:
            A nest of tensors.
        """

    @abc.abstractmethod
    def loss(self, features: Tensor, target: Nest, weights: Tensor | None = None) -> Tensor:
        """A float32 scalar >= 0 from activations `[1, h, w, C]` and what `target` returned.

        Relative: its size does not depend on that of the features, nor on that of the weights.
        """

    def seeded(self, seed: Tensor) -> "Criterion":
        """This criterion with that seed (int32 scalar, may be a tensor) for what it draws."""
        return self

    @property
    def draws(self) -> bool:
        """Whether it draws anything by that seed."""
        return self.seeded(0) is not self


class Statistic(Criterion):
    """Summarises a feature map without its positions, and compares two such summaries.

    The statistic of a blend of several styles is the weighted mean of theirs. What that means is
    said in each statistic's own docstring.
    """

    @abc.abstractmethod
    def measure(self, features: Tensor, weights: Tensor | None = None) -> Nest:
        """The statistic of one feature map.

        Args:
            features: activations `[1, h, w, C]`, float32 or bfloat16.
            weights: of the positions, see `Criterion`; zeros where all of them are 0.

        Returns:
            A nest of float32 tensors whose shapes do not depend on h and w.
        """

    @abc.abstractmethod
    def distance(self, measured: Nest, target: Nest) -> Tensor:
        """How far `measured` is from `target`: a float32 scalar >= 0, 0 where they are equal.

        `target` is a measurement, or what `prepared` made of it. Differentiable with respect to
        `measured`.
        """

    def prepared(self, measured: Nest) -> Nest:
        """What `distance` takes of a style: its measurement, or what is worked out of it once."""
        return measured

    def nothing(self, target: Nest) -> Nest:
        """The measurement of features that are 0, where `target` is what `prepared` returned."""
        import tensorflow as tf

        return tf.nest.map_structure(tf.zeros_like, target)

    def size(self, target: Nest) -> Tensor:
        """Distance of nothing from `target`; the loss is relative to it."""
        return self.distance(self.nothing(target), target)

    def target(self, features, parts, weights=None):
        return self.prepared(blend(self.measured(features, weights), parts))

    def measured(self, features: list, weights: list | None) -> list:
        """The statistics of several maps; without weights those of a subclass that takes none."""
        pairs = zip(features, weights or [None] * len(features))
        return [self.measure(x) if w is None else self.measure(x, w) for x, w in pairs]

    def relative(self, measured: Nest, target: Nest) -> Tensor:
        """The loss of what was measured."""
        return self.distance(measured, target) / (self.size(target) + EPSILON)

    def loss(self, features, target, weights=None):
        return self.relative(self.measured([features], [weights])[0], target)


class Learner(Criterion):
    """A criterion that is trained to tell the image from the style while the image changes.

    Attributes:
        every: steps of the image between two trainings.
    """

    trains = True
    every: int = 1

    @abc.abstractmethod
    def train(
        self, features: Tensor, target: Nest, weights: Tensor | None = None
    ) -> tuple[Nest, Tensor]:
        """Some training steps.

        Args:
            features: of the image as it is, `[1, h, w, C]`.
            target: what `target` or the last training returned.
            weights: of the positions, see `Criterion`.

        Returns:
            The new target, and the part of the features that were classified correctly before,
            a float32 scalar: 1/2 where image and style cannot be told apart.
        """

    @abc.abstractmethod
    def state(self, target: Nest) -> Nest:
        """What has been learned so far, of the same form at all scales: a part of `target`."""

    @abc.abstractmethod
    def with_state(self, target: Nest, state: Nest) -> Nest:
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


def importance(weights):
    """Weights of positions `[1, h, w, 1]` as a column `[N, 1]` whose largest is 1, float32.

    So those that are 0 or 1 are left exact; zeros stay zeros.
    """
    import tensorflow as tf

    column = tf.reshape(tf.cast(weights, tf.float32), [-1, 1])
    return tf.math.divide_no_nan(column, tf.reduce_max(column))
