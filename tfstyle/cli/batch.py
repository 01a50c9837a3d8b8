"""`tfstyle batch`: every picture of a folder in the same style."""

import contextlib
import dataclasses
import glob
import os
import time
from collections.abc import Sequence

from tqdm import tqdm

from tfstyle import batch, device, images, levels, masks, output, provenance
from tfstyle.batch import BatchSettings
from tfstyle.batch.job import Job
from tfstyle.cli import options
from tfstyle.cli.console import say
from tfstyle.cli.run import typed
from tfstyle.features import check_settings, tiling
from tfstyle.inputs import load_styles
from tfstyle.outcome import Outcome
from tfstyle.settings import StylizeSettings
from tfstyle.settings.base import Settings, setting
from tfstyle.settings.choices import PICTURES
from tfstyle.settings.kinds import Files

BAR = "{l_bar}{bar}| {n}/{total} pictures, {elapsed}<{remaining}"
FAILURE = 1


@dataclasses.dataclass(frozen=True)
class Contents(Settings):
    """The photographs."""

    content: tuple[str, ...] | None = setting(
        None,
        Files(),
        "pictures whose content is kept: names and patterns such as 'photos/*.jpg', separated by "
        "commas",
        PICTURES,
        required=True,
    )


def main(arguments: Sequence[str]) -> int:
    classes = (Contents, options.Style, BatchSettings, StylizeSettings)
    given = options.parse("batch", classes, arguments)
    if given is None:
        return 0
    settings, where = options.make(StylizeSettings, given), options.make(BatchSettings, given)
    jobs = _jobs(_contents(given["content"]), given["style"], settings, where)
    _check(settings, given["style"])
    output.check(jobs[0].output, where)
    left = _left(jobs, where.output_dir)
    if not left:
        say(f"all {_count(jobs)} are done already")
        return 0
    return _paint(where, settings, given["style"], left, len(jobs) - len(left))


def _check(settings, style):
    """Raises for what is wrong whatever the photograph."""
    network = settings.chosen("features")
    check_settings(settings, network)
    size, tiled = levels.output_size(1, 1, settings.size), tiling(settings, network)
    whole = levels.with_margin(*size, tiled)
    levels.levels(*whole, settings.evaluations, settings.scales, tiled)
    load_styles(settings, style, size)
    masks.of_result(settings, style)


def _jobs(contents, style, settings, where):
    """A job for each picture, with the command of `stylize` that makes the same."""
    outputs = batch.outputs(contents, where.output_dir, where.extension)
    commands = [
        typed("stylize", {"content": content, "style": style}, settings, path, where)
        for content, path in zip(contents, outputs)
    ]
    return list(map(Job, contents, outputs, commands))


def _contents(patterns):
    """The files that are meant by patterns and names; each once, sorted."""
    found = set()
    for pattern in patterns:
        if os.path.isfile(pattern):  # a name may look like a pattern
            matches = [pattern]
        else:
            matches = [path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path)]
        if not matches:
            raise ValueError(f"content: expected files, received {pattern!r}, which matches none")
        found.update(matches)
    return sorted(found)


def _left(jobs, folder):
    """The jobs that are not done; nothing that was not made by them is replaced."""
    left = [job for job in jobs if not _is_done(job)]
    strange = [job.output for job in left if os.path.exists(job.output)]
    if strange:
        raise ValueError(
            f"output_dir: expected a folder without other pictures of these names, received "
            f"{folder}, where {_count(strange)} ({os.path.basename(strange[0])} ...) came from "
            "somewhere else or from other settings: choose another folder, or remove them"
        )
    return left


def _is_done(job):
    try:
        return provenance.is_done(job.output, job.command)
    except images.ImageError:
        return False


def _paint(where, settings, style, jobs, done):
    """Has the pictures painted, shows how far it is, and reports; returns the exit code."""
    folder, names = where.output_dir, {os.path.basename(job.output) for job in jobs}
    images.make_folder(folder, "output_dir")
    images.check_output(jobs[0].output, "output_dir")
    images.remove_temporaries(folder, names)
    say(_announcement(where, settings, len(jobs), done))
    began, bad, made = time.perf_counter(), [], 0
    try:
        with (
            contextlib.closing(batch.run(jobs, style, settings, where)) as results,
            tqdm(total=len(jobs) + done, initial=done, bar_format=BAR, disable=None) as bar,
        ):
            for job, error in results:
                bad += [(job.content, error)] if error else []
                made += not error
                bar.update()
                if bar.disable:  # in a log: a line each
                    say(f"{made + len(bad)}/{len(jobs)} {error or job.output}")
    except (KeyboardInterrupt, SystemExit):  # the latter is what Ray makes of a SIGTERM
        say(
            f"tfstyle batch: stopped; {made} of {_count(jobs)} are made, the same command "
            "continues from here"
        )
        return Outcome.STOPPED.exit_code
    finally:
        images.remove_temporaries(folder, names)
    return _report(folder, made, bad, time.perf_counter() - began)


def _announcement(where, settings, count, done):
    workers = where.workers
    if where.engine == "ray":
        place = f"Ray, {workers} worker{'s' if workers > 1 else ''}"
    elif workers > 1:  # only they import TensorFlow, which knows the device
        place = f"{workers} workers on {device.cores()} cores"
    else:
        here = device.find()
        place = f"{here.name}, {here.precision(settings.precision)}"
    pictures = f"{count} to paint" + (f", {done} done already" if done else "")
    return f"{place} | {settings.chosen('features')} | {pictures}"


def _report(folder, made, bad, seconds):
    rate = 60 * made / seconds
    say(
        f"{folder}: {made} made in {seconds:.0f} s, {rate:.2g} a minute"
        + (f"; {len(bad)} could not be made:" if bad else "")
    )
    for content, error in sorted(bad):
        say(f"  {content}: {error.removeprefix(f'content={content}: ')}")
    return FAILURE if bad else 0


def _count(things):
    return f"{len(things)} picture{'s' if len(things) > 1 else ''}"
