"""The pictures that a run begins with: loaded, checked, and known by what is in them."""

import dataclasses
import hashlib
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tfstyle import images, levels


class Style(NamedTuple):
    """One style: picture `[1, H, W, 3]` in [0, 1], part in the blend, long side in the result."""

    picture: np.ndarray
    part: float
    long_side: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width beside a result of the full size."""
        height, width = self.picture.shape[1:3]
        return levels.fit(height, width, self.long_side)

    def resized(self) -> np.ndarray:
        """The picture of that size."""
        return images.resize(self.picture, *self.size)


@dataclasses.dataclass(frozen=True)
class Inputs:
    """The pictures of a run, float32 `[1, H, W, 3]` in [0, 1].

    Attributes:
        content: as it was given, or `None`.
        styles: those with a part above 0.
        init: the picture to start from, or `None`.
        size: height and width of the result.
        alpha: of the content in the frame of the result, `[1, h, w, 1]`; `None` if it is opaque.
        metadata: of the content's file.
    """

    content: np.ndarray | None
    styles: list[Style]
    init: np.ndarray | None
    size: tuple[int, int]
    alpha: np.ndarray | None = None
    metadata: images.Metadata = images.Metadata()

    @classmethod
    def load(
        cls, settings: Any, content: Any = None, style: Any = None, init: Any = None
    ) -> "Inputs":
        """Loads the pictures of a job with those settings.

        Args:
            settings: of the job.
            content, style: what `images.load` takes; `style` may be a list.
            init: a picture, in the place of the one that the settings name.

        Raises:
            ValueError: a picture that cannot be used, or a number of weights that does not fit.
        """
        background = images.colour(settings.background)
        if init is None and settings.init not in settings.inits:
            init = settings.init
        given = images.read(content, "content") if "content" in settings.pictures else None
        height, width = (1, 1) if given is None else given.pixels.shape[1:3]
        size = levels.output_size(height, width, settings.size)

        def shaped(picture):
            return fitted(picture.over(background), size, settings, background)

        return cls(
            given and shaped(given),
            load_styles(settings, style, size) if "style" in settings.pictures else [],
            None if init is None else shaped(images.read(init, "init")),
            size,
            given and _alpha(given, size, settings),
            given.metadata if given else images.Metadata(),
        )

    @property
    def pixels(self) -> int:
        """Of all pictures."""
        pictures = [self.content, self.init, *(style.picture for style in self.styles)]
        return sum(math.prod(picture.shape[1:3]) for picture in pictures if picture is not None)

    def digest(self) -> str:
        """Tells these pictures from all others."""
        pictures = [self.content, self.init, *(style.picture for style in self.styles)]
        result = hashlib.sha256(repr([style[1:] for style in self.styles]).encode())
        for picture in pictures:
            result.update(b"none" if picture is None else digest(picture).encode())
        return result.hexdigest()


def fitted(
    picture: np.ndarray, size: tuple[int, int], settings: Any, fill: Sequence[float]
) -> np.ndarray:
    """A picture `[1, H, W, C]` in the shape of the result, where that does not follow from it.

    Args:
        picture: in [0, 1].
        size: height and width of the result.
        settings: `size` and `fit` count.
        fill: the colour beside a picture that is padded.
    """
    is_free = isinstance(settings.size, tuple)
    return images.fitted(picture, *size, settings.fit if is_free else "stretch", fill)


def _alpha(picture, size, settings):
    """The transparency of a picture in the frame of the result; `None` if it is opaque there."""
    alpha = picture.alpha
    if alpha is None:
        if settings.fit != "pad":
            return None
        alpha = np.ones_like(picture.pixels[..., :1])
    alpha = fitted(alpha, size, settings, (0,))
    return None if (alpha == 1).all() else images.resize(alpha, *size)


def load_styles(settings: Any, style: Any, size: tuple[int, int]) -> list[Style]:
    """The styles with a part above 0.

    Args:
        settings: `style_blend`, `style_size` and `background` count.
        style: a picture, or a list or tuple of pictures (see `tfstyle.images.load`).
        size: height and width of the result.

    Raises:
        ValueError: no picture, or weights that do not fit; the message begins with the argument.
    """
    pictures = style if isinstance(style, (list, tuple)) else [style]
    if not pictures:
        raise ValueError("style: expected a picture or a list of pictures, received an empty list")
    background, parts = images.colour(settings.background), settings.style_blend
    pictures = [images.load(picture, "style", background) for picture in pictures]
    parts = parts or (1.0,) * len(pictures)
    if len(parts) != len(pictures):
        raise ValueError(
            f"style_blend: expected one for each of the {len(pictures)} styles, "
            f"received {len(parts)}"
        )
    return [
        Style(
            picture,
            part / sum(parts),
            settings.style_size or min(max(size), max(picture.shape[1:3])),
        )
        for picture, part in zip(pictures, parts)
        if part > 0
    ]


def digest(picture: np.ndarray) -> str:
    """A hash of the pixels and the shape."""
    return hashlib.sha256(repr(picture.shape).encode() + picture.tobytes()).hexdigest()


def working_picture(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture brought to the height and width of the result, and mirrored into the margin."""
    border = (levels.margin(*size),) * 2
    return np.pad(images.resize(picture, *size), ((0, 0), border, border, (0, 0)), mode="reflect")
