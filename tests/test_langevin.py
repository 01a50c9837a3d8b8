"""Langevin sampling: against closed forms and quadrature; then real runs."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from scipy import interpolate, stats

from tfstyle.random_field import filters
from tfstyle.random_field.energy import BINS
from tfstyle.random_field.langevin import ACCEPTED, Langevin
from tfstyle.random_field.smooth import SmoothEnergy, SmoothFeature, folded

ACROSS = SmoothFeature(filters.Filter("across", np.array([[1, -1]], np.int32)), -0.7, 0.1)
CORNER = SmoothFeature(filters.Filter("corner", np.array([[1, 2], [0, -2]], np.int32)), -1.2, 0.3)


class Written:
    """An energy by a function."""

    def __init__(self, function):
        self.value = lambda places, multipliers: function(places)


def walked(sampler, places, multipliers=0.0, sweeps=1, seed=0):
    places = tf.constant(places, tf.float32)
    for number in range(sweeps):
        places = sampler.sweep(places, multipliers, tf.constant([seed, number]))
    return places.numpy()


def test_samples_of_a_gaussian_have_its_variances():
    """With the step 1.2 moves that are always taken would end at 2.5 times the smaller variance."""
    deviations = np.float32([1, 3])
    energy = Written(lambda places: tf.reduce_sum(tf.square(places / deviations), axis=1) / 2)
    sampler = Langevin(energy, 1.2, moves=60)
    sampler.adapts = False
    samples = walked(sampler, np.zeros((20_000, 2)))
    assert sampler.step == np.float32(1.2)
    for column, deviation in zip(samples.T, deviations):
        assert stats.kstest(column, "norm", (0, deviation)).pvalue > 0.001
    assert abs(stats.pearsonr(*samples.T).statistic) < 0.02


def test_the_step_becomes_one_at_which_so_many_moves_are_taken_as_are_best():
    energy = Written(lambda places: tf.reduce_sum(tf.square(places), axis=1) / 2)
    sampler = Langevin(energy, 1e-3, moves=300)
    before = walked(sampler, np.zeros((200, 50)))
    sampler.adapts, sampler.moves = False, 1
    taken = (walked(Langevin(energy, sampler.step, 1), before) != before).any(axis=1).mean()
    assert abs(taken - ACCEPTED) < 0.12 and sampler.step > 0.1


@pytest.fixture(scope="module")
def energy():
    return SmoothEnergy([ACROSS, CORNER], 2, 2)


def some_multipliers():
    return tf.constant(np.random.default_rng(5).normal(0, 0.8, (2, BINS)), tf.float32)


def test_bins_are_quadratic_splines(energy):
    pictures = np.random.default_rng(0).random((6, 2, 2)).astype(np.float32)
    spline = interpolate.BSpline.basis_element([-1.5, -0.5, 0.5, 1.5], extrapolate=False)
    for number, (each, first, width) in enumerate((ACROSS, CORNER)):
        height, span = each.kernel.shape
        responses = sum(
            each.kernel[i, j] * np.roll(pictures, (height // 2 - i, span // 2 - j), (1, 2))
            for i, j in itertools.product(range(height), range(span))
        )
        weights = spline((responses[..., None] - first) / width - np.arange(-60, 75))
        expected = np.nan_to_num(weights).mean((1, 2))
        first_bin, last_bin = expected[:, :61].sum(1), expected[:, 74:].sum(1)
        expected = np.column_stack([first_bin, expected[:, 61:74], last_bin])
        found = energy.histograms(tf.constant(pictures))[:, number]
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_energies_are_those_of_the_histograms_and_slope_as_their_differences(energy):
    places = tf.constant(np.random.default_rng(1).uniform(-1, 2, (5, 2, 2)), tf.float32)
    multipliers = some_multipliers()
    with tf.GradientTape() as tape:
        tape.watch(places)
        values = energy.value(places, multipliers)
    expected = 4 * np.einsum("nkb,kb->n", energy.histograms(places), multipliers)
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-4)
    slopes = tape.gradient(values, places).numpy()
    for y, x in itertools.product(range(2), range(2)):
        step = np.zeros((1, 2, 2), np.float32)
        step[0, y, x] = 1e-3
        ends = [energy.value(places + sign * step, multipliers) for sign in (1, -1)]
        np.testing.assert_allclose(
            (ends[0] - ends[1]) / 2e-3, slopes[:, y, x], rtol=0.02, atol=0.05
        )


def test_samples_have_the_means_of_the_quadrature(energy):
    """A quarter of a million pictures of 2x2 pixels, evenly spread, stand for the integral."""
    multipliers = some_multipliers()
    pictures = stats.qmc.Sobol(4, seed=0).random_base2(18).reshape(-1, 2, 2)
    pictures = tf.constant(pictures, tf.float32)
    weights = np.exp(-energy.value(pictures, multipliers).numpy().astype(float))
    histograms = energy.histograms(pictures).numpy()
    expected = np.einsum("n,nkb->kb", weights / weights.sum(), histograms)
    sampler = Langevin(energy, 0.004, moves=500)
    start = np.random.default_rng(2).uniform(0, 1, (4000, 2, 2))
    places = walked(sampler, start, multipliers)
    found = energy.histograms(tf.constant(places)).numpy()
    error = found.std(0) / len(found) ** 0.5
    assert (np.abs(found.mean(0) - expected) < 4.5 * error + 5e-4).all()
    assert np.abs(histograms.mean(0) - expected).max() > 0.05  # of noise they are others
    greys = folded(tf.constant(places)).numpy()
    assert greys.min() >= 0 and greys.max() <= 1
