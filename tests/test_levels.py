"""Sizes and budgets of the levels, in closed form."""

import fractions
import re

import numpy as np
import pytest
import tensorflow as tf

from tfstyle import levels
from tfstyle.settings import StylizeSettings


@pytest.mark.parametrize(
    "height, width, size, expected",
    [
        (600, 800, 400, (300, 400)),  # an integer is the long side; the shape is kept
        (800, 600, 400, (400, 300)),
        (100, 100, 512, (512, 512)),
        (300, 1000, 500, (150, 500)),
        (333, 500, 100, (67, 100)),  # 66.6 is rounded
        (50, 1000, 500, (32, 500)),  # no side under what the deepest layer needs
    ],
)
def test_fit(height, width, size, expected):
    assert levels.fit(height, width, size) == expected


@pytest.mark.parametrize(
    "size, expected",
    [(400, (300, 400)), ((70, 45), (45, 70)), ((512, 384), (384, 512)), (800, (600, 800))],
)
def test_output_size(size, expected):
    assert levels.output_size(600, 800, size) == expected  # a pair is (width, height)


@pytest.mark.parametrize(
    "size", [31, 0, -64, "64", 64.5, (64,), (64, 31), (500.5, 500), (20000, 20000), None, True]
)
def test_impossible_size(size):
    with pytest.raises(ValueError, match="^size: expected"):
        StylizeSettings(size=size)


@pytest.mark.parametrize("height, width", [(600, 800), (40, 2600), (2600, 40), (501, 777)])
def test_a_result_that_is_too_thin_and_the_size_that_is_enough(height, width):
    with pytest.raises(ValueError, match=f"^size: .*received 40 .* {width}x{height}: ") as caught:
        levels.output_size(height, width, 40)
    enough = int(re.search(r"(\d+) is enough", str(caught.value))[1])
    assert min(levels.output_size(height, width, enough)) == 32


@pytest.mark.parametrize(
    "size, expected", [((512, 512), (544, 544)), ((384, 512), (416, 544)), ((32, 64), (36, 68))]
)
def test_margin_is_a_32nd_of_the_long_side(size, expected):
    assert levels.with_margin(*size) == expected


def test_default_levels_of_512_pixels():
    # Shares of 225: 4, 3 and 2 ninths.
    assert levels.levels(512, 512, 225, None) == [
        (0, 128, 128, 4, 100),
        (1, 256, 256, 2, 75),
        (2, 512, 512, 1, 50),
    ]


@pytest.mark.parametrize(
    "height, width, count",
    [
        (64, 64, 1),
        (255, 255, 1),
        (256, 256, 2),  # starts at 128
        (511, 511, 2),
        (512, 512, 3),
        (1024, 1024, 4),
        (100, 1000, 2),  # a third level would have a short side of 25
        (40, 4000, 1),
    ],
)
def test_default_number_of_levels(height, width, count):
    found = levels.levels(height, width, 100, None)
    assert len(found) == count
    assert min(found[0].height, found[0].width) >= levels.MIN_SHORT_SIDE


@pytest.mark.parametrize("height, width", [(512, 384), (333, 517), (1000, 128)])
@pytest.mark.parametrize("evaluations", [1, 10, 97, 300])
@pytest.mark.parametrize("scales", [None, 1, 2, 3])
def test_levels_double_and_add_up(height, width, evaluations, scales):
    found = levels.levels(height, width, evaluations, scales)
    assert found[-1][1:4] == (height, width, 1)
    assert sum(level.evaluations for level in found) == evaluations
    assert all(level.evaluations >= 0 for level in found)
    for coarse, fine in zip(found, found[1:]):
        assert coarse.shrink == 2 * fine.shrink and fine.number == coarse.number + 1
        assert coarse.evaluations >= fine.evaluations - 1  # but for rounding
        assert abs(fine.height - 2 * coarse.height) <= 1 and abs(fine.width - 2 * coarse.width) <= 1


@pytest.mark.parametrize("scales", [4, 100])
def test_impossible_number_of_levels(scales):
    message = f"^scales: expected an integer from 1 to 3 for 200x130 pixels, received {scales}$"
    with pytest.raises(ValueError, match=message):
        levels.levels(130, 200, 100, scales)


