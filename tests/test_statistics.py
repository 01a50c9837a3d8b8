"""Each style statistic against NumPy and SciPy in float64, and against closed forms."""

import numpy as np
import pytest
import scipy.linalg
import scipy.special
import scipy.stats
import tensorflow as tf

from tfstyle import statistics
from tfstyle.statistics.gaussian_w2 import squared_bures
from tfstyle.statistics.nearest import positions_of
from tfstyle.statistics.sliced_wasserstein import SlicedWasserstein

BIN = 1 / 1000  # of the range of a projection: unsorted within it


def vectors(count, channels=5, seed=0):
    """Feature vectors `[N, C]` of both signs, correlated, with another mean in each channel."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((channels, channels))
    return rng.standard_normal((count, channels)) @ mixing + rng.standard_normal(channels)


def as_map(rows, dtype=tf.float32):
    return tf.cast(tf.constant(np.float32(rows)[None, None]), dtype)


def distance(name, rows, target):
    statistic = statistics.get(name)
    return float(statistic.distance(*(statistic.measure(as_map(x)) for x in (rows, target))))


def squared(difference):
    return np.sum(np.square(difference))


def second_moments(rows):
    return rows.T @ rows / len(rows)


def covariance(rows):
    return second_moments(rows - rows.mean(0))


def bures(a, b):
    """tr A + tr B - 2 tr (A^{1/2} B A^{1/2})^{1/2}."""
    root = scipy.linalg.sqrtm(a)
    return np.trace(a + b - 2 * scipy.linalg.sqrtm(root @ b @ root)).real


def directions(channels, count, seed):
    drawn = tf.random.stateless_normal((channels, count), (seed, 0)).numpy().astype(np.float64)
    return drawn / np.linalg.norm(drawn, axis=0)


def means_of_shares(ascending, levels):
    """`[N, D]` -> `[K, D]`: every sample is cut into K pieces, then N pieces make a share."""
    pieces = np.repeat(ascending, levels, axis=0)
    return pieces.reshape(levels, len(ascending), -1).mean(axis=1)


def quantiles(rows, levels, count=128, seed=0):
    ascending = np.sort(rows @ directions(rows.shape[1], count, seed), axis=0)
    return means_of_shares(ascending, levels).T


def roots(rows):
    return [np.mean(np.abs(rows) ** k, axis=0) ** (1 / k) for k in (1, 2, 3, 4)]


def of_mean_and_covariance(rows, target):
    size = squared(target.mean(0))
    means = squared(rows.mean(0) - target.mean(0)) / size
    centred = squared(covariance(rows) - covariance(target))
    return means + centred / (squared(covariance(target)) + (1e-3 * size) ** 2)


def of_gaussians(rows, target):
    squares = np.mean(target**2, axis=0)
    ridge = (1e-4 * squares.mean() + 1e-6 * squares.max()) * np.eye(len(squares))
    means = squared(rows.mean(0) - target.mean(0))
    return means + bures(covariance(rows) + ridge, covariance(target) + ridge)


def cosine_distances(rows, target):
    """Of all pairs, from the target's mean; a product of all with all."""
    here, there = (each - target.mean(0) for each in (rows, target))
    here, there = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (here, there))
    return 1 - here @ there.T


def of_nearest(rows, target):
    pairs = cosine_distances(rows, target)
    # The 1024 samples of 143 positions are each of them 7 or 8 times, along the same sequence.
    weights = [
        np.bincount((np.arange(1024) * 0.6180339887498949 % 1 * n).astype(int), minlength=n) / 1024
        for n in pairs.shape
    ]
    nearest = pairs.min(1) @ weights[0] + pairs.min(0) @ weights[1]
    return 0.03 * nearest + of_mean_and_covariance(rows, target)


