"""Masks as they are given: grey pictures that say where in a picture what counts."""

from typing import Any

import numpy as np
from PIL import Image

from tfstyle import images

NAMES = ("style_mask", "style_region", "content_mask")
COVERED = 0.5  # of masks in a texture; where they add to less there is no telling what belongs
BARE = 0.01  # of a texture that may be so: lines between regions
TINY = 1e-6
WHITE = 0.98  # masks that add to no less leave nothing of the photograph


def of_result(
    settings: Any, style: Any, given: dict[str, Any] | None = None
) -> tuple[list[np.ndarray], np.ndarray | None]:
    """The masks of the result, as they are: of the styles with a part above 0, and of the content.

    Args:
        settings: `style_mask`, `content_mask` and `style_blend` count, where the job has them.
        style: a picture or a list; its number counts.
        given: see `tfstyle.inputs.Inputs.load`.

    Returns:
        A mask `[1, H, W, 1]` for each style, or none; and one, or `None` where it is white.

    Raises:
        ValueError: a mask that cannot be used, or another number; the message begins with its name.
    """
    found = {name: getattr(settings, name, None) for name in NAMES} | (given or {})
    of_styles = _loaded("style_mask", found["style_mask"], len(listed(style)))
    parts = getattr(settings, "style_blend", None) or [1.0] * len(of_styles)
    of_styles = [mask for mask, part in zip(of_styles, parts) if part > 0]
    if found["content_mask"] is None:
        return of_styles, None
    content = images.load_mask(found["content_mask"], "content_mask")
    return of_styles, None if content.min() == 1 else content


def load_regions(settings: Any, count: int, given: dict[str, Any] | None = None) -> list:
    """For each of so many styles its region `[1, H, W, 1]`, as it is, or `None`.

    Args:
        settings: `style_region` counts.
        given: see `tfstyle.inputs.Inputs.load`.
    """
    found = (given or {}).get("style_region", settings.style_region)
    return [*_loaded("style_region", found, count)] or [None] * count


def regions(masks: list[np.ndarray], size: tuple[int, int], is_texture: bool) -> np.ndarray | None:
    """Masks over a result of that size, `[1, H, W, N]`, adding to at most 1; none if all is white.

    In a texture there is no photograph to be left: they add to 1.

    Raises:
        ValueError: the masks of a texture leave some of it to no style.
    """
    if all(mask.min() == 1 for mask in masks):
        return None
    result = np.concatenate([stretched(mask, size) for mask in masks], axis=-1)
    total = result.sum(axis=-1, keepdims=True)
    if not is_texture:
        return result / np.maximum(total, 1)
    bare = float(np.mean(total < COVERED))
    if bare > BARE:
        raise ValueError(
            f"style_mask: expected masks that together cover the texture, received ones that are "
            f"black in all on {100 * bare:.0f} % of it: paint that white in one of them"
        )
    result = np.where(total > 0, result / np.maximum(total, TINY), np.float32(1 / len(masks)))
    return None if result.shape[-1] == 1 else result


def stretched(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The mask of that height and width; by a filter that does not swing over at edges."""
    return images.resize(mask, *size, method=Image.Resampling.BILINEAR)


def rectangle(inside: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the largest rectangle of `[H, W]` booleans in which all are true."""
    best, heights = (0, 0, 0, 0, 0), np.zeros(inside.shape[1] + 1, int)
    for row, true in enumerate(inside, 1):
        heights[:-1] = np.where(true, heights[:-1] + 1, 0)  # how far it is true upwards
        rising: list[tuple[int, int]] = []  # columns from which it is at least so high
        for column, height in enumerate(heights.tolist()):
            begin = column
            while rising and rising[-1][1] >= height:
                begin, tall = rising.pop()
                best = max(best, (tall * (column - begin), row - tall, row, begin, column))
            rising.append((begin, height))
    _, top, bottom, left, right = best
    return slice(top, bottom), slice(left, right)


def listed(pictures: Any) -> Any:
    """A list or tuple of pictures; one alone makes a list."""
    return pictures if isinstance(pictures, (list, tuple)) else [pictures]


def _loaded(name: str, pictures: Any, count: int) -> list[np.ndarray]:
    """The masks of so many styles, or none; raises `ValueError` for another number."""
    if pictures is None:
        return []
    pictures = listed(pictures)
    if len(pictures) != count:
        styles = "one for the style" if count == 1 else f"one for each of the {count} styles"
        raise ValueError(f"{name}: expected {styles}, received {len(pictures)}")
    return [images.load_mask(picture, name) for picture in pictures]
