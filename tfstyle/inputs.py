"""The pictures that a run begins with: loaded, checked, and known by what is in them."""

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tfstyle import images, levels, masks, material, rotations
from tfstyle.material import Material


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


class Style(NamedTuple):
    """One example of a style.

    Attributes:
        picture: `[1, H, W, 3]` in [0, 1].
        part: in the blend, or of the strength in regions.
        long_side: of the picture beside the result.
        scale: from which that follows for results of other sizes.
        number: of the style; its turns have the same.
        region: where the picture counts, `[1, H, W, 1]` in [0, 1], or `None` for everywhere.
        depth: bits a channel of the picture's file.
    """

    picture: np.ndarray
    part: float
    long_side: int
    scale: Scale
    number: int = 0
    region: np.ndarray | None = None
    depth: int = 8

    @property
    def key(self) -> tuple:
        """Tells it from other styles."""
        region = None if self.region is None else digest(self.region)
        return digest(self.picture), self.part, self.long_side, self.number, region

    @property
    def size(self) -> tuple[int, int]:
        """Height and width beside a result of the full size."""
        height, width = self.picture.shape[1:3]
        return levels.fit(height, width, self.long_side)

    def resized(self) -> np.ndarray:
        """The picture of that size."""
        return images.resize(self.picture, *self.size)

    def stored(self, side: int) -> tuple[np.ndarray, np.ndarray | None]:
        """The picture and its region in 8 bits, `[1, h, w, C]`, to be kept.

        Pictures of longer sides than `side`, and than they have in the result, are made smaller.
        """
        own = max(self.picture.shape[1:3])
        picture = self._replace(long_side=min(own, max(self.long_side, side))).resized()
        region = None if self.region is None else images.quantized(self.region, 8)[None]
        return images.quantized(picture, 8)[None], region


def parts_of(styles: Sequence[Style]) -> list[float]:
    """The part of each style, all of its turns together."""
    numbers = dict.fromkeys(style.number for style in styles)
    return [sum(style.part for style in styles if style.number == number) for number in numbers]


@dataclasses.dataclass(frozen=True)
class Inputs:
    """The pictures of a run, float32 `[1, H, W, 3]` in [0, 1].

    Attributes:
        content: as it was given, or `None`.
        styles: those with a part above 0, in each of their turns.
        init: the picture to start from, or `None`.
        size: height and width of the result.
        alpha: of the content in the frame of the result, `[1, h, w, 1]`; `None` if it is opaque.
        metadata: of the content's file.
        style_masks: where in the result each style is, `[1, H, W, N]`, none or adding to at most 1.
        content_mask: where the content counts, `[1, H, W, 1]`, or `None` for everywhere.
        material: the maps in the style's channels, or `None` where it is a mere picture.
    """

    content: np.ndarray | None
    styles: list[Style]
    init: np.ndarray | None
    size: tuple[int, int]
    alpha: np.ndarray | None = None
    metadata: images.Metadata = images.Metadata()
    style_masks: np.ndarray | None = None
    content_mask: np.ndarray | None = None
    material: Material | None = None

    @classmethod
    def load(
        cls,
        settings: Any,
        content: Any = None,
        style: Any = None,
        init: Any = None,
        given: dict[str, Any] | None = None,
        maps: Any = None,
    ) -> "Inputs":
        """Loads the pictures of a job with those settings.

        Args:
            settings: of the job.
            content, style: what `images.load` takes; `style` may be a list.
            init: a picture, in the place of the one that the settings name.
            given: masks in the place of those of `style_mask`, `style_region` and
                `content_mask` in the settings.
            maps: other maps of the material that the style is, pictures by name.

        Raises:
            ValueError: a picture that cannot be used, or a number of weights that does not fit.
        """
        background = images.colour(settings.background)
        if init is None and settings.init not in settings.inits:
            init = settings.init
        photo = images.read(content, "content") if "content" in settings.pictures else None
        style_masks, content_mask = masks.of_result(settings, style, given)
        shaping = [photo.pixels] if photo else style_masks
        height, width = shaping[0].shape[1:3] if shaping else (1, 1)
        size = levels.output_size(height, width, settings.size)

        def shaped(picture):
            return fitted(picture.over(background), size, settings, background)

        loaded = cls(
            photo and shaped(photo),
            load_styles(settings, style, size, given) if "style" in settings.pictures else [],
            None if init is None else shaped(images.read(init, "init")),
            size,
            photo and alpha_of(photo, size, settings),
            photo.metadata if photo else images.Metadata(),
            masks.regions(style_masks, size, photo is None),
            None if content_mask is None else masks.stretched(content_mask, size),
        )
        return loaded._with_maps(material.load(maps, background)) if maps else loaded

    def _with_maps(self, maps):
        """The same with the maps of a material beside its only style."""
        has_masks = self.style_masks is not None or any(
            style.region is not None for style in self.styles
        )
        if len(self.styles) != 1 or self.init is not None or has_masks:
            found = f"{len(self.styles)} styles or turns"
            found = "a mask" if has_masks else found
            found = "a picture as init" if self.init is not None else found
            raise ValueError(
                f"maps: expected one style, no masks, and noise to start from, received {found}"
            )
        (style,) = self.styles
        picture, kinds = material.combined(style.picture, style.depth, maps)
        return dataclasses.replace(self, styles=[style._replace(picture=picture)], material=kinds)

    @property
    def count(self) -> int:
        """Pictures that are made together."""
        return len(self.material.names) if self.material else 1

    def noise(self, height: int, width: int, seed: int, deviation: float) -> np.ndarray:
        """An image to start from, the same in all maps."""
        return np.tile(images.noise(height, width, seed, deviation), (1, 1, 1, self.count))

    @property
    def _pictures(self):
        styles = [style.picture for style in self.styles]
        return [self.content, self.init, *styles, self.style_masks, self.content_mask]

    @property
    def pixels(self) -> int:
        """Of all pictures."""
        areas = [x.shape[1] * x.shape[2] for x in self._pictures if x is not None]
        return sum(areas) + sum(
            (self.count - 1) * style.picture[..., 0].size for style in self.styles
        )

    def digest(self) -> str:
        """Tells these pictures from all others."""
        result = hashlib.sha256(repr([style.key for style in self.styles]).encode())
        result.update(repr(self.material).encode() if self.material else b"")
        for picture in self._pictures:
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


