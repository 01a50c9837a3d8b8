"""What every style statistic promises; then each of them against its formula in NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from tfstyle import statistics

every_statistic = pytest.mark.parametrize("name", statistics.STATISTICS)


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
    statistic = statistics.get(name)
    measured = [statistic.measure(features(*size)) for size in [(9, 7), (12, 12), (1, 1), (4, 30)]]
    assert all(shapes(other) == shapes(measured[0]) for other in measured)
    assert all(tensor.dtype == tf.float32 for tensor in tf.nest.flatten(measured))


@every_statistic
def test_distance_is_zero_to_itself_and_positive_to_others(name):
    statistic = statistics.get(name)
    here, there = (statistic.measure(features(seed=seed)) for seed in (0, 1))
    nothing = tf.nest.map_structure(tf.zeros_like, here)
    distance = statistic.distance(here, there)
    assert distance.shape == () and distance.dtype == tf.float32
    assert 0 <= relative_distance(statistic, here, here) < 1e-12
    assert distance > 0 and statistic.distance(nothing, here) > 0


@every_statistic
def test_positions_do_not_matter(name):
    statistic = statistics.get(name)
    original = features()
    rows = np.random.default_rng(1).permutation(original.numpy().reshape(-1, 5))
    shuffled = statistic.measure(tf.constant(rows.reshape(1, 7, 9, 5)))
    assert relative_distance(statistic, shuffled, statistic.measure(original)) < 1e-10


@every_statistic
def test_larger_pictures_of_the_same_texture_measure_alike(name):
    statistic = statistics.get(name)
    tiled = statistic.measure(tf.tile(features(), [1, 3, 2, 1]))
    # Sorted samples are interpolated where sizes differ.
    assert relative_distance(statistic, tiled, statistic.measure(features())) < 1e-3


@every_statistic
@pytest.mark.parametrize("value", [0.0, 0.7])
def test_gradient_is_finite_on_constant_features(name, value):
    statistic = statistics.get(name)
    constant = tf.fill([1, 6, 6, 5], value)
    with tf.GradientTape() as tape:
        tape.watch(constant)
        distance = statistic.distance(statistic.measure(constant), statistic.measure(features()))
    assert np.isfinite(distance) and np.isfinite(tape.gradient(distance, constant)).all()


@every_statistic
def test_a_gradient_step_lowers_the_distance(name):
    statistic = statistics.get(name)
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
    statistic = statistics.get(name)
    image, target = features(seed=1), statistic.measure(features(seed=0))
    direction = tf.constant(np.random.default_rng(2).standard_normal(image.shape), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(image)
        distance = statistic.distance(statistic.measure(image), target)
    gradient = tape.gradient(distance, image)
    slope = tf.reduce_sum(gradient * direction)
    h = 1e-2
    ends = [statistic.distance(statistic.measure(image + s * direction), target) for s in (-h, h)]
    # In units of what a random direction's slope is; sorting has kinks where samples change places.
    error = abs(slope - (ends[1] - ends[0]) / (2 * h)) / tf.norm(gradient)
    assert error < (0.03 if name == "sliced_wasserstein" else 0.003)


@every_statistic
def test_bfloat16_features_measure_alike(name):
    statistic = statistics.get(name)
    rounded = tf.cast(features(), tf.bfloat16)
    measured, target = (statistic.measure(x) for x in (rounded, tf.cast(rounded, tf.float32)))
    assert all(tensor.dtype == tf.float32 for tensor in tf.nest.flatten(measured))
    assert relative_distance(statistic, measured, target) < 2.0**-14  # of squares: 2^-7 each


@every_statistic
def test_same_measurement_twice(name):
    first, second = (statistics.get(name).measure(features()) for _ in range(2))
    tf.nest.map_structure(np.testing.assert_array_equal, first, second)


def numpy_gram(values):
    rows = np.asarray(values, np.float64).reshape(-1, values.shape[-1])
    return rows.T @ rows / len(rows)


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-6), ("bfloat16", 2**-8)])
def test_gram_against_numpy(dtype, tolerance):
    values = tf.cast(features(13, 11, 6), dtype)
    gram = statistics.get("gram").measure(values)
    expected = numpy_gram(tf.cast(values, tf.float32))
    np.testing.assert_allclose(gram, expected, rtol=tolerance)


def test_gram_distance_against_numpy():
    gram = statistics.get("gram")
    here, there = features(seed=0), features(6, 5, seed=1)
    expected = np.sum((numpy_gram(here) - numpy_gram(there)) ** 2)
    distance = gram.distance(gram.measure(here), gram.measure(there))
    np.testing.assert_allclose(distance, expected, rtol=1e-5)


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("bfloat16", 2**-6)])
def test_gram_gradient_against_its_formula_and_tensorflow(dtype, tolerance):
    values = tf.cast(features(), dtype)
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


def test_unknown_name():
    with pytest.raises(ValueError, match="^statistic: .*gram.*'grammar'"):
        statistics.get("grammar")


def test_an_object_is_taken_as_it_is():
    statistic = statistics.get("gram")
    assert statistics.get(statistic) is statistic
