"""The pictures that a run begins with: loaded, checked, and known by what is in them."""

import dataclasses
import hashlib
import math
from typing import Any, NamedTuple

import numpy as np

from tfstyle import images, levels, rotations


class Style(NamedTuple):
    """One example of a style.

    Attributes:
        picture: `[1, H, W, 3]` in [0, 1].
        part: in the blend.
        long_side: of the picture beside the result.
        scale: from which that follows for results of other sizes.
    """

    picture: np.ndarray
    part: float
    long_side: int
    scale: "Scale"

    @property
    def size(self) -> tuple[int, int]:
        """Height and width beside a result of the full size."""
        height, width = self.picture.shape[1:3]
        return levels.fit(height, width, self.long_side)

    def resized(self) -> np.ndarray:
        """The picture of that size."""
        return images.resize(self.picture, *self.size)


class Scale(NamedTuple):
    """How large a style is beside a result.

    Attributes:
        asked: long side of the style in pixels, or `None`: as the result, or its own if less.
        whole: its own.
        seen: long side of what is seen of it, where it was turned and cut.
    """

    asked: int | None
    whole: int
    seen: int

    def beside(self, result):
        """Long side of what is seen beside a result of that long side; an integer or a tensor."""
        side = self.asked or levels.minimum(self.whole, result)
        return side if self.seen == self.whole else levels.divide(side * self.seen, self.whole)


@dataclasses.dataclass(frozen=True)
class Inputs:
    """The pictures of a run, float32 `[1, H, W, 3]` in [0, 1].

    Attributes:
        content: as it was given, or `None`.
        styles: those with a part above 0, in each of their turns.
        init: the picture to start from, or `None`.
        size: height and width of the result.
    """

    content: np.ndarray | None
    styles: list[Style]
    init: np.ndarray | None
    size: tuple[int, int]

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
        needs_content = "content" in settings.pictures
        content = images.load(content, "content", background) if needs_content else None
        height, width = (1, 1) if content is None else content.shape[1:3]
        size = levels.output_size(height, width, settings.size)
        return cls(
            content,
            load_styles(settings, style, size) if "style" in settings.pictures else [],
            None if init is None else images.load(init, "init", background),
            size,
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


def load_styles(settings: Any, style: Any, size: tuple[int, int]) -> list[Style]:
    """The styles with a part above 0, in each of their turns.

    Args:
        settings: `style_blend`, `style_size`, `style_rotations` and `background` count.
        style: a picture, or a list or tuple of pictures (see `tfstyle.images.load`).
        size: height and width of the result.

    Raises:
        ValueError: no picture, or weights or sizes that do not fit; the message begins with the
            argument.
    """
    pictures = style if isinstance(style, (list, tuple)) else [style]
    if not pictures:
        raise ValueError("style: expected a picture or a list of pictures, received an empty list")
    background, count = images.colour(settings.background), len(pictures)
    pictures = [images.load(picture, "style", background) for picture in pictures]
    parts = _for_each("style_blend", settings.style_blend or (1.0,) * count, count)
    sizes = settings.style_size or (None,)
    sizes = _for_each("style_size", sizes * count if len(sizes) == 1 else sizes, count)
    return [
        turn
        for picture, part, asked in zip(pictures, parts, sizes)
        if part > 0
        for turn in _turns(picture, part / sum(parts), asked, size, settings.style_rotations)
    ]


def _for_each(name, values, count):
    if len(values) != count:
        raise ValueError(
            f"{name}: expected one for each of the {count} styles, received {len(values)}"
        )
    return values


def _turns(picture, part, asked, size, count):
    """A style in its turns, each with an equal share of its part."""
    turns = []
    for number in range(count):
        turned = rotations.turned(picture, number, count)
        scale = Scale(asked, max(picture.shape[1:3]), max(turned.shape[1:3]))
        turns.append(Style(turned, part / count, scale.beside(max(size)), scale))
    return turns


def digest(picture: np.ndarray) -> str:
    """A hash of the pixels and the shape."""
    return hashlib.sha256(repr(picture.shape).encode() + picture.tobytes()).hexdigest()


def working_picture(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture brought to the height and width of the result, and mirrored into the margin."""
    border = (levels.margin(*size),) * 2
    return np.pad(images.resize(picture, *size), ((0, 0), border, border, (0, 0)), mode="reflect")