@pytest.mark.parametrize("name", ["scales", "evaluations"])
@pytest.mark.parametrize("value", [0, -1, 2.5, True])
def test_impossible_counts(name, value):
    with pytest.raises(ValueError, match=f"^{name}: expected an integer .*received {value}$"):
        StylizeSettings(**{name: value})


def test_levels_are_rounded():
    assert levels.levels(335, 519, 10, 2)[0][1:3] == (168, 260)


def test_one_level_is_always_possible():
    assert levels.levels(32, 32, 5, 1) == [(0, 32, 32, 1, 5)]


def test_division_rounds_as_python_rounds_fractions():
    for a in range(200):
        for b in range(1, 40):
            assert levels.divide(a, b) == round(fractions.Fraction(a, b))


def test_comparisons_by_arithmetic():
    for a in range(30):
        for b in range(1, 30):
            assert levels.reaches(a, b) == (a >= b)
            assert levels.maximum(a, b) == max(a, b) and levels.minimum(a, b) == min(a, b)


@pytest.mark.parametrize("size, scales", [((100, 70), 2), ((517, 333), 3), ((64, 64), 1)])
def test_frames_are_the_result_at_every_level(size, scales):
    whole = levels.with_margin(*size)
    for level in levels.levels(*whole, 9, scales):
        top, left, height, width = levels.frame(level, *size)
        assert height == level.height - 2 * top and width == level.width - 2 * left
        assert abs(height * level.shrink - size[0]) <= 2 * level.shrink
        assert abs(width * level.shrink - size[1]) <= 2 * level.shrink
    assert (height, width) == size and top == left == levels.margin(*size)


# --- the same rules in a graph -----------------------------------------------------------------

RNG = np.random.default_rng(0)
SIZES = [tuple(map(int, RNG.integers(32, high, 2))) for high in (70, 300, 1100, 4000) * 60]
BUDGETS = [int(n) for n in RNG.integers(1, 1000, len(SIZES) - 20)] + [*range(1, 21)]
INTEGER = tf.TensorSpec([], tf.int32)


@tf.function(input_signature=[INTEGER] * 4)
def levels_in_a_graph(height, width, evaluations, scales):
    count = tf.where(scales > 0, scales, levels.default_count(height, width))
    made = tf.map_fn(
        lambda number: tf.stack(levels.level(number, count, height, width, evaluations)),
        tf.range(count),
    )
    return made, levels.largest_count(height, width)


@pytest.mark.parametrize("scales", [None, 1, 2, 3, 4])
def test_levels_in_a_graph_are_those_of_python(scales):
    sizes = [size for size in SIZES if min(size) >= 32 * 2 ** ((scales or 1) - 1)]
    counts = set()
    for size, evaluations in zip(sizes, BUDGETS):
        wanted = levels.levels(*size, evaluations, scales)
        made, largest = levels_in_a_graph(*size, evaluations, scales or 0)
        np.testing.assert_array_equal(made, wanted, str(size))
        assert made.dtype == tf.int32 and largest == levels.largest_count(*size)
        counts.add(len(wanted))
    assert counts == ({1, 2, 3, 4, 5} if scales is None else {scales})  # 3999 = 31 * 128 + 31


def test_sizes_in_a_graph_are_those_of_python():
    specs = [INTEGER] * 3
    rules = tf.function(
        lambda h, w, side: (levels.fit(h, w, side), levels.with_margin(h, w)), input_signature=specs
    )
    # Halves, 16 and 48 of 32, go to the even neighbour.
    for size in [*SIZES[::3], (48, 32), (80, 48), (112, 112)]:
        for side in (1, 31, 128, 333):
            fitted, whole = rules(*size, side)
            assert tuple(map(int, fitted)) == levels.fit(*size, side)
            assert tuple(map(int, whole)) == levels.with_margin(*size)


def test_level_seeds_in_a_graph_are_those_of_python():
    for seed in (0, 1, 2**31 - 1):
        for number in (0, 3):
            in_graph = levels.level_seed(tf.constant(seed, tf.int64), tf.constant(number, tf.int64))
            assert int(in_graph) == levels.level_seed(seed, number) < 2**31
