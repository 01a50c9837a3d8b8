"""Sizes and budgets of the levels, in closed form."""

import pytest

from tfstyle import schedule


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
    assert schedule.fit(height, width, size) == expected


@pytest.mark.parametrize(
    "size, expected",
    [(400, (300, 400)), ((70, 45), (45, 70)), ([512, 384], (384, 512)), (800, (600, 800))],
)
def test_output_size(size, expected):
    assert schedule.output_size(600, 800, size) == expected  # a pair is (width, height)


@pytest.mark.parametrize(
    "size", [31, 0, -64, 40, "64", 64.5, (64,), (64, 31), (500.5, 500), (20000, 20000), None]
)
def test_impossible_output_size(size):
    with pytest.raises(ValueError, match="^size: expected"):  # 40 x 30 is too small as well
        schedule.output_size(600, 800, size)


@pytest.mark.parametrize(
    "size, expected", [((512, 512), (544, 544)), ((384, 512), (416, 544)), ((32, 64), (36, 68))]
)
def test_margin_is_a_32nd_of_the_long_side(size, expected):
    assert schedule.with_margin(*size) == expected


def test_default_levels_of_512_pixels():
    # Shares of 225: 4, 3 and 2 ninths.
    assert schedule.levels(512, 512, 225, None) == [
        (128, 128, 0.25, 100),
        (256, 256, 0.5, 75),
        (512, 512, 1.0, 50),
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
    levels = schedule.levels(height, width, 100, None)
    assert len(levels) == count
    assert min(levels[0][:2]) >= schedule.MIN_SHORT_SIDE


@pytest.mark.parametrize("height, width", [(512, 384), (333, 517), (1000, 128)])
@pytest.mark.parametrize("evaluations", [1, 10, 97, 300])
@pytest.mark.parametrize("scales", [None, 1, 2, 3])
def test_levels_double_and_add_up(height, width, evaluations, scales):
    levels = schedule.levels(height, width, evaluations, scales)
    assert levels[-1][:3] == (height, width, 1.0)
    assert sum(level.evaluations for level in levels) == evaluations
    assert all(level.evaluations >= 0 for level in levels)
    for coarse, fine in zip(levels, levels[1:]):
        assert fine.scale == 2 * coarse.scale
        assert coarse.evaluations >= fine.evaluations - 1  # but for rounding
        assert abs(fine.height - 2 * coarse.height) <= 1 and abs(fine.width - 2 * coarse.width) <= 1


@pytest.mark.parametrize("scales", [0, -1, 4, 100])
def test_impossible_number_of_levels(scales):
    message = f"^scales: expected an integer from 1 to 3, received {scales}$"
    with pytest.raises(ValueError, match=message):
        schedule.levels(130, 200, 100, scales)


def test_levels_are_rounded():
    assert schedule.levels(335, 519, 10, 2)[0][:2] == (168, 260)


def test_one_level_is_always_possible():
    assert schedule.levels(32, 32, 5, 1) == [(32, 32, 1.0, 5)]


@pytest.mark.parametrize("evaluations", [0, -1, 2.5])
def test_impossible_budget(evaluations):
    with pytest.raises(ValueError, match=f"^evaluations: .*received {evaluations}$"):
        schedule.levels(64, 64, evaluations, None)
