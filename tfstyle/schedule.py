"""Sizes of the coarse-to-fine levels, and how much work is done on each."""

import itertools
import numbers
from typing import NamedTuple

from tfstyle import checks, images

MIN_LONG_SIDE = 128  # coarser starts lose the content
MIN_SHORT_SIDE = images.MIN_SIDE  # the deepest layer still sees 2 positions


class Level(NamedTuple):
    """One step of the pyramid: image size in pixels, its ratio to the final one, evaluations."""

    height: int
    width: int
    scale: float
    evaluations: int


def fit(height: int, width: int, long_side: int) -> tuple[int, int]:
    """The height and width of a picture brought to a long side, none under `MIN_SHORT_SIDE`."""
    ratio = long_side / max(height, width)
    return max(MIN_SHORT_SIDE, round(height * ratio)), max(MIN_SHORT_SIDE, round(width * ratio))


def output_size(height: int, width: int, size) -> tuple[int, int]:
    """The height and width of a result.

    Args:
        height, width: of the picture that gives it its shape.
        size: its long side in pixels, or its exact `(width, height)`.

    Raises:
        ValueError: `size` is neither, or the result too small or too large.
    """
    if isinstance(size, numbers.Integral):
        ratio = size / max(height, width)
        size = round(width * ratio), round(height * ratio)
    if not (isinstance(size, (tuple, list)) and len(size) == 2):
        raise ValueError(f"size: expected a number of pixels or (width, height), received {size!r}")
    for side in size:
        checks.integer("size", side, MIN_SHORT_SIDE)
    if size[0] * size[1] > images.MAX_PIXELS:
        received = "x".join(map(str, size))
        raise ValueError(f"size: expected at most {images.MAX_PIXELS} pixels, received {received}")
    return size[1], size[0]


def margin(height: int, width: int) -> int:
    """Pixels by which an image is made larger on each side, and cut at the end.

    At a border fewer features see a pixel than inside, and what is painted there is gaudy.
    """
    return round(max(height, width) / 32)


def with_margin(height: int, width: int) -> tuple[int, int]:
    """The height and width that are worked on for a result of that height and width."""
    extra = 2 * margin(height, width)
    return height + extra, width + extra


def level_seed(seed: int, number: int) -> int:
    """What a statistic draws from at a level: another int32 at each. `seed` may be a tensor."""
    return (seed + 1_000_003 * number) % 2**31


def levels(height: int, width: int, evaluations: int, scales: int | None) -> list[Level]:
    """Levels from coarse to fine, each twice the size of the one before.

    Coarse levels are cheap and decide the composition, so they get more: n + 1 parts of the budget
    for the first of n levels, 2 for the last.

    Args:
        height, width: of the image at the last level.
        evaluations: of the loss and its gradient, over all levels.
        scales: number of levels; `None` goes down as long as sides stay above the limits above.

    Raises:
        ValueError: no evaluations, or so many levels that the first would be too small.
    """
    checks.integer("evaluations", evaluations, 1)
    limit = 1
    while min(height, width) >= MIN_SHORT_SIDE * 2**limit:
        limit += 1
    if scales is None:
        scales = 1
        while scales < limit and max(height, width) >= MIN_LONG_SIDE * 2**scales:
            scales += 1
    checks.integer("scales", scales, 1, limit)
    parts = list(itertools.accumulate(range(scales + 1, 1, -1)))
    ends = [round(evaluations * part / parts[-1]) for part in parts]
    ratios = [2.0 ** (n + 1 - scales) for n in range(scales)]
    return [
        Level(round(height * ratio), round(width * ratio), ratio, end - start)
        for ratio, start, end in zip(ratios, [0, *ends], ends)
    ]
