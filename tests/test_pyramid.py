"""Sizes and resampling in a graph: those of `schedule` and `images`, where they are computed."""

import numpy as np
import pytest
import tensorflow as tf

from tfstyle import images, pyramid, schedule

RNG = np.random.default_rng(0)
SIZES = [tuple(map(int, RNG.integers(32, high, 2))) for high in (70, 300, 1100, 4000) * 60]
BUDGETS = [int(n) for n in RNG.integers(1, 1000, len(SIZES) - 20)] + [*range(1, 21)]


@tf.function(input_signature=[tf.TensorSpec([2], tf.int32), tf.TensorSpec([], tf.int32)])
def default_levels(size, evaluations):
    return pyramid.levels(size, evaluations, None)


def expected(size, evaluations, scales):
    """Number, height, width, scale and evaluations of the levels that have any."""
    levels = enumerate(schedule.levels(*size, evaluations, scales))
    return np.transpose([(number, *level) for number, level in levels if level.evaluations])


def test_default_levels_are_those_of_the_schedule():
    counts = set()
    for size, evaluations in zip(SIZES, BUDGETS):
        wanted = expected(size, evaluations, None)
        np.testing.assert_array_equal(default_levels(size, evaluations), wanted, str(size))
        counts.add(wanted.shape[1])
    assert counts == {1, 2, 3, 4, 5}  # 3999 = 31 * 128 + 31


@pytest.mark.parametrize("scales", [1, 2, 3, 4])
def test_levels_of_a_given_number_are_those_of_the_schedule(scales):
    sizes = [size for size in SIZES if min(size) >= 32 * 2 ** (scales - 1)]
    assert len(sizes) > 50
    levels = tf.function(lambda size, budget: pyramid.levels(size, budget, scales))
    for size, evaluations in zip(sizes, BUDGETS):
        got = levels(tf.constant(size), tf.constant(evaluations))
        np.testing.assert_array_equal(got, expected(size, evaluations, scales), str(size))


@pytest.mark.parametrize("size", [(64, 64), (127, 300), (32, 400), (63, 63)])
def test_more_scales_than_a_size_allows(size):
    allowed = 2 if min(size) >= 64 else 1
    assert len(pyramid.levels(tf.constant(size), 9, allowed).number) == allowed
    message = f"image: expected a size that allows {allowed + 1} scales, received"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        pyramid.levels(tf.constant(size), 9, allowed + 1)


def test_types_of_the_levels():
    number, height, width, scale, evaluations = default_levels((300, 200), 9)
    assert {x.dtype for x in (number, height, width, evaluations)} == {tf.int32}
    assert scale.dtype == tf.float64


@pytest.mark.parametrize("long_side", [1, 31, 47, 128, 333, 1024])
def test_fit_is_that_of_the_schedule(long_side):
    fit = tf.function(pyramid.fit)
    for size in SIZES[::3]:
        wanted = schedule.fit(*size, long_side)
        np.testing.assert_array_equal(fit(tf.constant(size), tf.constant(long_side)), wanted)


def test_margin_is_that_of_the_schedule():
    # Halves, 16 and 48 of 32, go to the even neighbour.
    for size in [*SIZES, (48, 32), (80, 48), (112, 112)]:
        assert pyramid.margin(tf.constant(size)) == schedule.margin(*size), size


@pytest.mark.parametrize(
    "long_side, scale, result",
    [(512, 0.25, 128), (333, 0.5, 166), (335, 0.5, 168), (5, 0.0625, 1), (1, 1.0, 1)],
)
def test_a_long_side_at_another_scale(long_side, scale, result):
    shrunk = pyramid.shrunk(tf.constant(long_side), tf.constant(scale, tf.float64))
    assert shrunk == result and shrunk.dtype == tf.int32


@pytest.mark.parametrize(
    "before, after",
    [
        ((40, 70), (40, 70)),
        ((40, 70), (20, 35)),
        ((41, 67), (82, 134)),
        ((64, 33), (32, 32)),
        ((200, 150), (32, 37)),
        ((33, 33), (100, 47)),
    ],
)
def test_resize_is_that_of_images(before, after):
    image = np.random.default_rng(1).random((1, *before, 3), np.float32)
    resize = tf.function(pyramid.resize, input_signature=[IMAGE, tf.TensorSpec([2], tf.int32)])
    resized = resize(image, after).numpy()
    np.testing.assert_allclose(resized, images.resize(image, *after), atol=1e-5)
    assert resized.min() >= 0 and resized.max() <= 1


IMAGE = tf.TensorSpec([1, None, None, 3], tf.float32)


@pytest.mark.parametrize("border", [0, 1, 7])
def test_reflect_is_that_of_numpy(border):
    image = np.random.default_rng(2).random((1, 12, 9, 3), np.float32)
    reflect = tf.function(pyramid.reflect, input_signature=[IMAGE, tf.TensorSpec([], tf.int32)])
    wanted = np.pad(image, ((0, 0), (border,) * 2, (border,) * 2, (0, 0)), mode="reflect")
    np.testing.assert_array_equal(reflect(image, border), wanted)
