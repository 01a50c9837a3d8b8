"""`tfstyle batch`: many pictures in the same style; the tree of their folder is kept."""

import contextlib
import csv
import dataclasses
import os
import time
from collections.abc import Sequence

from tqdm import tqdm

from tfstyle import batch, device, images, levels, masks, output, provenance
from tfstyle.batch import BatchSettings
from tfstyle.batch.job import Job
from tfstyle.cli import contents, options
from tfstyle.cli.console import is_detailed, say
from tfstyle.cli.run import check_inputs_stay, typed
from tfstyle.features import check_settings, tiling
from tfstyle.inputs import load_styles
from tfstyle.outcome import Outcome
from tfstyle.settings import StylizeSettings
from tfstyle.settings.base import Settings, setting
from tfstyle.settings.choices import PICTURES
from tfstyle.settings.kinds import Files

BAR = "{l_bar}{bar}| {n}/{total} pictures, {elapsed}"
BAR_WITH_REST = f"{BAR}, {{remaining}} left"
COLUMNS = ("content", "output", "outcome", "evaluations", "seconds", "error")  # of the report
FAILURE = 1


@dataclasses.dataclass(frozen=True)
class Contents(Settings):
    """The photographs."""

    content: tuple[str, ...] | None = setting(
        None,
        Files(),
        "pictures whose content is kept: names, patterns such as 'photos/*.jpg', folders with all "
        "that is in them, and lists, which end in .txt and have one of these in each line; "
        "separated by commas",
        PICTURES,
        required=True,
    )


def main(arguments: Sequence[str]) -> int:
    classes = (Contents, options.Style, BatchSettings, StylizeSettings)
    given = options.parse("batch", classes, arguments)
    if given is None:
        return 0
    settings, where = options.make(StylizeSettings, given), options.make(BatchSettings, given)
    found = contents.find(given["content"], where.output_dir)
    jobs = _jobs(found, given["style"], settings, where)
    _check(settings, given["style"])
    output.check(jobs[0].output, where)
    left = _left(jobs, where.output_dir)
    errors: dict[Job, str] = {}
    _prepare(where, jobs, left)
    try:
        if not left:
            say(f"all {_count(jobs)} are done already")
            return 0
        return _paint(where, settings, given["style"], left, len(jobs) - len(left), errors)
    finally:
        if where.report:
            _write_report(where.report, jobs, errors)


def _check(settings, style):
    """Raises for what is wrong whatever the photograph."""
    network = settings.chosen("features")
    check_settings(settings, network)
    size, tiled = levels.output_size(1, 1, settings.size), tiling(settings, network)
    whole = levels.with_margin(*size, tiled)
    levels.levels(*whole, settings.evaluations, settings.scales, tiled)
    load_styles(settings, style, size)
    masks.of_result(settings, style)


def _jobs(found, style, settings, where):
    """A job for each picture, with the command of `stylize` that makes the same."""
    outputs = batch.outputs(list(found), where.output_dir, where.extension, list(found.values()))
    commands = [
        typed("stylize", {"content": content, "style": style}, settings, path, where)
        for content, path in zip(found, outputs)
    ]
    return list(map(Job, found, outputs, commands))


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


def _prepare(where, jobs, left):
    """Makes the folders, and checks that all can be written."""
    for folder in {os.path.dirname(job.output) for job in jobs} | {where.output_dir}:
        images.make_folder(folder, "output_dir")
    if left:
        images.check_output(left[0].output, "output_dir")
    if where.report:
        check_inputs_stay("report", where.report, {"content": [job.content for job in jobs]})
        images.check_writable(where.report, f"report={where.report}")
    _remove_temporaries(left)


def _remove_temporaries(jobs):
    folders = {}
    for job in jobs:
        folder, name = os.path.split(job.output)
        folders.setdefault(folder, set()).add(name)
    for folder, names in folders.items():
        images.remove_temporaries(folder, names)


def _paint(where, settings, style, jobs, done, errors):
    """Has the pictures painted, shows how far it is, and reports; returns the exit code.

    Adds to `errors`, by job, why there is no picture.
    """
    if is_detailed():
        say(_announcement(where, settings, len(jobs), done))
    began, finished = time.perf_counter(), 0
    try:
        with (
            contextlib.closing(batch.run(jobs, style, settings, where)) as results,
            tqdm(
                total=len(jobs) + done, initial=done, bar_format=BAR, disable=None, leave=False
            ) as bar,
        ):
            for job, error in results:
                errors |= {job: error} if error else {}
                finished += 1
                bar.bar_format = BAR_WITH_REST  # now it is known how long one takes
                bar.update()
                if bar.disable and is_detailed():  # in a log: a line each
                    say(f"{finished}/{len(jobs)} {error or job.output}")
    except (KeyboardInterrupt, SystemExit):  # the latter is what Ray makes of a SIGTERM
        say(
            f"tfstyle batch: stopped; {finished - len(errors)} of {_count(jobs)} are made, the "
            "same command continues from here"
        )
        return Outcome.STOPPED.exit_code
    finally:
        _remove_temporaries(jobs)
    seconds = time.perf_counter() - began
    return _report(where.output_dir, finished - len(errors), done, errors, seconds)


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


def _report(folder, made, done, errors, seconds):
    before = f"; {done} done already" if done else ""
    say(
        f"{folder}: {made} made in {seconds:.0f} s, {60 * made / seconds:.2g} a minute{before}"
        + (f"; {len(errors)} could not be made:" if errors else "")
    )
    for job, error in sorted(errors.items()):
        say(f"  {job.content}: {_reason(job, error)}")
    return FAILURE if errors else 0


def _reason(job, error):
    return error.removeprefix(f"content={job.content}: ")


def _write_report(path, jobs, errors):
    with images.temporary(path) as beside:
        with open(beside, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(_row(job, errors.get(job)) for job in jobs)
        os.replace(beside, path)


def _row(job, error):
    row = {"content": job.content, "output": job.output}
    if error:
        return row | {"outcome": "failed", "error": _reason(job, error)}
    if not _is_done(job):
        return row | {"outcome": "not made"}
    record = images.read_settings(job.output)
    return row | {name: record[name] for name in ("outcome", "evaluations", "seconds")}


def _count(things):
    return f"{len(things)} picture{'s' if len(things) > 1 else ''}"
