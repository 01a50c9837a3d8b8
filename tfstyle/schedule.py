"""Sizes of the coarse-to-fine levels, and how much work is done on each."""

from typing import NamedTuple

from tfstyle import images

MIN_LONG_SIDE = 128  # starting below it erases the content: few pixels, but free to move
MIN_SHORT_SIDE = images.MIN_SIDE  # the deepest layer still sees 2 positions


class Level(NamedTuple):
    """One step of the pyramid: image size in pixels, its ratio to the final one, evaluations."""

    height: int
    width: int
    scale: float
    evaluations: int


def fit(height: int, width: int, size) -> tuple[int, int]:
    """The height and width of a picture brought to `size`.

    Args:
        height, width: of the picture.
        size: its new long side (the shape is kept), or exactly `(width, height)`.
    """
    if not isinstance(size, int):
        width, height = size
        return height, width
    ratio = size / max(height, width)
    return max(MIN_SHORT_SIDE, round(height * ratio)), max(MIN_SHORT_SIDE, round(width * ratio))


def levels(height: int, width: int, evaluations: int, scales: int | None) -> list[Level]:
    """Levels from coarse to fine, each twice the size of the one before.

    Coarse levels are cheap and decide the composition, so they get more: n + 1 parts of the budget
    for the first of n levels, 2 for the last.

    Args:
        height, width: of the final image.
        evaluations: of the loss and its gradient, over all levels.
        scales: number of levels; `None` goes down as long as sides stay above the limits above.

    Raises:
        ValueError: the final image is too small or large, or the first level would be too small.
    """
    if min(height, width) < MIN_SHORT_SIDE or height * width > images.MAX_PIXELS:
        raise ValueError(
            f"size: expected sides of at least {MIN_SHORT_SIDE} and at most {images.MAX_PIXELS} "
            f"pixels, received {width}x{height}"
        )
    limit = 1
    while min(height, width) >= MIN_SHORT_SIDE * 2**limit:
        limit += 1
    if scales is None:
        scales = 1
        while scales < limit and max(height, width) >= MIN_LONG_SIDE * 2**scales:
            scales += 1
    if not 1 <= scales <= limit:
        raise ValueError(f"scales: expected 1 to {limit} for {width}x{height}, received {scales}")
    shares = [evaluations * (n + 1) / sum(range(2, scales + 2)) for n in range(scales, 0, -1)]
    ends = [round(sum(shares[: n + 1])) for n in range(scales)]
    ratios = [2.0 ** (n + 1 - scales) for n in range(scales)]
    return [
        Level(round(height * ratio), round(width * ratio), ratio, end - start)
        for ratio, start, end in zip(ratios, [0, *ends], ends)
    ]
