"""`tfstyle train`: a network that paints photographs in a style, or makes a texture, at once."""

import dataclasses
import math
import os
from collections.abc import Sequence

from tfstyle import images
from tfstyle.cli import options
from tfstyle.cli.console import Failure, say
from tfstyle.cli.run import (
    check_inputs_stay,
    check_resumed,
    remove_temporaries,
    stopping_at_signals,
)
from tfstyle.outcome import Outcome
from tfstyle.progress import Bar
from tfstyle.settings.base import Settings, changed, setting
from tfstyle.settings.choices import PICTURES
from tfstyle.settings.kinds import Files, Path
from tfstyle.settings.training import TrainSettings
from tfstyle.training.run import TrainRun


@dataclasses.dataclass(frozen=True)
class Model(Settings):
    """The flags of its files."""

    photos: tuple[str, ...] | None = setting(
        None,
        Files(),
        "photographs, for a style: folders, names and patterns such as 'photos/*.jpg', separated "
        "by commas; one of eight is held out, and what is made of it is shown",
        PICTURES,
    )
    output: str | None = setting(
        None, Path(), "file of the network, .npz", PICTURES, required=True, short="o"
    )
    samples: str | None = setting(
        None, Path(), "picture that shows what is made of what is held out, so far", PICTURES
    )
    checkpoint: str | None = changed(options.Output, "checkpoint", None)
    resume: bool = changed(options.Output, "resume", False)


def main(arguments: Sequence[str]) -> int:
    given = options.parse("train", (options.Style, Model, TrainSettings), arguments)
    if given is None:
        return 0
    settings, model = options.make(TrainSettings, given), options.make(Model, given)
    output = str(model.output)
    if os.path.splitext(output)[1].lower() != ".npz":
        raise ValueError(f"output: expected a name ending in .npz, received {output}")
    images.check_writable(output, f"output={output}")
    check_inputs_stay("output", output, {"checkpoint": model.checkpoint, "style": given["style"]})
    if model.samples:
        images.check_output(model.samples, "--samples")
    check_resumed(model)
    run = TrainRun(
        settings,
        list(given["style"]),
        model.photos and list(model.photos),
        checkpoint=model.checkpoint,
        resume=model.resume,
    )
    remove_temporaries(output)
    return _train(run, model, output)


def _train(run, model, output) -> int:
    """Trains, writes the network every time that it was measured, reports."""
    with stopping_at_signals(run), Bar() as bar:
        for step in run:
            bar.show(step)
            parts = ", ".join(f"{name} {value:.4g}" for name, value in step.losses.items())
            say(f"{step.fraction:.0%}, {step.evaluations} steps | {step.loss:.4g}: {parts}")
            if model.samples:
                images.save(model.samples, step.image, None)
            if math.isfinite(step.loss):
                _save(run, output)
    if run.outcome is not Outcome.NOT_FINITE:  # then the last network that was one stays
        _save(run, output)
    record = run.result.record
    say(
        f"{output}: {record['outcome']} after {record['steps']} steps | loss "
        f"{record['losses'][0][1]:.4g} before, {record['losses'][-1][1]:.4g} now | "
        f"{os.path.getsize(output) / 1e6:.2f} MB, {60 * record['minutes']:.0f} s"
    )
    return run.outcome.exit_code


def _save(run, output):
    try:
        run.result.save(output)
    except OSError as error:
        raise Failure(f"{output}: writing failed: {error}") from error
