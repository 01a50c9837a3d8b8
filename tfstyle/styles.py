"""The style pictures of a run: one or several, their parts in the blend, and their scale."""

import hashlib
from typing import NamedTuple

import numpy as np

from tfstyle import checks, images, schedule


class Style(NamedTuple):
    """One style: picture `[1, H, W, 3]` in [0, 1], part in the blend, long side in the result."""

    picture: np.ndarray
    part: float
    long_side: int

    def at(self, scale):
        """The picture as it is beside a result of `scale` times the full size."""
        height, width = self.picture.shape[1:3]
        fitted = schedule.fit(height, width, max(1, round(self.long_side * scale)))
        return images.resize(self.picture, *fitted)

    def key(self):
        """What tells this style from others, short enough to be kept."""
        digest = hashlib.sha256(self.picture.tobytes()).digest()
        return digest, self.picture.shape, self.part, self.long_side


def load(style, blend, long_side, size, background) -> list[Style]:
    """The styles with a part above 0.

    Args:
        style: a picture, or a list or tuple of pictures (see `tfstyle.images.load`).
        blend: a number >= 0 for each, of which only the ratios count; equal if `None`.
        long_side: of the pictures beside a result of the full size; `None` takes the result's, or
            the picture's own if that is less.
        size: height and width of the result.
        background: RGB in [0, 1] behind transparent pixels.

    Raises:
        ValueError: no picture, or weights that do not fit; the message begins with the argument.
    """
    pictures = style if isinstance(style, (list, tuple)) else [style]
    if not pictures:
        raise ValueError("style: expected a picture or a list of pictures, received an empty list")
    pictures = [images.load(picture, "style", background) for picture in pictures]
    parts = checks.weights("style_blend", blend, len(pictures), "styles")
    if long_side is not None:
        checks.integer("style_size", long_side, 1, int(images.MAX_PIXELS**0.5))
    return [
        Style(picture, part / sum(parts), long_side or min(max(size), max(picture.shape[1:3])))
        for picture, part in zip(pictures, parts)
        if part > 0
    ]