def autocorrelations(maps, reach=16):
    """Means of f(x) f(x + d), `[h, w, C]` -> `[d_y, d_x, C]`, by rolling the map."""
    return np.array(
        [
            [
                np.mean(maps * np.roll(maps, (-down, -right), (0, 1)), axis=(0, 1))
                for right in range(reach + 1)
            ]
            for down in range(-reach, reach + 1)
        ]
    )


def of_shifts(rows, target):
    """Of maps of one row, as `as_map` makes them."""
    grams = [second_moments(each) for each in (rows, target)]
    shifted = [autocorrelations((each - each.mean(0))[None]) for each in (rows, target)]
    for each in shifted:
        each[16, 0] = 0
    flat = (1e-3 * squared(target.mean(0))) ** 2
    of_gram = squared(grams[0] - grams[1]) / squared(grams[1])
    return of_gram + 0.01 * squared(shifted[0] - shifted[1]) / (squared(shifted[1]) + flat)


DISTANCES = {
    "gram": lambda rows, target: squared(second_moments(rows) - second_moments(target)),
    "mean": lambda rows, target: squared(rows.mean(0) - target.mean(0)),
    "mean_covariance": of_mean_and_covariance,
    "channel_moments": lambda rows, target: squared(np.subtract(roots(rows), roots(target))),
    "gaussian_w2": of_gaussians,
    "sliced_wasserstein": lambda rows, target: np.mean(
        (quantiles(rows, 256) - quantiles(target, 256)) ** 2
    ),
    "nearest": of_nearest,
    "long_range": of_shifts,
}


@pytest.mark.parametrize("name", statistics.STATISTICS)
@pytest.mark.parametrize("counts", [(143, 143), (300, 97)])
def test_distance_against_numpy(name, counts):
    here, there = (vectors(count, seed=seed) for seed, count in enumerate(counts))
    tolerance = 1e-4 if name == "sliced_wasserstein" else 2e-6  # its bins
    expected = DISTANCES[name](np.float32(here).astype(float), np.float32(there).astype(float))
    np.testing.assert_allclose(distance(name, here, there), expected, rtol=tolerance)


# --- moments -----------------------------------------------------------------------------------

MEASURES = {
    "gram": second_moments,
    "mean": lambda rows: rows.mean(0),
    "mean_covariance": lambda rows: (rows.mean(0), second_moments(rows)),
    "channel_moments": lambda rows: [np.mean(np.abs(rows) ** k, axis=0) for k in (1, 2, 3, 4)],
    "gaussian_w2": lambda rows: (rows.mean(0), second_moments(rows)),
}


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-6), ("bfloat16", 2**-8)])
def test_moments_against_numpy(name, dtype, tolerance):
    features = as_map(vectors(143), dtype)
    measured = tf.nest.flatten(statistics.get(name).measure(features))
    expected = MEASURES[name](tf.cast(features, tf.float64).numpy()[0, 0])
    for ours, theirs in zip(measured, expected if len(measured) > 1 else [expected], strict=True):
        assert ours.dtype == tf.float32
        np.testing.assert_allclose(ours, theirs, atol=tolerance * np.abs(theirs).max())


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("bfloat16", 2**-6)])
def test_gram_gradient_against_its_formula_and_tensorflow(dtype, tolerance):
    values = as_map(vectors(63), dtype)
    upstream = np.random.default_rng(1).standard_normal((5, 5)).astype(np.float32)  # not symmetric

    def plain(values):
        rows = tf.reshape(tf.cast(values, tf.float32), [-1, 5])
        return tf.matmul(rows, rows, transpose_a=True) / rows.shape[0]

    gradients = []
    for measure in (statistics.get("gram").measure, plain):
        with tf.GradientTape() as tape:
            tape.watch(values)
            measured = measure(values)
        gradients.append(tape.gradient(measured, values, upstream))
    assert gradients[0].dtype == values.dtype and gradients[0].shape == values.shape
    ours, automatic = (tf.cast(gradient, tf.float32).numpy() for gradient in gradients)
    rows = tf.cast(values, tf.float32).numpy().reshape(-1, 5)
    formula = (rows @ (upstream + upstream.T) / len(rows)).reshape(values.shape)
    largest = np.abs(formula).max()
    np.testing.assert_allclose(ours, formula, atol=tolerance * largest)
    np.testing.assert_allclose(ours, automatic, atol=tolerance * largest)


