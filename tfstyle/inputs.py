"""The pictures that a run begins with: loaded, checked, and known by what is in them."""

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from tfstyle import images, levels, material
from tfstyle.material import Material

MASKS = ("style_mask", "style_region", "content_mask")
COVERED = 0.5  # of masks in a texture; where they add to less there is no telling what belongs
BARE = 0.01  # of a texture that may be so: lines between regions
TINY = 1e-6
WHITE = 0.98  # masks that add to no less leave nothing of the photograph


class Style(NamedTuple):
    """One style.

    Attributes:
        picture: `[1, H, W, 3]` in [0, 1].
        part: in the blend, or of the strength in regions.
        long_side: in the result.
        region: where the picture counts, `[1, H, W, 1]` in [0, 1], or `None` for everywhere.
        depth: bits a channel of the picture's file.
    """

    picture: np.ndarray
    part: float
    long_side: int
    region: np.ndarray | None = None
    depth: int = 8

    @property
    def key(self) -> tuple:
        """Tells it from other styles."""
        region = None if self.region is None else digest(self.region)
        return digest(self.picture), self.part, self.long_side, region

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
        masks: dict[str, Any] | None = None,
        maps: Any = None,
    ) -> "Inputs":
        """Loads the pictures of a job with those settings.

        Args:
            settings: of the job.
            content, style: what `images.load` takes; `style` may be a list.
            init: a picture, in the place of the one that the settings name.
            masks: pictures in the place of those of `style_mask`, `style_region` and
                `content_mask` in the settings.
            maps: other maps of the material that the style is, pictures by name.

        Raises:
            ValueError: a picture that cannot be used, or a number of weights that does not fit.
        """
        background = images.colour(settings.background)
        if init is None and settings.init not in settings.inits:
            init = settings.init
        given = images.read(content, "content") if "content" in settings.pictures else None
        style_masks, content_mask = load_masks(settings, style, masks)
        shaping = [given.pixels] if given else style_masks
        height, width = shaping[0].shape[1:3] if shaping else (1, 1)
        size = levels.output_size(height, width, settings.size)

        def shaped(picture):
            return fitted(picture.over(background), size, settings, background)

        loaded = cls(
            given and shaped(given),
            load_styles(settings, style, size, masks) if "style" in settings.pictures else [],
            None if init is None else shaped(images.read(init, "init")),
            size,
            given and _alpha(given, size, settings),
            given.metadata if given else images.Metadata(),
            _regions(style_masks, size, given is None),
            None if content_mask is None else _stretched(content_mask, size),
        )
        return loaded._with_maps(material.load(maps, background)) if maps else loaded

    def _with_maps(self, maps):
        """The same with the maps of a material beside its only style."""
        has_masks = self.style_masks is not None or any(
            style.region is not None for style in self.styles
        )
        if len(self.styles) != 1 or self.init is not None or has_masks:
            found = f"{len(self.styles)} styles"
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

    def noise(self, height: int, width: int, seed: int) -> np.ndarray:
        """An image to start from, the same in all maps."""
        return np.tile(images.noise(height, width, seed), (1, 1, 1, self.count))

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


def _alpha(picture, size, settings):
    """The transparency of a picture in the frame of the result; `None` if it is opaque there."""
    alpha = picture.alpha
    if alpha is None:
        if settings.fit != "pad":
            return None
        alpha = np.ones_like(picture.pixels[..., :1])
    alpha = fitted(alpha, size, settings, (0,))
    return None if (alpha == 1).all() else images.resize(alpha, *size)


