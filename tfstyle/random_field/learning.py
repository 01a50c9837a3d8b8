"""The multipliers of FRAME, learned while the sampler runs."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfstyle.random_field.energy import BINS

STEP = 0.3  # for one filter
PULL = 0.4  # of Newton's step: by how much an error of lightness itself changes the prices
SMALLEST = 0.003  # share of a bin: smaller ones change no faster


class Learner:
    """A model that gets more filters, and samples of it that follow.

    Args:
        field: of the pictures, see `tfstyle.random_field.fields.Field`.
        seed: of the sampler.

    Attributes:
        multipliers: float32 `[K, BINS]`.
        step: of the sampler, which adapts it.
    """

    def __init__(self, field: Any, seed: int):
        self.field, self.seed, self.sweeps = field, seed, 0
        self.features: list[Any] = []
        self.multipliers = tf.zeros([0, BINS])
        self.observed = tf.zeros([0, BINS])
        self._sampler: Any = None

    @property
    def step(self) -> tf.Tensor:
        return self._sampler.step if self.features else tf.constant(0.0)

    def resume(self, multipliers: Any, step: Any, sweeps: int) -> None:
        """Goes to where another learner with the same filters was, after so many sweeps."""
        self.multipliers, self.sweeps = tf.constant(multipliers), sweeps
        if self.features:
            self._sampler.step = tf.constant(step)

    def add(self, feature: Any, observed: np.ndarray) -> None:
        """Adds a filter of which the histogram, float32 `[BINS]`, is to be matched."""
        self.features.append(feature)
        self.multipliers = tf.concat([self.multipliers, tf.zeros([1, BINS])], 0)
        self.observed = tf.concat([self.observed, observed[np.newaxis]], 0)
        self.energy = self.field.energy(self.features)
        self._sampler = self.field.sampler(self.energy)

    def advance(self, pictures: tf.Tensor, step: float) -> tf.Tensor:
        """A sweep of the pictures `[B, H, W]`, and a step of the multipliers.

        The more filters there are, the shorter the step of each: where all respond alike, they
        change the same, and together go too far. The less new the picture is, the shorter, too.

        A sampler of pixels makes large parts lighter or darker only slowly. By multipliers alone,
        which grow until the picture is right and are too large then, it would become too light and
        too dark in turn. So what is right on the mean is held by a `PULL` that goes with the error.
        """
        seed = tf.constant([self.seed, self.sweeps])
        pulled = [[PULL * (feature.filter.kernel.min() > 0)] for feature in self.features]
        prices = self.multipliers + tf.constant(pulled, tf.float32) * self._excess(pictures)
        pictures = self._sampler.sweep(pictures, prices, seed)
        step *= self.field.renewed(self._sampler) / len(self.features)
        self.multipliers += step * self._excess(pictures)
        self.sweeps += 1
        return pictures

    def _excess(self, pictures):
        """Newton's step of the multipliers, if the bins and the pixels were independent.

        The gradient of the likelihood is E_model[histogram] - observed histogram (Zhu, Wu & Mumford
        1998, equation 14); that of the model is estimated from samples. It is divided by the share
        of the bin, which is about the curvature, so that rare responses are learned as fast as
        common ones.
        """
        model = tf.reduce_mean(self.energy.histograms(pictures), axis=0)
        return (model - self.observed) / (0.5 * (model + self.observed) + SMALLEST)


def error(model: tf.Tensor, observed: tf.Tensor) -> tf.Tensor:
    """The L1 distance of histograms, from 0 to 2, float32 `[K]`."""
    return tf.reduce_sum(tf.abs(model - observed), axis=-1)
