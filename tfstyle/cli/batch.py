"""`tfstyle batch`: every picture of a folder in the same style."""

import contextlib
import glob
import os
import sys
import time

from absl import flags
from tqdm import tqdm

from tfstyle import batch, cost, images, record, schedule, synthesis
from tfstyle.batch.worker import Job
from tfstyle.cli import options, runner
from tfstyle.plan import Plan

INITS = ("content", "noise")
BAR = "{l_bar}{bar}| {n}/{total} pictures, {elapsed}<{remaining}"
FOLDER, ENGINE = ("output_dir", "extension"), ("engine", "workers", "ray_address")
FAILURE, INTERRUPTED = 1, runner.EXIT_CODES["interrupted"]


def main(arguments) -> int:
    given = options.parse(_flags(), "batch", INITS, arguments)
    if given is None:
        return 0
    jobs = _jobs(given)
    settings = {name: given[name] for name in _of_stylize() if name != "content"}
    settings = runner.settings(settings, INITS)
    # What is wrong for a square is wrong for all shapes.
    Plan(settings, schedule.output_size(1, 1, settings["size"]))
    left = _left(jobs, given["output_dir"])
    if not left:
        print(f"all {_count(jobs)} are done already", file=sys.stderr)
        return 0
    return _paint(given, settings, left, len(jobs) - len(left))


def _of_stylize():
    return options.defaults(synthesis.stylize)


def _flags():
    """Those of `stylize`, and those of where the pictures go and who paints them."""
    own = options.defaults(batch.outputs) | options.defaults(batch.run)
    return _of_stylize() | {name: own[name] for name in (*FOLDER, *ENGINE)}


def _jobs(given):
    """A job for each picture, with the command of `stylize` that makes the same."""
    contents = _contents(given["content"])
    outputs = batch.outputs(contents, given["output_dir"], given["extension"])
    shared = {name: given[name] for name in _of_stylize()}
    commands = [
        runner.typed("stylize", shared | {"content": content, "output": output})
        for content, output in zip(contents, outputs)
    ]
    return list(map(Job, contents, outputs, commands))


def _contents(text):
    """The files that are meant by patterns and names, separated by commas; each once, sorted."""
    found = set()
    for pattern in flags.ListParser().parse(text):
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
        return record.is_done(job.output, job.command)
    except images.ImageError:
        return False


def _paint(given, settings, jobs, done):
    """Has the pictures painted, shows how far it is, and reports; returns the exit code."""
    folder, names = given["output_dir"], {os.path.basename(job.output) for job in jobs}
    images.make_folder(folder, "output_dir")
    images.check_output(jobs[0].output, "output_dir")
    images.remove_temporaries(folder, names)
    print(_announcement(given, len(jobs), done), file=sys.stderr)
    began, bad, made = time.perf_counter(), [], 0
    engine = {name: given[name] for name in ENGINE}
    try:
        with (
            contextlib.closing(batch.run(jobs, settings, **engine)) as results,
            tqdm(total=len(jobs) + done, initial=done, bar_format=BAR, disable=None) as bar,
        ):
            for job, error in results:
                bad += [(job.content, error)] if error else []
                made += not error
                bar.update()
                if bar.disable:  # in a log: a line each
                    print(f"{made + len(bad)}/{len(jobs)} {error or job.output}", file=sys.stderr)
    except (KeyboardInterrupt, SystemExit):  # the latter is what Ray makes of a SIGTERM
        print(
            f"tfstyle batch: interrupted; {made} of {_count(jobs)} are made, the same command goes "
            "on from here",
            file=sys.stderr,
        )
        return INTERRUPTED
    finally:
        images.remove_temporaries(folder, names)
    return _report(folder, made, bad, time.perf_counter() - began)


def _announcement(given, count, done):
    workers = given["workers"]
    if given["engine"] == "ray":
        where = f"Ray, {workers} worker{'s' if workers > 1 else ''}"
    elif workers > 1:  # only they import TensorFlow, which knows the device
        where = f"{workers} workers on {cost.cores()} cores"
    else:
        from tfstyle import device

        where = f"{device.name()}, {device.precision(given['precision'])}"
    pictures = f"{count} to paint" + (f", {done} done already" if done else "")
    return f"{where} | {given['features']} | {pictures}"


def _report(folder, made, bad, seconds):
    rate = 60 * made / seconds
    print(
        f"{folder}: {made} made in {seconds:.0f} s, {rate:.2g} a minute"
        + (f"; {len(bad)} could not be made:" if bad else ""),
        file=sys.stderr,
    )
    for content, error in sorted(bad):
        print(f"  {content}: {error.removeprefix(f'content={content}: ')}", file=sys.stderr)
    return FAILURE if bad else 0


def _count(things):
    return f"{len(things)} picture{'s' if len(things) > 1 else ''}"
