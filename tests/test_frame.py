"""FRAME: sampler, learning and the theorem, on lattices that can be enumerated; then real runs."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tfstyle.random_field import filters
from tfstyle.random_field.energy import BINS, Energy, Feature
from tfstyle.random_field.gibbs import Gibbs

ACROSS = filters.Filter("across", np.array([[1, -1]], np.int32))
CORNER = filters.Filter("corner", np.array([[1, 2], [0, -2]], np.int32))


def energy_of(levels, side, kernels=(ACROSS, CORNER)):
    features = [Feature.of(each, levels, np.zeros((8, 8), int)) for each in kernels]
    return Energy(features, levels, side, side)


def all_pictures(levels, side):
    return np.array(list(itertools.product(range(levels), repeat=side**2))).reshape(-1, side, side)


def written_out(pictures, kernels, levels):
    """Histograms by loops over the pixels of a kernel, `[pictures, K, BINS]`."""
    histograms = []
    for each in kernels:
        height, width = each.kernel.shape
        response = sum(
            each.kernel[i, j] * np.roll(pictures, (height // 2 - i, width // 2 - j), (1, 2))
            for i in range(height)
            for j in range(width)
        )
        least = (levels - 1) * np.minimum(each.kernel, 0).sum()
        histograms.append([(response - least == n).mean((1, 2)) for n in range(BINS)])
    return np.transpose(histograms, (2, 0, 1))


def some_multipliers(seed, count=2):
    return np.random.default_rng(seed).normal(0, 0.7, (count, BINS)).astype(np.float32)


def probabilities(histograms, multipliers, pixels):
    energies = pixels * np.einsum("nkb,kb->n", histograms, multipliers)
    weights = np.exp(energies.min() - energies)
    return weights / weights.sum()


def drawn(energy, multipliers, chains, sweeps, seed=0):
    rng = np.random.default_rng(seed)
    shape = chains, energy.height, energy.width
    pictures = tf.constant(rng.integers(0, energy.levels, shape), tf.int32)
    gibbs = Gibbs(energy)
    for number in range(sweeps):
        pictures = gibbs.sweep(pictures, tf.constant(multipliers), tf.constant([seed, number]))
    return pictures.numpy()


@pytest.mark.parametrize("levels, side", [(2, 3), (3, 3)])
def test_histograms_and_energies_are_those_written_out(levels, side):
    energy, pictures = energy_of(levels, side), all_pictures(levels, side)
    expected = written_out(pictures, (ACROSS, CORNER), levels)
    np.testing.assert_allclose(energy.histograms(tf.constant(pictures, tf.int32)), expected, 1e-6)
    multipliers = some_multipliers(1)
    np.testing.assert_allclose(
        energy.value(tf.constant(pictures, tf.int32), multipliers),
        side**2 * np.einsum("nkb,kb->n", expected, multipliers),
        rtol=1e-4,
        atol=1e-4,
    )


# In the last two several pixels are drawn at once.
@pytest.mark.parametrize("levels, side, sweeps", [(2, 3, 12), (3, 3, 12), (2, 4, 12)])
def test_samples_have_the_enumerated_distribution(levels, side, sweeps):
    """Chi square over all pictures, those of little probability put together by their energy."""
    multipliers, pictures = some_multipliers(2), all_pictures(levels, side)
    expected = probabilities(written_out(pictures, (ACROSS, CORNER), levels), multipliers, side**2)
    chains = 30_000
    samples = drawn(energy_of(levels, side), multipliers, chains, sweeps)
    numbers = samples.reshape(chains, -1) @ levels ** np.arange(side**2)[::-1]
    order = np.argsort(-expected, kind="stable")
    cells = np.zeros(len(order), int)
    cells[order] = np.floor(np.cumsum(expected[order]) * chains / 40)  # 40 samples in each, or more
    cells = np.unique(cells, return_inverse=True)[1]
    observed = np.bincount(cells, np.bincount(numbers, minlength=len(cells)))
    wanted = np.bincount(cells, expected) * chains
    assert stats.chisquare(observed, wanted * chains / wanted.sum()).pvalue > 0.001
    uniform = np.bincount(cells) * chains / len(expected)
    assert stats.chisquare(observed, uniform).pvalue < 1e-12
