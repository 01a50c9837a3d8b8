"""`tfstyle apply`: pictures by a network that was trained, at once."""

import dataclasses
import shlex
import time
from collections.abc import Sequence

from tfstyle import batch, images, provenance, video
from tfstyle import output as files
from tfstyle.cli import options
from tfstyle.cli.console import say
from tfstyle.cli.run import check_inputs_stay, save_or_rescue
from tfstyle.networks import files as networks
from tfstyle.settings import FileSettings
from tfstyle.settings.base import changed, setting
from tfstyle.settings.choices import PICTURES
from tfstyle.settings.kinds import Files, Path
from tfstyle.settings.training import ApplySettings
from tfstyle.training.pictures import listed

FAILURE = 1


@dataclasses.dataclass(frozen=True)
class Pictures(FileSettings):
    """The flags of its files."""

    model: str | None = setting(
        None,
        Path(),
        "file of tfstyle train, or the name of a network that comes with the package",
        PICTURES,
        required=True,
    )
    content: tuple[str, ...] | None = setting(
        None,
        Files(),
        "photographs: folders, names and patterns such as 'photos/*.jpg', separated by commas; or "
        "one film; none for a texture",
        PICTURES,
    )
    output: str | None = changed(
        options.Output,
        "output",
        None,
        required=False,
        help="picture to write: .png, .jpg, .webp, .avif, .tiff or .bmp; or film: .mp4, .mkv ...",
    )
    output_dir: str | None = setting(
        None,
        Path(),
        "folder to write to, in the place of output, under the photographs' names",
        PICTURES,
    )
    extension: str = changed(batch.BatchSettings, "extension", ".png")


def main(arguments: Sequence[str]) -> int:
    given = options.parse("apply", (Pictures, ApplySettings), arguments)
    if given is None:
        return 0
    settings, where = options.make(ApplySettings, given), options.make(Pictures, given)
    if where.content and any(map(video.is_film, where.content)):
        return _film(where, {*given} - {"model", "content", "output"})
    return _apply(_jobs(where), settings, where)


def _apply(jobs, settings, where) -> int:
    """Makes the pictures, one by one, and says what could not be made."""
    networks.find(str(where.model))

    from tfstyle.networks import applied, trained

    applier = applied.Applier(trained.load(str(where.model)))
    bad = []
    for content, output in jobs:
        began = time.perf_counter()
        try:
            made = applier(content, settings)
            command = _typed(where, settings, content, output)
            failure = _save(output, made, provenance.of(command, settings), where)
        except images.ImageError as error:
            if len(jobs) == 1:
                raise
            failure = str(error)
        bad += [failure] if failure else []
        height, width = made.image.shape[1:3] if not failure else (0, 0)
        say(failure or f"{output}: {width}x{height} | {time.perf_counter() - began:.2f} s")
    return FAILURE if bad else 0


def _film(where, others) -> int:
    """Paints a film of its own size."""
    content, output = where.content[0], where.output
    if len(where.content) > 1 or not video.is_film(output):
        raise ValueError(
            "content: expected one film, and --output with a name such as painted.mp4, received "
            f"{', '.join(where.content)} and {output}"
        )
    for name in others:
        raise ValueError(f"{name}: expected nothing beside a film, which keeps its size and sound")
    check_inputs_stay("output", output, {"content": content, "model": where.model})
    networks.find(str(where.model))

    from tfstyle.networks import applied, trained

    model = trained.load(str(where.model))
    if model.kind == "texture":
        raise ValueError("model: expected one that paints, received one that makes textures")
    began = time.perf_counter()
    count = video.painted(content, output, applied.Applier(model).frames)
    say(f"{output}: {count} frames | {time.perf_counter() - began:.1f} s")
    return 0


def _jobs(where) -> list[tuple[str | None, str]]:
    """Photographs and the files that are made of them; raises `ValueError` for what cannot be."""
    if (where.output is None) == (where.output_dir is None):
        raise ValueError("output: expected a file in --output or a folder in --output_dir")
    contents = listed(list(where.content or ()), "content")
    if where.output_dir is None:
        if len(contents) > 1:
            raise ValueError(
                f"output: expected one photograph, received {len(contents)}: name a folder in "
                "--output_dir"
            )
        jobs = [(contents[0] if contents else None, str(where.output))]
    else:
        images.make_folder(where.output_dir, "output_dir")
        jobs = list(zip(contents, batch.outputs(contents, where.output_dir, where.extension)))
    for content, output in jobs:
        images.check_output(output, "--output")
        check_inputs_stay("output", output, {"content": content, "model": where.model})
        files.check(output, where)
    return jobs


def _save(output, made, record, where):
    def write(path, record):
        files.save(
            path, record, image=made.image, metadata=made.metadata, settings=where, alpha=made.alpha
        )

    return save_or_rescue(output, write, record)


def _typed(where, settings, content, output) -> str:
    """The command line that makes one picture."""
    texts = {"model": where.model, "content": content} | settings.texts()
    texts |= {name: where.texts()[name] for name in FileSettings.fields() if name in where.texts()}
    flags = [f"--{name}={text}" for name, text in (texts | {"output": output}).items() if text]
    return shlex.join(["tfstyle", "apply", *flags])
