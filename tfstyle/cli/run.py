"""One run of a command: check, announce, optimise with a progress bar, save, report."""

import contextlib
import functools
import os
import shlex
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tfstyle import animation, images, masks, material, provenance
from tfstyle import output as files
from tfstyle.cli import SIGNALS, options, variations
from tfstyle.cli.console import Failure, is_detailed, say
from tfstyle.outcome import Outcome
from tfstyle.progress import Bar
from tfstyle.run import Run
from tfstyle.settings import FileSettings, Settings
from tfstyle.steps import Result

Judge = Callable[[np.ndarray, np.ndarray], dict[str, float]]


def run(
    command: str,
    settings: type[Settings],
    pictures: Sequence[type[Settings]],
    arguments: Sequence[str],
    judge: Judge | None = None,
) -> int:
    """Runs a command that paints a picture, or variations of it; returns the exit code.

    Args:
        command: its name.
        settings: those of its job.
        pictures: flags of the pictures that it takes.
        arguments: what was typed behind the command.
        judge: (content, image) -> what else is to be said of the result, `{name: number}`.
    """
    given = options.parse(command, (*pictures, options.Output, settings), arguments)
    if given is None:
        return 0
    names = [name for each in pictures for name in each.fields()]
    paths = {name: given[name] for name in names if name in given}
    output = options.make(options.Output, given)

    def paint(settings, output):
        return Painting(command, settings, paths, output)

    if output.variations > 1:
        return variations.run(options.make(settings, given), output, paint, judge)
    return paint(options.make(settings, given), output).execute(judge)


class Painting:
    """A picture to be made, whose flags and pictures have been checked.

    Args:
        command: "stylize", "texture" or "invert".
        settings: of the job.
        pictures: paths of the content, the styles and the maps, by name.
        output: where it is written, and the checkpoint.
        judged: see `Run`.
        bar: that it shares with other pictures, of which nothing is said but what went wrong.

    Attributes:
        files: that are written: the picture, or its maps.
    """

    def __init__(
        self,
        command: str,
        settings: Any,
        pictures: Mapping[str, Any],
        output: options.Output,
        judged: bool = False,
        bar: Bar | None = None,
    ):
        self.output, self.options, self._shared = str(output.output), output, bar
        maps = material.named(pictures.get("maps", ()))
        self.files = material.outputs(self.output, maps)
        inputs = {**pictures, **{name: getattr(settings, name, None) for name in masks.NAMES}}
        for path in self.files:
            images.check_output(path, "--output")
            check_inputs_stay("output", path, inputs)
        files.check(self.output, output)
        if output.animation:
            animation.check(output.animation)
            check_inputs_stay("animation", output.animation, {**inputs, "output": self.files})
        for path in filter(None, (*self.files, output.checkpoint, output.animation)):
            remove_temporaries(path)
        check_resumed(output)
        self.command = typed(command, pictures, settings, self.output, output)
        self.run = Run(
            settings,
            **_single(pictures) | {"maps": maps},
            checkpoint=output.checkpoint,
            resume=output.resume,
            judged=judged,
        )
        self.record = provenance.of(self.command, settings)
        self._film = animation.Animation(self.run.inputs.size) if output.animation else None
        self._saved = time.monotonic()

    def execute(self, judge: Judge | None = None) -> int:
        """Makes the picture, saves it, reports; returns the exit code."""
        began, started = time.perf_counter(), None
        shown = contextlib.nullcontext(self._shared) if self._shared else Bar()
        with stopping_at_signals(self.run), shown as bar:
            first = next(self.run)  # all is ready
            if self._film and first.evaluations:
                self._film.resume(str(self.options.animation))
            self._follow(first)
            if is_detailed():
                say(_announcement(self.run))
            for step in self.run:
                started = started or time.perf_counter()  # the graph is built
                bar.show(step)
                self._follow(step)
        started = started or time.perf_counter()
        result, content = self.run.result, self.run.inputs.content
        times = started - began, time.perf_counter() - started
        judged = judge(content, result.image) if judge and content is not None else {}
        record = self.record | provenance.outcome(result) | judged
        self._save(result, record)
        self._save_animation(result)
        self._report(result, judged, *times)
        return result.outcome.exit_code

    def _follow(self, step):
        """Writes what is to be seen on the way, where it is asked for."""
        if self._film:
            self._film.add(step)
        every = self.options.save_every
        if every is not None and time.monotonic() - self._saved >= every and step.evaluations:
            result = self.run.result
            try:
                for path, write in self._writers(result):
                    write(path, self.record | provenance.outcome(result))
            except images.ImageError as error:  # there may be room for it at the end
                say(str(error))
            self._saved = time.monotonic()

    def _writers(self, result):
        """The files of a result, and for each a function (path, record) that writes it."""
        metadata, made = self.run.inputs.metadata, self.run.inputs.material
        forms = made.forms if made else [{"alpha": result.alpha}]
        pictures = list(result.maps.values()) or [result.image]
        for path, image, form in zip(self.files, pictures, forms):
            yield (
                path,
                functools.partial(
                    files.save, image=image, metadata=metadata, settings=self.options, **form
                ),
            )

    def _save(self, result, record):
        """Writes the pictures; where that fails, somewhere else, and says where."""
        written = [save_or_rescue(path, write, record) for path, write in self._writers(result)]
        failures = list(filter(None, written))
        if failures:
            raise Failure("; ".join(failures))

    def _save_animation(self, result):
        if self._film:
            try:
                self._film.save(self.options.animation, result.image)
            except (OSError, ValueError) as error:
                raise Failure(f"{self.options.animation}: writing failed: {error}") from error

    def _report(self, result, judged, start_up, seconds):
        files = ", ".join(self.files)
        if is_detailed():
            numbers = (f"{name} {value:.4g}" for name, value in (result.parts | judged).items())
            facts = (
                f"{files}: {result.outcome.value} after {result.evaluations} evaluations",
                ", ".join(numbers),  # none where nothing was minimised
                f"start-up {start_up:.1f} s, then {seconds:.1f} s",
            )
            say(" | ".join(filter(None, facts)))
        elif not self._shared or not result.outcome.finished:
            say(summary(files, result, start_up + seconds, "evaluations", judged))
        if result.outcome is Outcome.STOPPED and (self.run.checkpoint_path or not result.maps):
            say(continued(self.run.checkpoint_path, self.output))


