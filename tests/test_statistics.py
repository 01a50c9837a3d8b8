"""Each style statistic against NumPy and SciPy in float64, and against closed forms."""

import numpy as np
import pytest
import scipy.linalg
import scipy.special
import scipy.stats
import tensorflow as tf

from tfstyle import statistics
from tfstyle.statistics.nearest import lattice


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
    nearest = pairs.min(1).mean() + pairs.min(0).mean()
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


@pytest.mark.parametrize("name", ["mean", "gaussian_w2", "sliced_wasserstein"])
def test_a_shift(name):
    rows, shift = vectors(200), np.array([0.5, -1.0, 0.0, 2.0, 0.25])
    along = shift @ directions(5, 128, 0)
    expected = np.mean(along**2) if name == "sliced_wasserstein" else squared(shift)
    np.testing.assert_allclose(distance(name, rows + shift, rows), expected, rtol=1e-4)


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


@pytest.mark.parametrize(
    "height, width, count, period",
    [
        (24, 40, 960, 1),
        (64, 64, 1024, 4),
        (48, 64, 768, 4),
        (256, 256, 1024, 16),
        (512, 512, 1024, 32),
        (96, 512, 768, 16),
        (4096, 32, 1024, 16),
        (33, 61, 990, 2),
        (1, 3000, 750, 4),
    ],
)
def test_sampled_positions_are_a_lattice(height, width, count, period):
    sampled = np.zeros((height, width), int)
    np.add.at(sampled.ravel(), lattice(tf.constant(height), tf.constant(width)).numpy(), 1)
    assert sampled.max() == 1 and sampled.sum() == count
    rows, columns = (side // period * period for side in sampled.shape)
    if rows:  # all periods are alike, and none of their rows or columns has two
        tiles = sampled[:rows, :columns].reshape(rows // period, period, -1, period)
        assert np.ptp(tiles, axis=(0, 2)).max() == 0
        assert max(tiles[0, :, 0].sum(axis).max() for axis in (0, 1)) <= 1


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


# --- names -------------------------------------------------------------------------------------


def test_unknown_name():
    with pytest.raises(ValueError, match="^statistic: .*gram.*'grammar'"):
        statistics.get("grammar")


def test_an_object_is_taken_as_it_is():
    statistic = statistics.get("gram")
    assert statistics.get(statistic) is statistic
