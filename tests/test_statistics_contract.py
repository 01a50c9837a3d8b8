"""What every style statistic promises; `test_statistics.py` has each of them by itself."""

import functools

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from tfstyle import features as feature_networks
from tfstyle import losses, registry, statistics, targets
from tfstyle.settings import TextureSettings
from tfstyle.settings.choices import GATYS_LAYERS

EVERY = (*statistics.STATISTICS, *registry.PICTURE_STATISTICS)
every_statistic = pytest.mark.parametrize("name", EVERY)
of_networks = pytest.mark.parametrize("name", statistics.STATISTICS)
RANDOM = ("sliced_wasserstein",)
# Know how far apart things are, though not where.
PLACED = ("long_range", "portilla_simoncelli")
SAMPLED = ("nearest",)
MOMENTS = [n for n in EVERY if n not in (*RANDOM, *PLACED, *SAMPLED)]

# A small pyramid, for speed.
SETTINGS = TextureSettings(portilla_simoncelli_scales=2, portilla_simoncelli_angles=2)


def get(name):
    return statistics.get(name, SETTINGS)


def features(height=9, width=7, channels=5, seed=0):
    """Positive, like the features of a network after its ReLU."""
    values = np.random.default_rng(seed).gamma(1.0, 1.0, (1, height, width, channels))
    return tf.constant(values, tf.float32)


def shapes(nest):
    return [tuple(tensor.shape) for tensor in tf.nest.flatten(nest)]


def relative_distance(statistic, measured, target):
    nothing = tf.nest.map_structure(tf.zeros_like, target)
    return float(statistic.distance(measured, target) / statistic.distance(nothing, target))


@every_statistic
def test_forgets_height_and_width(name):
    statistic = get(name)
    measured = [statistic.measure(features(*size)) for size in [(9, 7), (12, 12), (1, 1), (4, 30)]]
    assert all(shapes(other) == shapes(measured[0]) for other in measured)
    assert all(tensor.dtype == tf.float32 for tensor in tf.nest.flatten(measured))


@every_statistic
def test_distance_is_zero_to_itself_and_positive_to_others(name):
    statistic = get(name)
    here, there = (statistic.measure(features(seed=seed)) for seed in (0, 1))
    nothing = tf.nest.map_structure(tf.zeros_like, here)
    distance = statistic.distance(here, there)
    assert distance.shape == () and distance.dtype == tf.float32
    assert 0 <= relative_distance(statistic, here, here) < 1e-12
    assert distance > 0 and statistic.distance(nothing, here) > 0


@pytest.mark.parametrize("name", [n for n in EVERY if n not in PLACED])
def test_positions_do_not_matter(name):
    statistic = get(name)
    original = features()
    rows = np.random.default_rng(1).permutation(original.numpy().reshape(-1, 5))
    shuffled = statistic.measure(tf.constant(rows.reshape(1, 7, 9, 5)))
    assert relative_distance(statistic, shuffled, statistic.measure(original)) < 1e-10


@every_statistic
def test_larger_pictures_of_the_same_texture_measure_alike(name):
    statistic = get(name)
    one = features(16, 16)  # which four octaves of a pyramid divide
    tiled = statistic.measure(tf.tile(one, [1, 3, 2, 1]))
    # Sorted samples are interpolated where sizes differ.
    assert relative_distance(statistic, tiled, statistic.measure(one)) < 1e-3


@every_statistic
@pytest.mark.parametrize("value", [0.0, 0.7])
@pytest.mark.parametrize("to", ["another", "itself", "from another"])
def test_gradient_is_finite_on_constant_features(name, value, to):
    statistic = get(name)
    constant = tf.fill([1, 6, 6, 5], value)
    image = features() if to == "from another" else constant
    target = statistic.measure(features() if to == "another" else constant)
    with tf.GradientTape() as tape:
        tape.watch(image)
        distance = statistic.distance(statistic.measure(image), target)
    assert np.isfinite(distance) and np.isfinite(tape.gradient(distance, image)).all()
    assert (distance < 1e-12) if to == "itself" else (distance > 0.1)


