"""What a worker does, wherever it runs: one picture, from file to file."""

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tfstyle import images, output, provenance
from tfstyle.outcome import Outcome
from tfstyle.run import Run
from tfstyle.settings import FileSettings, StylizeSettings

# Settings of which a value that is wrong for one shape of picture may be right for another.
OF_A_SHAPE = ("size", "scales", "memory", "style_size")


class Job(NamedTuple):
    """One picture: file to read, file to write, and the command that makes the same."""

    content: str
    output: str
    command: str


def paint(
    settings: StylizeSettings,
    style: Sequence[Any],
    job: Job,
    files: FileSettings = FileSettings(),  # noqa: B008, it is frozen
) -> str | None:
    """Paints one picture. A second call for a finished one does nothing.

    Args:
        settings: of all pictures.
        style: the styles, paths or arrays.
        job: a `Job`.
        files: how it is written.

    Returns:
        `None`, or a sentence that says why there is no picture.

    Raises:
        ValueError: a setting is wrong, whatever the picture.
    """
    if provenance.is_done(job.output, job.command):  # by a worker that died before it could tell
        return None
    try:
        images.check_output(job.output)
        run = Run(settings, job.content, list(style))
        run.prepare()
    except images.ImageError as error:
        return str(error)
    except ValueError as error:
        if str(error).startswith(OF_A_SHAPE):
            return str(error)
        raise
    try:
        result = run.complete()
        if result.outcome is Outcome.STOPPED:
            raise KeyboardInterrupt
        if not result.outcome.finished:
            return _unfinished(result.outcome)
        record = provenance.of(job.command, settings) | provenance.outcome(result)
        output.save(
            job.output,
            record,
            image=result.image,
            metadata=run.inputs.metadata,
            settings=files,
            alpha=result.alpha,
        )
    except images.ImageError as error:
        return str(error)
    except ValueError:
        raise
    except Exception as error:  # whatever it is, the next picture may be better
        return " ".join(f"failed: {type(error).__name__}: {error}".split())
    return None


def _unfinished(outcome):
    remedies = {
        Outcome.NOT_FINITE: "try a smaller style_weight",
        Outcome.OUT_OF_MEMORY: "try a smaller size",
    }
    return f"{outcome.value}: {remedies[outcome]}"


def answer(worker: Callable[[Job], str | None], job: Job) -> Any:
    """What `worker` says of a job, or the `ValueError` by which it ends all."""
    try:
        return worker(job)
    except ValueError as error:
        return ValueError(str(error))


def set_up(threads: int) -> None:
    """Prepares a process that does nothing but this, before it imports TensorFlow.

    Args:
        threads: its share of the cores.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)
