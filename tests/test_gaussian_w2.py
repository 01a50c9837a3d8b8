"""The Wasserstein distance of Gaussians against SciPy in float64, and against closed forms."""

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import tensorflow as tf
from test_statistics import as_map, bures, covariance, distance, of_gaussians, squared, vectors

from tfstyle import statistics
from tfstyle.statistics.gaussian_w2 import squared_bures


def positive_definite(channels=6, seed=0):
    return covariance(vectors(4 * channels, channels, seed))


def rotated(variances, seed=0):
    turn = scipy.stats.ortho_group.rvs(len(variances), random_state=seed)
    return turn * variances @ turn.T


def with_gradient(a, b):
    """Seen along the principal directions of `b`, where it is diagonal."""
    variances, basis = np.linalg.eigh(np.where(np.isfinite(b), b, 0))
    a = tf.constant(a, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(a)
        value = squared_bures(basis.T @ a @ basis, tf.constant(variances))
    return value.numpy(), tape.gradient(value, a).numpy()


@pytest.mark.parametrize("channels", [1, 2, 6, 40])
def test_bures_and_its_gradient_against_scipy(channels):
    a, b = (positive_definite(channels, seed) for seed in (0, 1))
    value, gradient = with_gradient(a, b)
    np.testing.assert_allclose(value, bures(a, b), rtol=1e-9)
    root = scipy.linalg.sqrtm(a)
    inverse = np.linalg.inv(root)
    transport = inverse @ scipy.linalg.sqrtm(root @ b @ root) @ inverse
    np.testing.assert_allclose(gradient, np.eye(channels) - transport, atol=1e-9)


def test_bures_gradient_against_finite_differences():
    a, b = (positive_definite(seed=seed) for seed in (0, 1))
    scale = tf.constant(3.0, tf.float64)
    variable = tf.constant(a)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        variances, basis = np.linalg.eigh(b)
        value = scale * squared_bures(basis.T @ variable @ basis, tf.constant(variances))
    gradient, h = tape.gradient(value, variable).numpy(), 1e-5
    differences = np.zeros_like(a)
    for i, j in np.ndindex(a.shape):
        step = np.zeros_like(a)
        step[i, j] += h / 2
        step[j, i] += h / 2
        differences[i, j] = 3 * (bures(a + step, b) - bures(a - step, b)) / (2 * h)
    np.testing.assert_allclose(gradient, differences, atol=1e-7)


COMMUTING = {
    "far apart": ([1.0, 4.0, 0.25, 9.0], [4.0, 1.0, 1.0, 0.01]),
    "ill conditioned": ([1.0, 1e-3, 1e-6, 1e-7], [1.0, 1e-6, 1e-3, 1e-7]),
    "some directions are missing": ([0.0, 2.0, 0.0, 1.0], [1.0, 3.0, 1e-6, 2.0]),
    "hardly any": ([1e-30] * 4, [1.0, 3.0, 0.5, 2.0]),
    "near": ([1.0, 4.0, 0.25, 9.0], np.add([1.0, 4.0, 0.25, 9.0], [1e-6, -2e-6, 3e-7, 1e-6])),
}


@pytest.mark.parametrize("case", COMMUTING)
def test_bures_of_matrices_that_commute(case):
    a, b = map(np.array, COMMUTING[case])
    value, gradient = with_gradient(rotated(a), rotated(b))
    # Near 0 the traces would cancel to nothing: it is 1e-13 beside a trace of 14.
    np.testing.assert_allclose(value, squared(np.sqrt(a) - np.sqrt(b)), rtol=1e-6)
    assert np.isfinite(gradient).all()


def test_bures_of_nan_is_nan():
    value, gradient = with_gradient(np.full((3, 3), np.nan), np.eye(3))
    assert np.isnan(value) and gradient.shape == (3, 3)


@pytest.mark.parametrize("turned", [False, True])
def test_w2_of_gaussians_whose_covariances_commute(turned):
    """The regularisation does not show."""
    variances = np.array([1.0, 0.3, 2.0, 0.5]), np.array([0.2, 1.0, 1.5, 0.7])
    means = np.array([[1.0, 0.0, -1.0, 0.5], [0.0, 0.5, 1.0, 0.5]])
    measured = []
    for mean, variance in zip(means, variances):
        centred = rotated(variance) if turned else np.diag(variance)
        measured.append((np.float32(mean), np.float32(centred + np.outer(mean, mean))))
    expected = squared(means[0] - means[1]) + squared(np.subtract(*np.sqrt(variances)))
    ours = statistics.get("gaussian_w2").distance(*measured)
    np.testing.assert_allclose(ours, expected, rtol=1e-3)


@pytest.mark.parametrize("count, target_count", [(81, 81), (1, 81), (81, 1), (1, 1)])
def test_fewer_positions_than_channels(count, target_count):
    """Wider than any layer is at the smallest image; 81 vectors span 80 of 512 directions."""
    statistic = statistics.get("gaussian_w2")
    rng = np.random.default_rng(0)
    image, target = (as_map(rng.gamma(1.0, 1.0, (n, 512))) for n in (count, target_count))
    with tf.GradientTape() as tape:
        tape.watch(image)
        value = statistic.distance(statistic.measure(image), statistic.measure(target))
    gradient = tape.gradient(value, image)
    assert np.isfinite(value) and np.isfinite(gradient).all()
    # A step of a hundredth does to first order what the gradient says.
    step = 0.01 * value / tf.reduce_sum(tf.square(gradient))
    after = statistic.distance(
        statistic.measure(image - step * gradient), statistic.measure(target)
    )
    np.testing.assert_allclose((value - after) / value, 0.01, rtol=0.2)


def gaussian_w2(rows, target):
    """The distance of what was prepared once, and its gradient with respect to the moments."""
    statistic = statistics.get("gaussian_w2")
    moments = statistic.measure(as_map(rows))
    prepared = statistic.prepared(statistic.measure(as_map(target)))
    with tf.GradientTape() as tape:
        tape.watch(moments)
        value = statistic.distance(moments, prepared)
    return float(value), tape.gradient(value, moments)[1].numpy().astype(float)


def pinched_w2(rows, target, rank):
    """In float64: value, and derivative with respect to the covariance; see `GaussianW2`."""
    squares = np.mean(target**2, axis=0)
    ridge = 1e-4 * squares.mean() + 1e-6 * squares.max()
    variances, basis = np.linalg.eigh(covariance(target))
    strong, weak = basis[:, -rank:], basis[:, :-rank]
    here = covariance(rows)
    inside = strong.T @ here @ strong + ridge * np.eye(rank)
    there = variances[-rank:] + ridge
    outside = [
        np.trace(weak.T @ c @ weak) + weak.shape[1] * ridge for c in (here, covariance(target))
    ]
    means = squared(rows.mean(0) - target.mean(0))
    value = means + bures(inside, np.diag(there)) + np.diff(np.sqrt(outside))[0] ** 2
    half = np.sqrt(there)
    values, vectors = np.linalg.eigh(half[:, None] * inside * half)
    pull = np.eye(rank) - half[:, None] * (vectors / np.sqrt(values)) @ vectors.T * half
    slope = 1 - np.sqrt(outside[1] / outside[0]) if weak.size else 0
    return value, strong @ pull @ strong.T + slope * weak @ weak.T


CLOUDS = {
    "many vectors": (2000, 2000, 1.0),
    "near the target": (2000, 2000, 1e-2),
    "an image of few vectors": (50, 2000, 1.0),
}


@pytest.mark.parametrize("case", CLOUDS)
@pytest.mark.parametrize("channels", [40, 320])
def test_w2_and_its_gradient_against_double_precision(case, channels):
    """With more channels than directions, whose weakest are taken together."""
    count, target_count, apart = CLOUDS[case]
    rng = np.random.default_rng(0)
    scales = np.geomspace(1, 1e-2, channels)
    target = 1 + rng.standard_normal((target_count, channels)) * scales
    other = 1 + rng.standard_normal((count, channels)) * scales[::-1] ** 0.5
    rows = target + apart * (other - target) if count == target_count else other
    rows, target = (np.float32(x).astype(float) for x in (rows, target))
    value, slope = pinched_w2(rows, target, min(channels, 192))
    ours, gradient = gaussian_w2(rows, target)
    np.testing.assert_allclose(ours, value, rtol=1e-3)
    # Moments in float32: of few vectors not quite singular, near the target a small difference.
    tolerance = 1e-3 if case == "many vectors" else 3e-3
    assert np.linalg.norm(gradient - slope) < tolerance * np.linalg.norm(slope)


def test_w2_of_the_strongest_directions_is_less_and_close():
    """As a channel cannot set two states apart that were together."""
    rng = np.random.default_rng(0)
    scales = np.geomspace(1, 1e-2, 320)
    here, there = (1 + rng.standard_normal((2000, 320)) * scales * x for x in (1.0, 1.3))
    exact = of_gaussians(here, there)
    assert 0.97 * exact < distance("gaussian_w2", here, there) < 1.0001 * exact


def test_a_style_is_decomposed_once(monkeypatch):
    statistic = statistics.get("gaussian_w2")
    features = as_map(vectors(60))
    target = statistic.target([features], [1.0])
    monkeypatch.setattr(statistic, "prepared", None)
    assert statistic.loss(features, target) < 1e-10
