"""A result as a file, with what its content's file had beside the pixels."""

from typing import Any

from tfstyle import images
from tfstyle.run import Result
from tfstyle.settings import FileSettings


def check(path: str, settings: FileSettings) -> None:
    """Checks before a long run that `save` will be able to; raises `ValueError` if not."""
    images.check_form(path, settings.alpha, int(settings.depth))


def save(
    path: str,
    result: Result,
    metadata: images.Metadata,
    record: dict[str, Any],
    settings: FileSettings,
) -> None:
    """Writes the image of a result.

    Args:
        path: of the file.
        result: its image and transparency are written.
        metadata: of the content.
        record: what is embedded.
        settings: how it is written.

    Raises:
        ImageError: see `tfstyle.images.save`.
    """
    is_kept = settings.alpha != "flatten" and images.holds_alpha(path)
    images.save(
        path,
        result.image,
        record,
        alpha=result.alpha if is_kept else None,
        depth=int(settings.depth),
        metadata=metadata.kept(settings.keep_exif),
    )
