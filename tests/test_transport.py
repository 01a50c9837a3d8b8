"""Features moved in closed form: their statistics, against NumPy and SciPy in float64."""

import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf

from tfstyle.transport import maps

NAMES = ("channel_moments", "mean_covariance", "gaussian_w2", "sliced_wasserstein")


def cloud(height, width, channels=6, seed=0):
    """Feature maps that are not Gaussian, with correlations, float32 `[1, h, w, C]`."""
    rng = np.random.default_rng(seed)
    mixed = rng.gamma(1.5, 1, (height * width, channels)) @ rng.normal(size=(channels, channels))
    return np.float32(mixed + rng.normal(size=channels)).reshape(1, height, width, channels)


def vectors(features):
    return np.reshape(features, (-1, features.shape[-1])).astype(np.float64)


def moments(features, weights=None):
    values = vectors(features)
    weights = np.ones(len(values)) if weights is None else np.reshape(weights, -1)
    return np.average(values, axis=0, weights=weights), np.cov(
        values.T, bias=True, aweights=weights
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_moments_are_those_of_the_target(name, weighted):
    """With weights those where weights are, of the content as of the style."""
    here, there = cloud(40, 50), cloud(60, 30, seed=1)
    rng = np.random.default_rng(2)
    weights = [None, None]
    if weighted:
        weights = [np.float32(rng.uniform(size=(*x.shape[:3], 1)) > 0.4) for x in (here, there)]
    transport = maps.get(name)
    moved = transport.move(here, transport.measure(there, weights[1]), weights[0])
    mean, covariance = moments(moved, weights[0])
    wanted_mean, wanted = moments(there, weights[1])
    size = np.abs(wanted).max()
    # Sorted values are known to a bin, and along the last basis.
    tolerance = 0.02 if name == "sliced_wasserstein" else 1e-4
    np.testing.assert_allclose(mean, wanted_mean, atol=tolerance * np.sqrt(size))
    if name == "channel_moments":
        covariance, wanted = np.diag(covariance), np.diag(wanted)
    np.testing.assert_allclose(covariance, wanted, atol=tolerance * size)


def test_the_optimal_map_is_the_gradient_of_a_convex_function_and_costs_the_distance():
    here, there = cloud(40, 50), cloud(60, 30, seed=1)
    transport = maps.get("gaussian_w2")
    moved = vectors(transport.move(here, transport.measure(there)))
    before = vectors(here)
    matrix = np.linalg.lstsq(before - before.mean(0), moved - moved.mean(0), rcond=None)[0].T
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-4)
    assert np.linalg.eigvalsh(matrix).min() > 0
    (mean, a), (wanted_mean, b) = moments(here), moments(there)
    root = scipy.linalg.sqrtm(a)
    bures = np.trace(a) + np.trace(b) - 2 * np.trace(scipy.linalg.sqrtm(root @ b @ root))
    cost = np.mean(np.sum((moved - before) ** 2, axis=1))
    assert cost == pytest.approx(np.sum((mean - wanted_mean) ** 2) + bures.real, rel=1e-4)
    for other in ("mean_covariance", "sliced_wasserstein"):
        transport = maps.get(other)
        by_other = vectors(transport.move(here, transport.measure(there)))
        assert np.mean(np.sum((by_other - before) ** 2, axis=1)) > cost


def test_sorted_projections_have_the_targets_quantiles_along_each_axis():
    here, there = cloud(50, 60), cloud(60, 50, seed=1)
    transport = maps.Sliced(directions=18, levels=512, seed=3)
    moved = transport.move(here, transport.measure(there))
    basis = transport.bases(6)[-1].numpy()
    np.testing.assert_allclose(basis.T @ basis, np.eye(6), atol=1e-5)
    ranks = np.linspace(0.02, 0.98, 97)
    ours, wanted = (np.quantile(vectors(x) @ basis, ranks, axis=0) for x in (moved, there))
    np.testing.assert_allclose(ours, wanted, atol=0.02 * vectors(there).std())
    assert len(transport.bases(6)) == 3 and transport.seeded(4).draws


def test_a_blend_lies_between_and_a_flat_content_is_not_blown_up():
    pictures = [cloud(20, 30, seed=seed) for seed in (1, 2)]
    for name in NAMES:
        transport = maps.get(name)
        target = transport.target(pictures, [0.25, 0.75])
        mean = moments(transport.move(cloud(20, 30), target))[0]
        wanted = 0.25 * moments(pictures[0])[0] + 0.75 * moments(pictures[1])[0]
        np.testing.assert_allclose(mean, wanted, atol=0.05)
        flat = transport.move(1 + 1e-6 * cloud(8, 8), target).numpy()
        assert np.ptp(flat, axis=(1, 2)).max() < 0.05
        np.testing.assert_allclose(flat[0, 0, 0], wanted, atol=0.05)


@pytest.mark.parametrize("statistic", ["gram", "discriminator", tf.Module()])
def test_statistics_without_a_map_are_refused(statistic):
    with pytest.raises(ValueError, match="^statistic: expected one of channel_moments, .* receiv"):
        maps.get(statistic)