def alpha_of(picture: images.Picture, size: tuple[int, int], settings: Any) -> np.ndarray | None:
    """The transparency of a picture in the frame of the result; `None` if it is opaque there."""
    alpha = picture.alpha
    if alpha is None:
        if settings.fit != "pad":
            return None
        alpha = np.ones_like(picture.pixels[..., :1])
    alpha = fitted(alpha, size, settings, (0,))
    return None if (alpha == 1).all() else images.resize(alpha, *size)


def load_styles(
    settings: Any, style: Any, size: tuple[int, int], given: dict[str, Any] | None = None
) -> list[Style]:
    """The styles with a part above 0, in each of their turns.

    Args:
        settings: `style_blend`, `style_size`, `style_rotations`, `style_region` and `background`
            count.
        style: a picture, or a list or tuple of pictures (see `tfstyle.images.load`).
        size: height and width of the result.
        given: masks, see `Inputs.load`.

    Raises:
        ValueError: no picture, or weights or sizes that do not fit; the message begins with the
            argument.
    """
    pictures = masks.listed(style)
    if not pictures:
        raise ValueError("style: expected a picture or a list of pictures, received an empty list")
    background, count = images.colour(settings.background), len(pictures)
    pictures = [images.read(picture, "style") for picture in pictures]
    parts = _for_each("style_blend", settings.style_blend or (1.0,) * count, count)
    sizes = settings.style_size or (None,)
    sizes = _for_each("style_size", sizes * count if len(sizes) == 1 else sizes, count)
    regions = masks.load_regions(settings, count, given)
    styles = [
        _style(picture, background, part / sum(parts), asked, max(size))._replace(
            number=number, region=_seen(picture, region)
        )
        for number, (picture, part, asked, region) in enumerate(
            zip(pictures, parts, sizes, regions)
        )
        if part > 0
    ]
    return [turn for each in styles for turn in _turns(each, settings.style_rotations, max(size))]


def _for_each(name, values, count):
    if len(values) != count:
        raise ValueError(
            f"{name}: expected one for each of the {count} styles, received {len(values)}"
        )
    return values


def _style(picture, background, part, asked, result):
    side = max(picture.pixels.shape[1:3])
    scale = Scale(asked, side, side)
    return Style(picture.over(background), part, scale.beside(result), scale, depth=picture.depth)


def _seen(picture, region):
    """Where a style counts: in its region, as far as it is opaque; `None` for everywhere."""
    if region is not None:
        region = None if region.min() == 1 else masks.stretched(region, picture.pixels.shape[1:3])
    if picture.alpha is None:
        return region
    seen = picture.alpha if region is None else picture.alpha * region
    if not seen.any():
        raise ValueError("style: expected pictures with something to see, received one with none")
    return seen


def _turns(style, count, result):
    """A style in its turns, each with an equal share of its part."""
    for number in range(count):
        picture, region = (
            None if each is None else rotations.turned(each, number, count)
            for each in (style.picture, style.region)
        )
        scale = style.scale._replace(seen=max(picture.shape[1:3]))
        yield style._replace(
            picture=picture,
            part=style.part / count,
            long_side=scale.beside(result),
            scale=scale,
            region=region,
        )


def digest(picture: np.ndarray) -> str:
    """A hash of the pixels and the shape."""
    return hashlib.sha256(repr(picture.shape).encode() + picture.tobytes()).hexdigest()
