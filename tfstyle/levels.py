"""Sizes of the coarse-to-fine levels, the margin, and how much work is done on each level.

Every rule is written once, with `+ - * //` on whole numbers, which do the same to Python's integers
as to TensorFlow's: the library computes levels before a run, an exported graph while it runs.
"""

import math
from typing import Any, NamedTuple

from tfstyle import images

MIN_LONG_SIDE = 128  # coarser starts lose the content
MIN_SHORT_SIDE = images.MIN_SIDE  # the deepest layer still sees 2 positions
MAX_LEVELS = 20  # more doublings than any picture has


class Level(NamedTuple):
    """One level of the pyramid: integers of Python, or scalars of TensorFlow.

    Attributes:
        number: its place, 0 for the coarsest.
        height, width: of the image in pixels.
        shrink: how many times smaller than the last level it is, a power of 2.
        evaluations: budget.
    """

    number: Any
    height: Any
    width: Any
    shrink: Any
    evaluations: Any


class Tiling(NamedTuple):
    """How a picture continues beyond its borders: at its other side, or not at all.

    Attributes:
        rows: whether the first row follows the last.
        columns: whether the first column follows the last.
        stride: pixels, of which the sides along these axes are multiples on every level: the
            windows of pooling then close up, too.
    """

    rows: bool = False
    columns: bool = False
    stride: int = 1

    @property
    def axes(self) -> tuple[bool, bool]:
        """Whether it is tiled from top to bottom, and from left to right."""
        return self.rows, self.columns


OPEN = Tiling()


def divide(a, b):
    """The quotient of integers >= 0, rounded; halves go to the even neighbour, as in Python."""
    return (2 * a + b - 1 + a // b % 2) // (2 * b)


def reaches(a, b):
    """1 where `a >= b`, else 0, of integers `a` >= 0 and `b` > 0."""
    return 1 - 1 // (1 + a // b)


def maximum(a, b):
    """The larger one of an integer `a` >= 0 and an integer `b` > 0."""
    return b + (a - b) * reaches(a, b)


def minimum(a, b):
    """The smaller one of an integer `a` >= 0 and an integer `b` > 0."""
    return a + b - maximum(a, b)


def fit(height, width, long_side):
    """The height and width of a picture brought to a long side, none under `MIN_SHORT_SIDE`."""
    largest = maximum(height, width)
    return (
        maximum(divide(height * long_side, largest), MIN_SHORT_SIDE),
        maximum(divide(width * long_side, largest), MIN_SHORT_SIDE),
    )


def output_size(height: int, width: int, size: int | tuple[int, int]) -> tuple[int, int]:
    """The height and width of a result.

    Args:
        height, width: of the picture that gives it its shape.
        size: its long side in pixels, or its exact `(width, height)`.

    Raises:
        ValueError: the result is too small.
    """
    if isinstance(size, tuple):
        return size[1], size[0]
    ratio = size / max(height, width)
    sides = round(height * ratio), round(width * ratio)
    if min(sides) < MIN_SHORT_SIDE:
        least = math.ceil(MIN_SHORT_SIDE * max(height, width) / min(height, width))
        raise ValueError(
            f"size: expected a result of at least {MIN_SHORT_SIDE} pixels a side, received {size} "
            f"for the long side, which makes {sides[1]}x{sides[0]} of a picture of "
            f"{width}x{height}: {least} is enough, or WIDTHxHEIGHT"
        )
    return sides


def margin(height, width):
    """Pixels by which an image is made larger on each side, and cut at the end.

    At a border fewer features see a pixel than inside, and colours there come out too saturated.
    """
    return divide(maximum(height, width), 32)


def margins(height, width, tiling=OPEN):
    """The margin at the top and bottom, and that at the left and right; 0 where it is tiled."""
    border = margin(height, width)
    return tuple(0 if tiled else border for tiled in tiling.axes)


def skipped(level: Level, tiling=OPEN):
    """What is left out of the margin at the top and bottom, and at the left and right: most of it.

    The sides of the result are not known at a level; of them, the margin is one part in 32 or less.
    """
    border = maximum(level.height, level.width) // 34
    return tuple(0 if tiled else border for tiled in tiling.axes)


def with_margin(height, width, tiling=OPEN):
    """The height and width that are worked on for a result of that height and width."""
    vertical, horizontal = margins(height, width, tiling)
    return height + 2 * vertical, width + 2 * horizontal


def frame(level: Level, height: int, width: int, tiling=OPEN) -> tuple[int, int, int, int]:
    """The part of a level's image that is inside the margin: top, left, height and width.

    Args:
        level: the level.
        height, width: of the result.
        tiling: that of the run.
    """
    top, left = (divide(border, level.shrink) for border in margins(height, width, tiling))
    return top, left, level.height - 2 * top, level.width - 2 * left


def level_seed(seed, number):
    """What a statistic draws from at a level: another int32 at each."""
    return (seed + 1_000_003 * number) % 2**31


def largest_count(height, width):
    """The largest number of levels: at the first no side is below `MIN_SHORT_SIDE`."""
    return 1 + _doublings(minimum(height, width), MIN_SHORT_SIDE)


def default_count(height, width):
    """The number of levels that begin near `MIN_LONG_SIDE`."""
    return minimum(
        largest_count(height, width), 1 + _doublings(maximum(height, width), MIN_LONG_SIDE)
    )


def level(number, count, height, width, evaluations, tiling=OPEN) -> Level:
    """Level `number` of `count`, each twice the size of the one before.

    Coarse levels are cheap and decide the composition, so they get more: n + 1 parts of the budget
    for the first of n levels, 2 for the last.

    Args:
        number: from 0, the coarsest.
        count: of all levels.
        height, width: of the image at the last level.
        evaluations: of the loss and its gradient, over all levels.
        tiling: that of the run: the next multiple of its stride is worked on.
    """

    def spent(levels):  # until so many levels are done
        parts = levels * (count + 1) - levels * (levels - 1) // 2
        return divide(evaluations * parts, count * (count + 3) // 2)

    shrink = 2 ** (count - 1 - number)
    down, across = (tiling.stride if tiled else 1 for tiled in tiling.axes)
    height, width = -(-divide(height, shrink) // down), -(-divide(width, shrink) // across)
    return Level(number, height * down, width * across, shrink, spent(number + 1) - spent(number))


def levels(
    height: int, width: int, evaluations: int, scales: int | None, tiling: Tiling = OPEN
) -> list[Level]:
    """All levels of an image, coarse to fine; `scales` of them, or the default number.

    Raises:
        ValueError: so many levels that the first would be too small.
    """
    limit = largest_count(height, width)
    count = default_count(height, width) if scales is None else scales
    if count > limit:
        raise ValueError(
            f"scales: expected an integer from 1 to {limit} for {width}x{height} pixels, "
            f"received {scales}"
        )
    return [level(number, count, height, width, evaluations, tiling) for number in range(count)]


def _doublings(side, least):
    """How often `least` can be doubled without exceeding `side`."""
    return sum(reaches(side, least * 2**n) for n in range(1, MAX_LEVELS))
