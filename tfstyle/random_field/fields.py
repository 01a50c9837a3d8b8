"""What pictures are made of: a few levels of grey, or all greys; and how they are drawn."""

import abc
from typing import Any

import numpy as np
import tensorflow as tf

from tfstyle.random_field.energy import Energy, Feature
from tfstyle.random_field.filters import bank
from tfstyle.random_field.gibbs import Gibbs
from tfstyle.random_field.langevin import Langevin
from tfstyle.random_field.smooth import SmoothEnergy, SmoothFeature, folded

FIRST_STEP, MOVES = 1e-4, 60  # of Langevin's sampler: its first step, and its moves in a sweep
# Sum of the steps after which a picture is about a new one, a pixel's noise 0.1 and more.
WAY = 0.005


class Field(abc.ABC):
    """Pictures of one kind and size.

    Args:
        grey: the texture, `[h, w]`, 0 where it is darkest and 1 where it is lightest.
        size: height and width of the pictures.

    Attributes:
        bank: features of all filters that fit into both.
        observed: their histograms in the texture, float32 `[K, BINS]`.
    """

    def __init__(self, grey: np.ndarray, size: tuple[int, int]):
        self.size, self.texture = size, self.of_grey(grey)
        self.bank = [self.feature(each) for each in bank(min(*size, *grey.shape))]
        self.observed = np.array([each.histogram(self.texture) for each in self.bank], np.float32)

    @abc.abstractmethod
    def of_grey(self, grey: np.ndarray) -> np.ndarray:
        """The picture of this kind that is nearest to greys in [0, 1]."""

    @abc.abstractmethod
    def grey(self, pictures: Any) -> np.ndarray:
        """Greys in [0, 1] of pictures."""

    @abc.abstractmethod
    def feature(self, filter: Any) -> Any:
        """A filter, and bins for its responses."""

    @abc.abstractmethod
    def noise(self, rng: np.random.Generator) -> tf.Tensor:
        """A picture `[1, H, W]`, all of which have the same probability."""

    @abc.abstractmethod
    def energy(self, features: list) -> Any:
        """Their energy; it has `histograms` and `value`."""

    @abc.abstractmethod
    def sampler(self, energy: Any) -> Any:
        """What draws pictures of an energy; it has `sweep`."""

    @abc.abstractmethod
    def renewed(self, sampler: Any) -> tf.Tensor:
        """The share of a new picture that the sampler's last sweep has made, a scalar."""


class Levels(Field):
    """Pictures of `levels` greys, drawn pixel by pixel."""

    def __init__(self, grey: np.ndarray, size: tuple[int, int], levels: int):
        self.levels = levels
        super().__init__(grey, size)

    def of_grey(self, grey):
        return np.round(grey * (self.levels - 1)).astype(int)

    def grey(self, pictures):
        return np.asarray(pictures, np.float32) / (self.levels - 1)

    def feature(self, filter):
        return Feature.of(filter, self.levels, self.texture)

    def noise(self, rng):
        return tf.constant(rng.integers(0, self.levels, (1, *self.size)), tf.int32)

    def energy(self, features):
        return Energy(features, self.levels, *self.size)

    def sampler(self, energy):
        return Gibbs(energy)

    def renewed(self, sampler):
        return tf.constant(1.0)


class Greys(Field):
    """Pictures of all greys, of which every pixel moves at once."""

    def of_grey(self, grey):
        return grey

    def grey(self, pictures):
        return folded(pictures).numpy()

    def feature(self, filter):
        return SmoothFeature.of(filter, self.texture)

    def noise(self, rng):
        return tf.constant(rng.random((1, *self.size)), tf.float32)

    def energy(self, features):
        return SmoothEnergy(features, *self.size)

    def sampler(self, energy):
        return Langevin(energy, FIRST_STEP, MOVES)

    def renewed(self, sampler):
        return tf.minimum(sampler.travelled / WAY, 1)
