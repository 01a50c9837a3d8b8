"""A result as a file, with what its content's file had beside the pixels."""

from typing import Any

import numpy as np

from tfstyle import images
from tfstyle.settings import FileSettings


def check(path: str, settings: FileSettings) -> None:
    """Checks before a long run that `save` will be able to; raises `ValueError` if not."""
    images.check_form(path, settings.alpha, int(settings.depth))


def save(
    path: str,
    record: dict[str, Any],
    *,
    image: np.ndarray,
    metadata: images.Metadata,
    settings: FileSettings,
    alpha: np.ndarray | None = None,
    grey: bool = False,
    depth: int = 8,
) -> None:
    """Writes the image of a result.

    Args:
        path: of the file.
        record: what is embedded.
        image: `[1, H, W, 3]` in [0, 1].
        metadata: of the content.
        settings: how it is written.
        alpha: the transparency of the content, `[1, H, W, 1]` in [0, 1], or `None`.
        grey: whether one channel is written.
        depth: bits a channel that it is worth, where the format has them.

    Raises:
        ImageError: see `tfstyle.images.save`.
    """
    is_kept = settings.alpha != "flatten" and images.holds_alpha(path)
    images.save(
        path,
        image,
        record,
        alpha=alpha if is_kept else None,
        depth=max(int(settings.depth), depth if images.holds_depth(path) else 8),
        metadata=metadata.kept(settings.keep_exif),
        grey=grey,
    )
