"""The theory page: KL(P || Q) is least exactly where E_Q[T] = E_P[T], here in numbers."""

import functools
import pathlib

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfstyle import statistics
from tools import theory

ROOT = pathlib.Path(__file__).parent.parent
MIDDLE = len(theory.STEPS) // 2
every_family = pytest.mark.parametrize("name", theory.FAMILIES)
every_data = pytest.mark.parametrize("data", ["samples of P", "feature vectors"])


@functools.cache
def vectors():
    """Real ones, with exact zeros."""
    return theory.feature_vectors(ROOT / "examples/textures/pebbles.jpg", "block3_conv1")


@functools.cache
def mixture():
    return theory.reference(vectors())


@functools.cache
def samples():
    return mixture().sample(theory.SAMPLES, seed=(0, 1))


def data_of(name):
    return samples() if name == "samples of P" else tf.constant(vectors())


def family_of(name):
    return theory.FAMILIES[name](theory.CHANNELS)


def elsewhere(family):
    """Natural parameters of a member that is far from all the data."""
    return theory.matched(family, 0.5 * samples() + 1.0)


def ways(family, natural, count=3):
    _, hessian = theory.derivatives(family, natural, samples()[:10])
    return theory.directions(hessian.numpy(), count)


def test_reference_has_the_moments_of_the_vectors():
    mean, second = theory.mixture_moments(mixture())
    np.testing.assert_allclose(mean, vectors().mean(0), rtol=0.01)
    expected = vectors().T @ vectors() / len(vectors())
    np.testing.assert_allclose(second, expected, rtol=0.05)
    assert np.any(vectors() == 0)
    assert np.all(samples() > 0) and np.all(np.isfinite(mixture().log_prob(samples())))


def test_moments_of_the_reference_in_closed_form():
    family = family_of("mean_covariance")
    values = family.statistic(samples()).numpy()
    difference = values.mean(0) - family.moments(*theory.mixture_moments(mixture()))
    deviations = difference / (values.std(0) / len(values) ** 0.5)
    assert np.abs(deviations).max() < 4
    assert 0.3 < np.sqrt(np.mean(deviations**2)) < 2  # as much as chance makes, and no more


@every_family
def test_models_are_the_exponential_family_of_their_statistic(name):
    family = family_of(name)
    natural = elsewhere(family)
    linear = tf.linalg.matvec(family.statistic(samples()), natural)
    rest = family.model(natural).log_prob(samples()) - linear  # log h - A, if T is all there is
    assert np.ptp(linear) > 1
    assert np.ptp(rest) < 1e-9


@every_family
def test_gradient_is_the_difference_of_the_moments(name):
    family = family_of(name)
    natural = elsewhere(family)
    gradient, _ = theory.derivatives(family, natural, samples())
    expected = family.expectation(family.model(natural)) - np.mean(family.statistic(samples()), 0)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(gradient, expected, atol=1e-10)


def covariance_of_statistic(name, model):
    """Cov_Q[T], `[size, size]`: a variance for each rate; Gaussian moments by Isserlis' theorem."""
    if name == "mean":
        return np.diag(model.variance())
    m, s = model.mean().numpy(), model.covariance().numpy()
    i, j = np.triu_indices(len(m))
    k, el = i[:, None], j[:, None]
    products = s[i, k] * s[j, el] + s[i, el] * s[j, k]
    products += m[i] * m[k] * s[j, el] + m[i] * m[el] * s[j, k]
    products += m[j] * m[k] * s[i, el] + m[j] * m[el] * s[i, k]
    mixed = s[:, i] * m[j] + s[:, j] * m[i]
    return products if name == "gram" else np.block([[s, mixed], [mixed.T, products]])


@every_family
def test_hessian_is_the_covariance_of_the_statistic(name):
    family = family_of(name)
    natural = elsewhere(family)
    _, hessian = theory.derivatives(family, natural, samples()[:10])
    expected = covariance_of_statistic(name, family.model(natural))
    np.testing.assert_allclose(hessian, expected, rtol=1e-7, atol=1e-9)
    assert np.linalg.eigvalsh(hessian).min() > 0  # T is minimal, KL strictly convex


@every_data
@every_family
def test_divergence_is_convex_and_least_at_the_match(name, data):
    family, x = family_of(name), data_of(data)
    natural = theory.matched(family, x)
    values = theory.scan(family, natural, ways(family, natural), x)
    assert np.all(np.argmin(values, axis=1) == MIDDLE)
    assert np.diff(values, 2, axis=1).min() > 0
    # Not only about there: the slope is zero.
    gradient, _ = theory.derivatives(family, natural, x)
    np.testing.assert_allclose(gradient, 0, atol=1e-10)


@every_data
@every_family
def test_divergence_grows_by_that_between_the_models(name, data):
    """KL(P || Q) = KL(P || match) + KL(match || Q), the last by TFP's closed form."""
    family, x = family_of(name), data_of(data)
    match, model = (family.model(at) for at in (theory.matched(family, x), elsewhere(family)))
    growth = theory.divergence(model, x) - theory.divergence(match, x)
    assert growth > 0.1
    np.testing.assert_allclose(growth, tfp.distributions.kl_divergence(match, model), rtol=1e-9)


@every_family
def test_divergence_from_the_reference_is_least_at_its_closed_form_moments(name):
    """Up to the error of the samples: the least of the scan is where their moments put it."""
    family = family_of(name)
    natural = family.match(family.moments(*theory.mixture_moments(mixture())))
    directions = ways(family, natural)
    values = theory.scan(family, natural, directions, samples(), mixture().log_prob(samples()))
    before, here, after = values[:, MIDDLE - 1 : MIDDLE + 2].T
    step = theory.STEPS[1] - theory.STEPS[0]
    least = step * (before - after) / (before - 2 * here + after) / 2  # of a parabola
    projected = family.statistic(samples()).numpy() @ directions.T
    error = projected.std(0) / len(projected) ** 0.5  # the second derivative is 1
    assert np.all(np.abs(least) < 4 * error) and np.all(error < step)


@every_family
def test_divergence_falls_towards_the_match(name):
    family = family_of(name)
    natural = elsewhere(family)
    way = theory.matched(family, samples()) - natural
    values = theory.scan(family, natural, way[None], samples())[0]
    assert np.all(np.diff(values) < 0)


@every_family
def test_descent_ends_at_the_moments(name):
    family = family_of(name)
    errors = np.abs(theory.descend(family, samples()) - np.mean(family.statistic(samples()), 0))
    assert errors[0].max() > 0.3
    assert errors[-1].max() < 1e-6


@pytest.mark.parametrize("name", theory.NUMBERS)
def test_numbers_are_those_of_the_library(name):
    channels = 7
    features = tf.random.stateless_uniform([1, 6, 6, channels], seed=(0, 1))
    measured = tf.nest.flatten(statistics.get(name).measure(features))
    values = np.concatenate([np.ravel(part) for part in measured])
    assert len(np.unique(values.round(5))) == theory.NUMBERS[name](channels)


def test_page_shows_the_table_of_numbers():
    page = (ROOT / "docs/theory.md").read_text("utf-8")
    assert theory.numbers_table() in page
