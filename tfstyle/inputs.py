"""The pictures that a run begins with: loaded, checked, and known by what is in them."""

import dataclasses
import hashlib
from typing import Any, NamedTuple

import numpy as np

from tfstyle import images, levels, material
from tfstyle.material import Material


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
        material: the maps in the style's channels, or `None` where it is a mere picture.
    """

    content: np.ndarray | None
    styles: list[Style]
    init: np.ndarray | None
    size: tuple[int, int]
    material: Material | None = None

    @classmethod
    def load(
        cls,
        settings: Any,
        content: Any = None,
        style: Any = None,
        init: Any = None,
        maps: Any = None,
    ) -> "Inputs":
        """Loads the pictures of a job with those settings.

        Args:
            settings: of the job.
            content, style: what `images.load` takes; `style` may be a list.
            init: a picture, in the place of the one that the settings name.
            maps: other maps of the material that the style is, pictures by name.

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
        init = None if init is None else images.load(init, "init", background)
        styles = load_styles(settings, style, size) if "style" in settings.pictures else []
        if not maps:
            return cls(content, styles, init, size)
        if len(styles) != 1 or init is not None:
            raise ValueError(
                "maps: expected one style and noise to start from, received "
                f"{'a picture as init' if init is not None else f'{len(styles)} styles'}"
            )
        picture, kinds = material.combined(styles[0].picture, material.load(maps, background))
        return cls(content, [styles[0]._replace(picture=picture)], None, size, kinds)

    @property
    def count(self) -> int:
        """Pictures that are made together."""
        return len(self.material.names) if self.material else 1

    def noise(self, height: int, width: int, seed: int) -> np.ndarray:
        """An image to start from, the same in all maps."""
        return np.tile(images.noise(height, width, seed), (1, 1, 1, self.count))

    @property
    def pixels(self) -> int:
        """Of all pictures."""
        pictures = [self.content, self.init, *(style.picture for style in self.styles)]
        return sum(picture.size // 3 for picture in pictures if picture is not None)

    def digest(self) -> str:
        """Tells these pictures from all others."""
        pictures = [self.content, self.init, *(style.picture for style in self.styles)]
        result = hashlib.sha256(repr([style[1:] for style in self.styles]).encode())
        result.update(repr(self.material).encode() if self.material else b"")
        for picture in pictures:
            result.update(b"none" if picture is None else digest(picture).encode())
        return result.hexdigest()


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


def working_picture(
    picture: np.ndarray, size: tuple[int, int], tiling: levels.Tiling = levels.OPEN
) -> np.ndarray:
    """A picture brought to the height and width of the result, and mirrored into the margin."""
    if any(tiling.axes):
        from tfstyle import resampling

        resized = resampling.resize(picture, *size, tiling.axes).numpy()
    else:
        resized = images.resize(picture, *size)
    borders = ((border, border) for border in levels.margins(*size, tiling))
    return np.pad(resized, ((0, 0), *borders, (0, 0)), mode="reflect")
