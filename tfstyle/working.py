"""The pictures of a run as they are worked on: in the frame of the result, with its margin."""

import functools
from typing import Any

import numpy as np

from tfstyle import device, images, levels, masks
from tfstyle.inputs import Inputs


class WorkingPictures:
    """Made of the inputs when they are asked for.

    Args:
        inputs: the pictures as they were given.
        tiling: of the run.
    """

    def __init__(self, inputs: Inputs, tiling: levels.Tiling):
        self._inputs, self._tiling = inputs, tiling

    @functools.cached_property
    def content(self) -> Any:
        """The content `[1, H, W, 3]`, or `None`."""
        return self._made(self._inputs.content)

    @property
    def init(self) -> Any:
        """The picture to start from, or `None`."""
        return self._made(self._inputs.init)

    @property
    def style_masks(self) -> Any:
        """Where each style is, `[1, H, W, N]`, or `None`."""
        return self._made(self._inputs.style_masks)

    @property
    def content_mask(self) -> Any:
        """Where the content counts, `[1, H, W, 1]`, or `None`."""
        return self._made(self._inputs.content_mask)

    @property
    def photograph(self) -> Any:
        """The content, where there are places that no style covers; else `None`."""
        covered = self._inputs.style_masks
        is_bare = covered is not None and covered.sum(axis=-1).min() < masks.WHITE
        return self.content if is_bare else None

    @functools.cached_property
    def has_grey_styles(self) -> bool:
        """Whether no style has a colour; a material may have."""
        from tfstyle import palette

        pictures = [style.picture for style in self._inputs.styles]
        with device.eagerly():
            return not self._inputs.material and all(bool(palette.is_grey(x)) for x in pictures)

    def _made(self, picture):
        return (
            None if picture is None else working_picture(picture, self._inputs.size, self._tiling)
        )


def working_picture(
    picture: np.ndarray, size: tuple[int, int], tiling: levels.Tiling = levels.OPEN
) -> np.ndarray:
    """A picture brought to the height and width of the result, and mirrored into the margin."""
    if any(tiling.axes):
        from tfstyle import resampling

        with device.eagerly():
            resized = resampling.resize(picture, *size, tiling.axes).numpy()
    else:
        resized = images.resize(picture, *size)
    borders = ((border, border) for border in levels.margins(*size, tiling))
    return np.pad(resized, ((0, 0), *borders, (0, 0)), mode="reflect")