def test_a_small_covariance_beside_a_large_mean_keeps_its_digits():
    rows = 1e-2 * vectors(500) + 10
    mean, second = statistics.get("gaussian_w2").measure(as_map(rows))
    expected = covariance(np.float32(rows).astype(float))
    ours = (second - np.outer(mean, mean)).numpy()
    # One rounding of the squared mean, 100, to float32.
    np.testing.assert_allclose(ours, expected, atol=2 * 100 * 2.0**-24)


@pytest.mark.parametrize("here, there", [(0.7, 0.2), (-3.0, 1.0), (0.0, 2.0)])
def test_channel_moments_of_constants(here, there):
    # All four orders of a constant are its magnitude.
    expected = 4 * 6 * (abs(here) - abs(there)) ** 2
    ours = distance("channel_moments", np.full((9, 6), here), np.full((5, 6), there))
    # At 0 the root is that of EPSILON: a thousandth for the fourth order.
    np.testing.assert_allclose(ours, expected, rtol=1e-5 if here else 2e-3)


def test_channel_moments_of_the_exponential_distribution():
    count = 200_000
    rows = -np.log1p(-(np.arange(count) + 0.5) / count)[:, None]
    measured = statistics.get("channel_moments").measure(as_map(rows))
    np.testing.assert_allclose(measured[:, 0], scipy.special.factorial([1, 2, 3, 4]), rtol=6e-3)
    expected = sum(scipy.special.factorial(k) ** (2 / k) for k in (1, 2, 3, 4))
    ours = distance("channel_moments", rows, np.zeros((1, 1)))
    np.testing.assert_allclose(ours, expected, rtol=3e-3)


def test_channel_moments_do_not_know_which_channels_go_together():
    rows, rng = vectors(200), np.random.default_rng(1)
    apart = np.stack([rng.permutation(channel) for channel in rows.T], axis=1)
    assert distance("channel_moments", apart, rows) < 1e-10
    assert distance("gram", apart, rows) > 0.01 * squared(second_moments(rows))


def test_mean_and_covariance_weigh_the_same_in_any_unit():
    """Doubled features are wrong by 1 in the means and by 9 in the covariance."""
    rows = vectors(200)
    for unit in (0.1, 1, 30):
        ours = distance("mean_covariance", 2 * unit * rows, unit * rows)
        np.testing.assert_allclose(ours, 1 + 9, rtol=1e-3)


# --- Gaussians ---------------------------------------------------------------------------------


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


# --- nearest neighbours ------------------------------------------------------------------------


def test_neighbours_see_a_missing_kind_of_vector():
    """Of the two clusters the image has one: the way back, from style to image, counts it."""
    rng = np.random.default_rng(0)
    left, right = (0.1 * rng.standard_normal((200, 5)) + sign * np.eye(5)[0] for sign in (1, -1))
    both = np.concatenate([left, right])
    pairs = cosine_distances(left, both)
    moments = distance("mean_covariance", left, both)
    ours = (distance("nearest", left, both) - moments) / 0.03
    np.testing.assert_allclose(ours, pairs.min(1).mean() + pairs.min(0).mean(), rtol=0.05)
    assert pairs.min(1).mean() < 0.01 < 0.5 < ours


@pytest.mark.parametrize("parts", [(0.25, 0.75), (0.0, 1.0), (0.5, 0.3, 0.2)])
def test_neighbours_of_a_blend_are_drawn_from_each_style(parts):
    styles = [as_map(np.full((30, 3), n)) for n in range(len(parts))]
    sample = statistics.get("nearest").target(styles, list(parts))[0].numpy()
    assert sample.shape == (1024, 3)
    shares = [np.mean(sample == n) for n in range(len(parts))]
    np.testing.assert_allclose(shares, parts, atol=1e-3)


