"""What a worker does, wherever it runs: one picture, from file to file."""

import os
from typing import NamedTuple

from tfstyle import images, record, schedule, synthesis
from tfstyle.plan import Plan


class Job(NamedTuple):
    """One picture: file to read, file to write, and the command that makes the same."""

    content: str
    output: str
    command: str


def paint(settings, job) -> str | None:
    """Paints one picture. A second call for a finished one does nothing.

    Args:
        settings: arguments of `tfstyle.stylize`, except for the content.
        job: a `Job`.

    Returns:
        `None`, or a sentence that says why there is no picture.

    Raises:
        ValueError: a setting is wrong, whatever the picture.
    """
    if record.is_done(job.output, job.command):  # by a worker that died before it could tell
        return None
    try:
        content = images.load(job.content, "content", images.colour(settings["background"]))
        size = schedule.output_size(*content.shape[1:3], settings["size"])
        Plan(settings, size).check_memory()
        images.check_output(job.output)
    except ValueError as error:
        return str(error)
    try:
        result = synthesis.stylize(content, **settings)
        if result.outcome == "interrupted":
            raise KeyboardInterrupt
        if result.outcome == "not finite":
            return "the loss is not finite: try a smaller style_weight"
        images.save(job.output, result.image, record.of(job.command) | record.outcome(result))
    except images.ImageError as error:
        return str(error)
    except ValueError:
        raise
    except Exception as error:  # whatever it is, the next picture may be better
        return " ".join(f"failed: {type(error).__name__}: {error}".split())


def answer(worker, job):
    """What `worker` says of a job, or the `ValueError` by which it ends all."""
    try:
        return worker(job)
    except ValueError as error:
        return ValueError(str(error))


def set_up(threads) -> None:
    """Prepares a process that does nothing but this, before it imports TensorFlow.

    Args:
        threads: its share of the cores.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)