@every_statistic
def test_a_gradient_step_lowers_the_distance(name):
    statistic = get(name)
    image, target = features(seed=1), statistic.measure(features(seed=0))
    with tf.GradientTape() as tape:
        tape.watch(image)
        before = statistic.distance(statistic.measure(image), target)
    gradient = tape.gradient(before, image)
    step = 1e-3 * before / tf.reduce_sum(tf.square(gradient))  # a thousandth to first order
    after = statistic.distance(statistic.measure(image - step * gradient), target)
    np.testing.assert_allclose((before - after) / before, 1e-3, rtol=0.1)


@every_statistic
def test_gradient_against_finite_differences(name):
    statistic = get(name)
    image, target = features(seed=1), statistic.measure(features(seed=0))
    direction = tf.constant(np.random.default_rng(2).standard_normal(image.shape), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(image)
        distance = statistic.distance(statistic.measure(image), target)
    gradient = tape.gradient(distance, image)
    slope = tf.reduce_sum(gradient * direction)
    h = 1e-3 if name == "nearest" else 1e-2  # shorter than to where another is the nearest
    ends = [statistic.distance(statistic.measure(image + s * direction), target) for s in (-h, h)]
    # In units of what a random direction's slope is; sorting has kinks where samples change places.
    error = abs(slope - (ends[1] - ends[0]) / (2 * h)) / tf.norm(gradient)
    assert error < (0.03 if name in (*RANDOM, *SAMPLED) else 0.003)


@every_statistic
def test_bfloat16_features_measure_alike(name):
    statistic = get(name)
    rounded = tf.cast(features(), tf.bfloat16)
    measured, target = (statistic.measure(x) for x in (rounded, tf.cast(rounded, tf.float32)))
    assert all(tensor.dtype == tf.float32 for tensor in tf.nest.flatten(measured))
    assert relative_distance(statistic, measured, target) < 2.0**-14  # of squares: 2^-7 each


@every_statistic
def test_same_measurement_again_and_again(name):
    """Bit for bit, and in a graph that has several threads at work on several layers."""
    statistic = get(name)
    maps = [features(34, 34, 8), features(17, 17, 12)]
    measure = tf.function(lambda: [statistic.measure(each) for each in maps])
    first = measure()
    for _ in range(40):
        tf.nest.map_structure(np.testing.assert_array_equal, measure(), first)


@every_statistic
def test_size_is_the_distance_of_nothing(name):
    statistic = get(name)
    target = statistic.measure(features())
    nothing = statistic.measure(tf.zeros_like(features()))
    # Regularised by 1e-4 of the mean square, of which a Bures distance sees the root, twice.
    # And so are single bands of a pyramid.
    tolerance = 2e-2 if name in ("gaussian_w2", "portilla_simoncelli") else 1e-6
    size = statistic.size(target)
    assert size.shape == () and size.dtype == tf.float32
    np.testing.assert_allclose(size, statistic.distance(nothing, target), rtol=tolerance)


@every_statistic
def test_a_seed_decides_what_is_drawn_and_nothing_else(name):
    statistic = get(name)
    seeds = 3, tf.constant(3), 4
    first, again, other = (statistic.seeded(seed).measure(features()) for seed in seeds)
    tf.nest.map_structure(np.testing.assert_array_equal, first, again)
    assert shapes(first) == shapes(other) == shapes(statistic.measure(features()))
    if name in RANDOM:
        assert relative_distance(statistic, other, first) > 0.01
    else:
        assert statistic.seeded(3) is statistic


@every_statistic
def test_any_seed_sees_the_same_distance(name):
    """To within a tenth: 128 directions are a sample."""
    statistic = get(name)
    distances = []
    for seed in range(3):
        drawn = statistic.seeded(seed)
        here, there = (drawn.measure(x) for x in (features(), 2 * features(seed=1)))
        distances.append(drawn.distance(here, there))
    np.testing.assert_allclose(distances, np.mean(distances), rtol=0.1)


@pytest.mark.parametrize("name", MOMENTS)
@pytest.mark.parametrize("heights", [(9, 9), (4, 12)])
def test_the_mean_of_moments_is_that_of_the_mixture(name, heights):
    statistic = get(name)
    pictures = [features(height, seed=n) * (n + 1) for n, height in enumerate(heights)]
    parts = np.float32(heights) / sum(heights)
    measured = [statistic.measure(picture) for picture in pictures]
    mean = tf.nest.map_structure(lambda a, b: parts[0] * a + parts[1] * b, *measured)
    mixture = statistic.measure(tf.concat(pictures, axis=1))
    assert relative_distance(statistic, mean, mixture) < 1e-10
    assert relative_distance(statistic, measured[0], mixture) > 0.01


def test_the_mean_of_quantiles_is_the_barycentre():
    """Of N(0, 1) and N(4, 1) it is N(2, 1); their mixture has two humps."""
    statistic = statistics.get("sliced_wasserstein")
    normal = scipy.stats.norm.ppf((np.arange(2000) + 0.5) / 2000)[None, None, :, None]
    left, middle, right = (
        statistic.measure(tf.constant(normal + mean, tf.float32)) for mean in (0, 2, 4)
    )
    both = np.concatenate([normal, normal + 4], axis=2)
    mixture = statistic.measure(tf.constant(both, tf.float32))
    mean = (left + right) / 2
    np.testing.assert_allclose(mean, middle, atol=1e-2)
    # Standard deviations 1 and 5 ** 0.5, and then the shapes differ.
    assert statistic.distance(mean, mixture) > (5**0.5 - 1) ** 2


@every_statistic
def test_not_a_number_is_no_exception(name):
    statistic = get(name)
    broken = statistic.measure(float("nan") * features())
    assert np.isnan(statistic.distance(broken, statistic.measure(features())))
    assert np.isnan(statistic.distance(statistic.measure(features()), broken))


FLAT = {"grey": (0.5, 0.5, 0.5), "black": (0.0, 0.0, 0.0), "red": (0.9, 0.1, 0.2)}
TEXTURE = np.random.default_rng(0).random((1, 32, 32, 3), np.float32)


@functools.cache
def network(precision):
    return feature_networks.get("vgg19_compact", GATYS_LAYERS, precision=precision)


def flat(name):
    return np.full((1, 32, 32, 3), FLAT[name], np.float32)


@functools.cache
def through_the_network(picture, precision):
    """Features of a picture, `{layer: activations}`."""
    return network(precision)(TEXTURE if picture == "texture" else flat(picture))


@of_networks
@pytest.mark.parametrize(
    "style, other, precision",
    [
        ("grey", "black", "float32"),
        ("black", "texture", "bfloat16"),
        ("red", "grey", "bfloat16"),
        ("texture", "red", "float32"),
    ],
)
def test_flat_pictures_through_the_whole_network(name, style, other, precision):
    """Loss and gradient are finite; the loss is 0 for the style itself, and above for another."""
    statistic = get(name)
    loss = losses.StyleLoss(statistic, dict.fromkeys(GATYS_LAYERS, 1))
    target = {
        layer: statistic.measure(values)
        for layer, values in through_the_network(style, precision).items()
    }
    for picture, lowest, highest in [(style, 0, 1e-6), (other, 1e-3, np.inf)]:
        seen = through_the_network(picture, precision)
        with tf.GradientTape() as tape:
            tape.watch(seen)
            value = loss(seen, target)
        gradients = tape.gradient(value, seen)
        assert lowest <= value < highest, picture
        assert all(np.isfinite(tf.cast(x, tf.float32)).all() for x in gradients.values())


@of_networks
def test_a_blend_of_flat_pictures(name):
    """Rounding must not make its covariance indefinite."""
    statistic = get(name)
    style = flat("grey")
    parts = [0.7, 0.2, 0.1]
    styles = [(style, part) for part in parts]
    blend = targets.style(network("float32"), statistic, styles, GATYS_LAYERS, 0)
    loss = losses.StyleLoss(statistic, dict.fromkeys(GATYS_LAYERS, 1))
    assert 0 <= loss(through_the_network("grey", "float32"), blend) < 1e-5