@pytest.mark.parametrize("height, width", [(256, 256), (512, 512), (96, 512)])
def test_sampled_positions_are_spread_over_the_map(height, width):
    positions = positions_of(height * width).numpy()
    assert positions.min() >= 0 and positions.max() < height * width
    assert len(np.unique(positions)) == 1024
    cells = np.stack([positions // width * 4 // height, positions % width * 4 // width])
    _, counts = np.unique(cells, axis=1, return_counts=True)
    assert len(counts) == 16 and counts.min() > 40  # of 64


# --- long range --------------------------------------------------------------------------------


@pytest.mark.parametrize("height, width", [(40, 33), (9, 50), (1, 1), (6, 7)])
def test_shifted_products_against_rolled_maps(height, width):
    maps = vectors(height * width, 3).reshape(1, height, width, 3)
    shifted = statistics.get("long_range").measure(tf.constant(maps, tf.float32))[2]
    expected = np.moveaxis(autocorrelations(np.float32(maps[0]).astype(float)), -1, 0)
    np.testing.assert_allclose(shifted, expected, atol=1e-5 * np.abs(expected).max())


def test_gradient_of_shifted_products_against_tensorflow():
    maps = tf.constant(vectors(20 * 7, 3).reshape(1, 20, 7, 3), tf.float32)
    upstream = np.random.default_rng(1).standard_normal((3, 33, 17)).astype(np.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(maps)
        ours = tf.reduce_sum(statistics.get("long_range").measure(maps)[2] * upstream)
        theirs = sum(
            tf.reduce_sum(
                tf.reduce_mean(maps[0] * tf.roll(maps[0], (-y, -x), (0, 1)), axis=(0, 1))
                * upstream[:, y + 16, x]
            )
            for y in range(-16, 17)
            for x in range(17)
        )
    ours, theirs = (tape.gradient(each, maps).numpy() for each in (ours, theirs))
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())


def test_a_period_is_seen_where_the_gram_matrix_is_blind():
    """Stripes of 8 pixels, and the same columns in another order."""
    columns = np.tile(np.repeat([0.0, 1.0], 4), 8)
    mixed = np.random.default_rng(0).permutation(columns)
    stripes, other = (
        tf.constant(np.tile(each[None, None, :, None], (1, 16, 1, 3)), tf.float32)
        for each in (columns, mixed)
    )
    distances = {}
    for name in ("gram", "long_range"):
        statistic = statistics.get(name)
        distances[name] = float(statistic.loss(other, statistic.target([stripes], [1.0])))
    assert distances["gram"] < 1e-10 and distances["long_range"] > 1e-3


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


@pytest.mark.parametrize("name", ["mean", "gaussian_w2", "sliced_wasserstein"])
def test_a_shift(name):
    rows, shift = vectors(200), np.array([0.5, -1.0, 0.0, 2.0, 0.25])
    along = shift @ directions(5, 128, 0)
    expected = np.mean(along**2) if name == "sliced_wasserstein" else squared(shift)
    np.testing.assert_allclose(distance(name, rows + shift, rows), expected, rtol=1e-4)


def test_seeded_keeps_the_other_settings():
    seeded = SlicedWasserstein(directions=5, levels=7, seed=1).seeded(3)
    measured = seeded.measure(as_map(vectors(40)))
    assert measured.shape == (5, 7)
    np.testing.assert_array_equal(
        measured, SlicedWasserstein(directions=5, levels=7, seed=3).measure(as_map(vectors(40)))
    )


# --- names -------------------------------------------------------------------------------------


def test_unknown_name():
    with pytest.raises(ValueError, match="^statistic: .*gram.*'grammar'"):
        statistics.get("grammar")


def test_an_object_is_taken_as_it_is():
    statistic = statistics.get("gram")
    assert statistics.get(statistic) is statistic
