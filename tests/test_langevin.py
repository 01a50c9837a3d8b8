"""Langevin sampling: against closed forms and quadrature; then real runs."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from scipy import interpolate, stats

import tfstyle
from tfstyle import features
from tfstyle.random_field import filters, neural
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
        assert stats.kstest(column / deviation, "norm").pvalue > 0.001
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


def test_samples_of_the_energy_stay_such(energy):
    """65536 pictures of 2x2 pixels, evenly spread, stand for the integral."""
    multipliers = some_multipliers()
    pictures = stats.qmc.Sobol(4, seed=0).random_base2(16).reshape(-1, 2, 2)
    pictures = tf.constant(pictures, tf.float32)
    weights = np.exp(-energy.value(pictures, multipliers).numpy().astype(float))
    weights /= weights.sum()
    histograms = energy.histograms(pictures).numpy()
    expected = np.einsum("n,nkb->kb", weights, histograms)
    start = np.random.default_rng(2).choice(pictures, 4000, p=weights)
    sampler = Langevin(energy, 0.02, moves=60)
    sampler.adapts = False
    places = walked(sampler, start, multipliers)
    assert np.corrcoef(np.ravel(start), np.ravel(folded(places)))[0, 1] < 0.8
    found = energy.histograms(tf.constant(places)).numpy()
    error = found.std(0) / len(found) ** 0.5
    assert (np.abs(found.mean(0) - expected) < 4.5 * error + 5e-4).all()
    assert np.abs(histograms.mean(0) - expected).max() > 0.05  # of noise they are others
    greys = folded(tf.constant(places)).numpy()
    assert greys.min() >= 0 and greys.max() <= 1


LAYERS = ("block1_conv1", "block2_conv1")


def stripes():
    """Waves of 8 pixels downwards, from dark blue to light yellow, and a little noise."""
    rng = np.random.default_rng(0)
    waves = 0.5 + 0.4 * np.sin(2 * np.pi * np.arange(48) / 8)[:, None, None]
    return np.clip(waves * [1, 0.9, 0.5] + rng.normal(0, 0.03, (48, 48, 3)), 0, 1).astype("f4")


def test_the_reference_has_the_means_colours_and_spectrum_of_the_texture():
    texture = stripes()
    reference = neural.Reference(texture, (48, 64))
    noise = np.random.default_rng(1).normal(size=(300, 48, 64, 3))
    pictures = reference.pictures(tf.constant(noise, tf.float32)).numpy()
    np.testing.assert_allclose(pictures.mean((0, 1, 2)), texture.mean((0, 1)), atol=0.01)
    values = pictures.reshape(-1, 3)
    np.testing.assert_allclose(np.cov(values.T), np.cov(texture.reshape(-1, 3).T), 0.12)
    down = np.mean(pictures * np.roll(pictures, 4, 1)) - np.mean(pictures.mean((0, 1, 2)) ** 2)
    across = np.mean(pictures * np.roll(pictures, 4, 2)) - np.mean(pictures.mean((0, 1, 2)) ** 2)
    variance = np.var(values, axis=0).mean()
    assert down < -0.8 * variance and across > 0.8 * variance


def dots():
    """Orange dots on grey, here and there: no Gaussian at all."""
    chance = np.random.default_rng(0).random((48, 48, 1))
    return np.where(chance < 0.1, [1, 0.6, 0.2], 0.3).astype("f4")


def test_multipliers_of_a_network_bring_its_means_to_those_of_the_texture():
    steps = []
    settings = {"size": 48, "sweeps": 40, "style_layers": LAYERS, "features": "vgg19_narrow"}
    result = tfstyle.frame(dots(), seed=1, callback=steps.append, **settings)
    assert result.outcome is tfstyle.Outcome.DONE and result.evaluations == 40
    assert list(result.parts) == list(LAYERS)
    images = [step.image for step in (steps[0], *steps[20::4])]
    network = features.get("vgg19_narrow", LAYERS, precision="float32", tiled=(True, True))
    wanted, *seen = (network(tf.constant(each)) for each in (dots()[None], *images))
    for layer in LAYERS:
        mean = np.mean(wanted[layer], (0, 1, 2))
        errors = [np.mean(each[layer], (0, 1, 2)) - mean for each in seen]
        # One picture is now above, now below.
        assert np.linalg.norm(np.mean(errors[1:], axis=0)) < 0.4 * np.linalg.norm(errors[0])
    again = tfstyle.frame(dots(), seed=1, callback=lambda step: step.evaluations < 2, **settings)
    assert again.outcome is tfstyle.Outcome.STOPPED and (again.image == steps[2].image).all()


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"sampler": "gibbs"}, "^sampler: expected langevin"),
        ({"size": (50, 64)}, "^size: expected multiples of 16.*received 50x64"),
        ({"style_layers": ("block9",)}, "^style_layers: expected layers out of"),
    ],
)
def test_what_a_network_cannot_do_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        tfstyle.frame(stripes(), **{"features": "vgg19_compact", "size": 64} | changes)


def test_a_picture_of_all_greys_has_the_histograms():
    noise = np.random.default_rng(0).random((44, 48))
    streaks = np.lib.stride_tricks.sliding_window_view(noise, 5, axis=1).mean(-1)
    settings = {"size": 32, "filters": 1, "sweeps": 15, "sampler": "langevin"}
    result = tfstyle.frame(streaks, **settings)
    assert len(np.unique(result.image)) > 500 and (result.image == result.image[..., :1]).all()
    assert list(result.parts.values())[0] < 0.2