def load_styles(
    settings: Any, style: Any, size: tuple[int, int], masks: dict[str, Any] | None = None
) -> list[Style]:
    """The styles with a part above 0.

    Args:
        settings: `style_blend`, `style_size`, `style_region` and `background` count.
        style: a picture, or a list or tuple of pictures (see `tfstyle.images.load`).
        size: height and width of the result.
        masks: see `Inputs.load`.

    Raises:
        ValueError: no picture, or weights that do not fit; the message begins with the argument.
    """
    pictures = _listed(style)
    if not pictures:
        raise ValueError("style: expected a picture or a list of pictures, received an empty list")
    background, parts = images.colour(settings.background), settings.style_blend
    pictures = [images.read(picture, "style") for picture in pictures]
    parts = parts or (1.0,) * len(pictures)
    if len(parts) != len(pictures):
        raise ValueError(
            f"style_blend: expected one for each of the {len(pictures)} styles, "
            f"received {len(parts)}"
        )
    given = (masks or {}).get("style_region", settings.style_region)
    regions: list[Any] = [*_load_masks("style_region", given, len(pictures))]
    regions = regions or [None] * len(pictures)
    return [
        Style(
            picture.over(background),
            part / sum(parts),
            settings.style_size or min(max(size), max(picture.pixels.shape[1:3])),
            _seen(picture, region),
            picture.depth,
        )
        for picture, part, region in zip(pictures, parts, regions)
        if part > 0
    ]


def _seen(picture: images.Picture, region: np.ndarray | None) -> np.ndarray | None:
    """Where a style counts: in its region, as far as it is opaque; `None` for everywhere."""
    if region is not None:
        region = None if region.min() == 1 else _stretched(region, picture.pixels.shape[1:3])
    if picture.alpha is None:
        return region
    seen = picture.alpha if region is None else picture.alpha * region
    if not seen.any():
        raise ValueError("style: expected pictures with something to see, received one with none")
    return seen


def load_masks(
    settings: Any, style: Any, masks: dict[str, Any] | None = None
) -> tuple[list[np.ndarray], np.ndarray | None]:
    """The masks of the result, as they are: of the styles with a part above 0, and of the content.

    Args:
        settings: `style_mask`, `content_mask` and `style_blend` count, where the job has them.
        style: see `load_styles`; its number counts.
        masks: see `Inputs.load`.

    Returns:
        A mask `[1, H, W, 1]` for each style, or none; and one, or `None` where it is white.

    Raises:
        ValueError: a mask that cannot be used, or another number; the message begins with its name.
    """
    given = {name: getattr(settings, name, None) for name in MASKS} | (masks or {})
    of_styles = _load_masks("style_mask", given["style_mask"], len(_listed(style)))
    parts = getattr(settings, "style_blend", None) or [1.0] * len(of_styles)
    of_styles = [mask for mask, part in zip(of_styles, parts) if part > 0]
    if given["content_mask"] is None:
        return of_styles, None
    content = images.load_mask(given["content_mask"], "content_mask")
    return of_styles, None if content.min() == 1 else content


def _listed(pictures: Any) -> Any:
    return pictures if isinstance(pictures, (list, tuple)) else [pictures]


def _load_masks(name: str, pictures: Any, count: int) -> list[np.ndarray]:
    """The masks of so many styles, or none; raises `ValueError` for another number."""
    if pictures is None:
        return []
    pictures = _listed(pictures)
    if len(pictures) != count:
        styles = "one for the style" if count == 1 else f"one for each of the {count} styles"
        raise ValueError(f"{name}: expected {styles}, received {len(pictures)}")
    return [images.load_mask(picture, name) for picture in pictures]


def _stretched(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The mask of that height and width; by a filter that does not swing over at edges."""
    return images.resize(mask, *size, method=Image.Resampling.BILINEAR)


def _regions(masks: list[np.ndarray], size: tuple[int, int], is_texture: bool) -> np.ndarray | None:
    """Masks over a result of that size, `[1, H, W, N]`, adding to at most 1; none if all is white.

    In a texture there is no photograph to be left: they add to 1.

    Raises:
        ValueError: the masks of a texture leave some of it to no style.
    """
    if all(mask.min() == 1 for mask in masks):
        return None
    regions = np.concatenate([_stretched(mask, size) for mask in masks], axis=-1)
    total = regions.sum(axis=-1, keepdims=True)
    if not is_texture:
        return regions / np.maximum(total, 1)
    bare = float(np.mean(total < COVERED))
    if bare > BARE:
        raise ValueError(
            f"style_mask: expected masks that together cover the texture, received ones that are "
            f"black in all on {100 * bare:.0f} % of it: paint that white in one of them"
        )
    regions = np.where(total > 0, regions / np.maximum(total, TINY), np.float32(1 / len(masks)))
    return None if regions.shape[-1] == 1 else regions


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