def continued(checkpoint: str | os.PathLike | None, output: str = "") -> str:
    """How a run that was stopped goes on, from its checkpoint, or without one from its picture."""
    flags = (
        f"--checkpoint={shlex.quote(os.fspath(checkpoint))} --resume"
        if checkpoint
        else f"--init={shlex.quote(output)} --scales=1"
    )
    return f"continue from there with {flags}"


def summary(
    files: str, result: Result, seconds: float, unit: str, judged: Mapping[str, float] | None = None
) -> str:
    """What came of a run, for a user who wants no details."""
    if not result.outcome.finished:
        return f"{files}: {result.outcome.value} after {result.evaluations} {unit}"
    height, width = result.image.shape[1:3]
    numbers = "".join(f", {name} {value:.4g}" for name, value in (judged or {}).items())
    return f"{files}: done, {width}x{height} pixels in {seconds:.1f} s{numbers}"


def save_or_rescue(path: str, write: Callable[..., None], record: Mapping[str, Any]) -> str | None:
    """Writes a picture by `write(path, record)`; where that fails, somewhere else, and says where.

    Returns:
        What went wrong; `None` where nothing did.
    """
    try:
        write(path, record)
    except images.ImageError as error:
        rescued = os.path.join(tempfile.mkdtemp(prefix="tfstyle-"), "rescued.png")
        write(rescued, record)
        return f"{error}; the picture is in {rescued}"
    return None


def check_inputs_stay(flag: str, output: str, pictures: Mapping[str, Any]) -> None:
    """Raises `ValueError` where the file of a flag would replace one of other flags."""
    for name, paths in pictures.items():
        for path in paths if isinstance(paths, (tuple, list)) else [paths]:
            if path and os.path.exists(path) and os.path.exists(output):
                if os.path.samefile(path, output):
                    raise ValueError(
                        f"{flag}: expected another file than that of {name}, received {output}"
                    )


def check_resumed(files: Any) -> None:
    """Raises `ValueError` where flags ask to resume from no file."""
    if files.resume and not files.checkpoint:
        raise ValueError("resume: expected a file in --checkpoint, received none")


def remove_temporaries(path: str) -> None:
    """Removes what a run that wrote the same file left beside it when it was killed."""
    folder, name = os.path.split(os.path.realpath(os.path.expanduser(path)))
    images.remove_temporaries(folder, {name})


def _announcement(run: Run) -> str:
    from tfstyle import device

    plan = run.plan
    seconds = plan.seconds(device.speed(plan.precision), device.speed("float32"))
    return plan.announcement(run.settings.chosen("features"), seconds)


@contextlib.contextmanager
def stopping_at_signals(run: Any) -> Iterator[None]:
    """Stops the run at the first signal, and interrupts it at the second, or before it has begun.

    A run that is stopped ends with its picture and its checkpoint.
    """

    def handle(number, frame):
        if run.evaluations and not run.is_stopping:
            run.stop()
        else:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def typed(
    command: str,
    pictures: Mapping[str, Any],
    settings: Settings,
    output: str,
    files: Settings | None = None,
) -> str:
    """The command line that makes a picture; `files` say how it is written."""
    fields = options.Content.fields() | options.Style.fields() | options.Maps.fields()
    paths = {
        name: fields[name].metadata["kind"].write(value)
        for name, value in pictures.items()
        if value is not None
    }
    known = files.texts() if files else {}
    written = {name: known[name] for name in FileSettings.fields() if name in known}
    texts = {**paths, **settings.texts(), **written, "output": output}
    return shlex.join(["tfstyle", command, *(f"--{name}={text}" for name, text in texts.items())])


def _single(pictures):
    """Pictures as `Run` takes them: a list of styles."""
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in pictures.items()
    }
