"""A picture turned about its centre, and cut so that nothing is filled in."""

import math

import numpy as np
from PIL import Image


def turned(picture: np.ndarray, number: int, count: int) -> np.ndarray:
    """A picture turned counterclockwise by `number` of `count` equal parts of a full turn.

    By right angles it is exact. Otherwise it is interpolated by cubics and cut to the largest
    upright rectangle that lies inside.

    Args:
        picture: float32 `[1, H, W, 3]` in [0, 1].
        number, count: integers, 0 <= number < count.
    """
    quarters, rest = divmod(4 * number, count)
    upright = np.rot90(picture, quarters, axes=(1, 2))
    if not rest:
        return np.ascontiguousarray(upright)
    angle = math.pi / 2 * rest / count
    height, width = upright.shape[1:3]
    # A pixel less on each side, for those that lie across the border.
    across, up = (max(1, int(side) - 2) for side in inscribed(width, height, angle))
    sine, cosine = math.sin(angle), math.cos(angle)
    right, down = across / 2, up / 2
    affine = (
        *(cosine, -sine, width / 2 - cosine * right + sine * down),
        *(sine, cosine, height / 2 - sine * right - cosine * down),
    )
    channels = [
        np.asarray(
            Image.fromarray(channel).transform(
                (across, up), Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC
            )
        )
        for channel in np.moveaxis(upright[0], -1, 0)
    ]
    return np.clip(np.stack(channels, axis=-1), 0, 1)[np.newaxis]  # cubics overshoot at edges


def inscribed(width: float, height: float, angle: float) -> tuple[float, float]:
    """Width and height of the largest upright rectangle in one that is turned by `angle`.

    Args:
        width, height: of the turned rectangle.
        angle: above 0 and below a right angle, in radians.
    """
    sine, cosine = math.sin(angle), math.cos(angle)
    short, long = min(width, height), max(width, height)
    if short <= 2 * sine * cosine * long or math.isclose(sine, cosine):
        # Two corners lie on one long side; the others stay inside.
        sides = short / 2 / sine, short / 2 / cosine
        return sides if width >= height else sides[::-1]
    double = cosine**2 - sine**2
    return (
        (width * cosine - height * sine) / double,
        (height * cosine - width * sine) / double,
    )
