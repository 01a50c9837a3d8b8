"""Many pictures in one style: the same settings, one worker function, several engines.

Light to import: TensorFlow and Ray are loaded when a picture is painted.
"""

import dataclasses
import functools
import os
from collections.abc import Iterator, Sequence
from typing import Any

from tfstyle.batch import local, on_ray
from tfstyle.batch.job import Job, paint
from tfstyle.settings import FileSettings, StylizeSettings
from tfstyle.settings.base import checked_fields, setting
from tfstyle.settings.choices import FILES, PICTURES
from tfstyle.settings.kinds import Choice, Integer, Kind, Path

# Those that carry the settings, by which a finished picture is known.
EXTENSIONS = (".png", ".jpg", ".webp", ".tiff", ".avif")


@dataclasses.dataclass(frozen=True)
class BatchSettings(FileSettings):
    """Where the pictures go, and who paints them."""

    output_dir: str | None = setting(
        None,
        Path(),
        "folder to write to; pictures that are there already are not made again",
        PICTURES,
        required=True,
        short="o",
    )
    extension: str = setting(
        ".png", Choice(EXTENSIONS), "of the pictures that are written", PICTURES, main=True
    )
    report: str | None = setting(
        None,
        Path(),
        "table of all pictures to write, as CSV: what was made of each, how long it took, or why "
        "there is none",
        FILES,
        main=True,
    )
    engine: str = setting(
        "local",
        Choice(("local", "ray")),
        "who paints: processes of this machine, or actors of a Ray cluster",
        "Jobs",
    )
    workers: int = setting(
        1,
        Integer(1, 10_000),
        "pictures painted at a time, each by a process with its own network",
        "Jobs",
        main=True,
    )
    ray_address: str | None = setting(
        None,
        Kind(),
        "of a cluster, such as ray://head:10001; default: the one that this process is part of, or "
        "a new one on this machine",
        "Jobs",
    )


def outputs(
    contents: Sequence[str],
    output_dir: str,
    extension: str = ".png",
    names: Sequence[str] | None = None,
) -> list[str]:
    """The file that is made of each picture: in that folder, with its name and that extension.

    Args:
        contents: the pictures.
        output_dir: the folder.
        extension: of the files.
        names: of the pictures in that folder, with folders of their own where there are some;
            default: their base names.

    Raises:
        ValueError: two pictures would become the same file.
    """
    checked_fields(BatchSettings, extension=extension)
    sources: dict[str, str] = {}
    for content, known in zip(contents, names or map(os.path.basename, contents)):
        name = os.path.splitext(known)[0] + extension
        if name in sources:
            raise ValueError(
                f"content: expected pictures of different names, received {sources[name]} and "
                f"{content}, which would both become {os.path.join(output_dir, name)}"
            )
        sources[name] = content
    return [os.path.join(output_dir, name) for name in sources]


def run(
    jobs: Sequence[Job],
    style: Sequence[Any],
    settings: StylizeSettings,
    batch: BatchSettings | None = None,
) -> Iterator[tuple[Job, str | None]]:
    """Paints pictures.

    Args:
        jobs: those to be made, with different outputs.
        style: the styles, paths or arrays, the same for all.
        settings: of `tfstyle.stylize`, the same for all.
        batch: who paints.

    Yields:
        (job, error) as the pictures are finished; error is `None`, or a sentence for a picture
        that could not be made.

    Raises:
        ValueError: an argument is not as described, or a setting that is wrong for all pictures.
    """
    batch = batch or BatchSettings()
    painter = functools.partial(paint, settings, style, files=batch)
    workers = min(batch.workers, len(jobs))
    if batch.engine == "ray":
        return on_ray.run(jobs, painter, workers, batch.ray_address)
    return local.run(jobs, painter, workers)
