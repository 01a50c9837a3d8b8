"""Several pictures of one command that differ in their seed: the graph is built once for all."""

import dataclasses
import os
from collections.abc import Callable
from typing import Any

from tfstyle import images, provenance, statistics
from tfstyle.cli import options
from tfstyle.cli.console import say
from tfstyle.outcome import Outcome


def run(
    settings: Any,
    output: options.Output,
    make: Callable[[Any, options.Output], Any],
    judge: Any = None,
) -> int:
    """Makes the pictures that are not there yet, one after another; returns the exit code.

    Args:
        settings: of the first; each of the others has the next seed.
        output: `variations` of them, named after `output`.
        make: (settings, output) -> a `tfstyle.cli.run.Painting`.
        judge: see `tfstyle.cli.run.run`.

    Raises:
        ValueError: pictures that would all be the same, or that cannot be written.
    """
    _check(settings, output)
    paths = names(str(output.output), output.variations)
    for path in paths:
        images.check_output(path, "--output")
    jobs = [settings.replace(seed=settings.seed + number) for number in range(len(paths))]
    made = 0
    try:
        for job, path in zip(jobs, paths):
            painting = make(job, dataclasses.replace(output, output=path, variations=1))
            if not all(_is_done(each, painting.command) for each in painting.files):
                code = painting.execute(judge)
                if code:
                    return _stopped(made, len(paths), code)
            made += 1
    except KeyboardInterrupt:
        return _stopped(made, len(paths), Outcome.STOPPED.exit_code)
    return 0


def names(path: str, count: int) -> list[str]:
    """`wall.png` -> `wall-1.png`, `wall-2.png` ..., with as many digits each."""
    stem, extension = os.path.splitext(path)
    digits = len(str(count))
    return [f"{stem}-{number:0{digits}}{extension}" for number in range(1, count + 1)]


def _check(settings, output):
    if output.checkpoint:
        raise ValueError(
            "checkpoint: expected none beside --variations, of which the same command makes those "
            f"that are not there yet, received {output.checkpoint}"
        )
    if settings.init != "noise" and not _draws(settings):
        raise ValueError(
            "variations: expected 1 where the seed changes nothing, received "
            f"{output.variations}: take --init=noise, or a statistic that draws, such as "
            "sliced_wasserstein"
        )


def _draws(settings):
    name = settings.chosen("statistic")
    return name is not None and statistics.get(name, settings).draws


def _is_done(path, command):
    try:
        return provenance.is_done(path, command)
    except images.ImageError:
        return False


def _stopped(made, count, code):
    say(f"{made} of {count} pictures are made; the same command makes the others")
    return code
