"""Sliced Wasserstein against a real sort in float64, and against closed forms."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from test_statistics import as_map, directions, distance, means_of_shares, quantiles, vectors

from tfstyle.statistics.sliced_wasserstein import SlicedWasserstein

BIN = 1 / 1000  # of the range of a projection: unsorted within it

# --- sliced Wasserstein ------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 7, 64, 100, 256, 301])
@pytest.mark.parametrize("levels", [1, 7, 64])
def test_quantiles_of_one_channel_are_exact(count, levels):
    """Where no two samples share a bin: evenly spaced, here in random order."""
    rows = 5 * np.random.default_rng(0).permutation(count)[:, None] / count - 2
    ours = SlicedWasserstein(3, levels, seed=4).measure(as_map(rows))
    expected = quantiles(np.float32(rows).astype(float), levels, 3, seed=4)
    np.testing.assert_allclose(ours, expected, atol=2e-6)


@pytest.mark.parametrize("count", [1, 5, 63, 1000, 4099])
@pytest.mark.parametrize("seed", [0, 2**31 - 1])
def test_quantiles_against_a_real_sort(count, seed):
    rows = np.random.default_rng(count).gamma(1.0, 1.0, (count, 6))
    ours = SlicedWasserstein(16, 32, seed).measure(as_map(rows)).numpy()
    projected = rows @ directions(6, 16, seed)
    width = np.ptp(projected, axis=0)[:, None]
    error = np.abs(ours - quantiles(rows, 32, 16, seed))
    assert (error <= BIN * width + 1e-6).all()
    assert (np.diff(ours, axis=1) >= -1e-6).all()
    # The shares are equal, whatever the bins.
    np.testing.assert_allclose(ours.mean(axis=1), projected.mean(axis=0), atol=2e-6)


@pytest.mark.parametrize("count, levels", [(1, 4), (5, 16), (60, 7), (64, 16)])
@pytest.mark.parametrize("ties", [1, 3])
def test_gradient_of_quantiles_against_their_weights(count, levels, ties):
    """Equal samples are moved alike."""
    rows = np.random.default_rng(0).permutation(np.repeat(np.arange(count), ties))[:, None] / count
    image = as_map(rows)
    statistic = SlicedWasserstein(2, levels)
    with tf.GradientTape() as tape:
        tape.watch(image)
        measured = statistic.measure(image)
    upstream = np.random.default_rng(1).standard_normal((2, levels))
    gradient = tape.gradient(measured, image, np.float32(upstream))[0, 0]
    expected = np.zeros_like(rows)
    for sign, above in zip(directions(1, 2, 0)[0], upstream):
        order = np.argsort(sign * rows[:, 0])
        each = above @ means_of_shares(np.eye(count * ties), levels)
        expected[order, 0] += sign * np.repeat(each.reshape(count, ties).mean(axis=1), ties)
    np.testing.assert_allclose(gradient, expected, atol=1e-5)


def test_sliced_distance_sees_what_moments_do_not():
    """Two points and a Gaussian of the same mean and variance."""
    count = 2000
    gauss = scipy.stats.norm.ppf((np.arange(count) + 0.5) / count)[:, None]
    coins = np.where(np.arange(count) < count / 2, -1.0, 1.0)[:, None]
    coins *= gauss.std()
    assert distance("gaussian_w2", coins, gauss) < 1e-4
    # 2 - 2 E|z|, z normal.
    expected = 2 - 2 * np.sqrt(2 / np.pi)
    np.testing.assert_allclose(distance("sliced_wasserstein", coins, gauss), expected, rtol=0.01)


def test_sliced_distance_of_unit_directions_averages_to_a_channels_share():
    """E (theta . c)^2 = |c|^2 / C over all directions: 4000 are enough for 5 per cent."""
    shift = np.array([3.0, 0.0, -4.0, 0.0])
    many = SlicedWasserstein(4000, 1)
    here, there = (many.measure(as_map(x)) for x in (np.zeros((1, 4)), shift[None]))
    np.testing.assert_allclose(many.distance(here, there), 25 / 4, rtol=0.05)


def test_seeded_keeps_the_other_settings():
    seeded = SlicedWasserstein(directions=5, levels=7, seed=1).seeded(3)
    measured = seeded.measure(as_map(vectors(40)))
    assert measured.shape == (5, 7)
    np.testing.assert_array_equal(
        measured, SlicedWasserstein(directions=5, levels=7, seed=3).measure(as_map(vectors(40)))
    )
