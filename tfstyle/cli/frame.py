"""`tfstyle frame`: the random field of a texture, and a picture drawn from it."""

import dataclasses
import functools
from collections.abc import Sequence

from tfstyle import images, provenance
from tfstyle.cli import options
from tfstyle.cli.console import Failure, is_detailed, say
from tfstyle.cli.run import (
    check_inputs_stay,
    check_resumed,
    continued,
    remove_temporaries,
    save_or_rescue,
    stopping_at_signals,
    summary,
    typed,
)
from tfstyle.outcome import Outcome
from tfstyle.progress import Bar
from tfstyle.random_field.run import start
from tfstyle.settings import FrameSettings
from tfstyle.settings.base import Settings, changed
from tfstyle.settings.kinds import Path


@dataclasses.dataclass(frozen=True)
class Files(Settings):
    """The flags of its pictures."""

    style: str | None = changed(
        options.Style, "style", None, kind=Path(), help="picture whose texture is learned"
    )
    output: str | None = changed(options.Output, "output", None)
    checkpoint: str | None = changed(options.Output, "checkpoint", None)
    resume: bool = changed(options.Output, "resume", False)


def main(arguments: Sequence[str]) -> int:
    given = options.parse("frame", (Files, FrameSettings), arguments)
    if given is None:
        return 0
    settings, paths = options.make(FrameSettings, given), options.make(Files, given)
    style, output = str(paths.style), str(paths.output)
    images.check_output(output, "--output")
    check_inputs_stay("output", output, {"style": style})
    check_resumed(paths)
    run = start(settings, style, checkpoint=paths.checkpoint, resume=paths.resume)
    for path in filter(None, (output, paths.checkpoint)):
        remove_temporaries(path)
    record = provenance.of(typed("frame", {"style": (style,)}, settings, output), settings)
    return _paint(run, output, record)


def _paint(run, output, record) -> int:
    """Runs, writes the picture, reports."""
    with stopping_at_signals(run), Bar() as bar:
        for step in run:
            bar.show(step)
    result = run.result
    write = functools.partial(_write, image=result.image, grey=run.grey)
    failure = save_or_rescue(output, write, record | provenance.outcome(result))
    if failure:
        raise Failure(failure)
    if is_detailed():
        errors = ", ".join(f"{name} {error:.3f}" for name, error in result.parts.items())
        matched = "histograms" if run.grey else "means"
        say(
            f"{output}: {result.outcome.value} after {result.evaluations} sweeps | errors of "
            f"{matched}: {errors} | {result.seconds:.1f} s"
        )
    else:
        say(summary(output, result, result.seconds, "sweeps"))
    if result.outcome is Outcome.STOPPED and run.checkpoint_path:
        say(continued(run.checkpoint_path))
    return result.outcome.exit_code


def _write(path, record, image, grey):
    images.save(path, image, record, grey=grey)
