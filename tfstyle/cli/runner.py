"""One run of a command: check, announce, optimise with a progress bar, save, report."""

import csv
import io
import shlex
import sys
import time

from tqdm import tqdm

from tfstyle import discriminator, images, record, schedule
from tfstyle.cli import options
from tfstyle.plan import Plan

BAR = "{l_bar}{bar}| {elapsed}<{remaining}{postfix}"
EXIT_CODES = {"not finite": 1, "out of memory": 1, "interrupted": 130}


def run(function, command, inits, arguments, judge=None) -> int:
    """Runs a function of `tfstyle.synthesis` with flags; returns the exit code.

    Args:
        function: takes the flags, except for the output, as keywords.
        command: its name on the command line.
        inits: names that `init` may have.
        arguments: what was typed behind the command.
        judge: (content, image) -> what else is to be said of the result, `{name: number}`.
    """
    run = prepare(function, command, inits, arguments)
    return run.execute(judge) if run else 0


def prepare(function, command, inits, arguments):
    """The `Run` that the arguments describe; `None` where the help was asked for and printed."""
    known = options.defaults(function) | {"output": options.REQUIRED}
    values = options.parse(known, command, inits, arguments)
    return values and Run(function, command, inits, values)


class Run:
    """A run whose flags, pictures and size have been checked.

    Args:
        function, command, inits: see `run`.
        values: the flags, with the output among them.
    """

    def __init__(self, function, command, inits, values):
        self.function = function
        self.output = values["output"]
        self.record = record.of(typed(command, values))
        images.check_output(self.output, "--output")
        self.values = settings(
            {name: value for name, value in values.items() if name != "output"}, inits
        )
        shape = self.values["content"].shape[1:3] if "content" in values else (1, 1)
        self.plan = Plan(self.values, schedule.output_size(*shape, values["size"]))
        self.plan.check_memory()

    def execute(self, judge=None) -> int:
        """Makes the picture, saves it, reports; returns the exit code."""
        began = time.perf_counter()
        with tqdm(total=self.plan.pixels(), bar_format=BAR, delay=1e-9, disable=None) as bar:
            display = _Display(self.plan, bar)
            result = self.function(**self.values, callback=display)
        started = display.started or time.perf_counter()
        times = started - began, time.perf_counter() - started
        judged = judge(self.values["content"], result.image) if judge else {}
        images.save(self.output, result.image, self.record | record.outcome(result) | judged)
        _report(self.output, result, judged, *times)
        return EXIT_CODES.get(result.outcome, 0)


def settings(values, inits) -> dict:
    """Flags as the function takes them: pictures are loaded, a discriminator is set up."""
    values = dict(values)
    _load(values, inits)
    _teach(values)
    return values


def _load(values, inits):
    """Puts the pictures in the place of their paths."""
    background = images.colour(values["background"])
    for name in ("content", "style", "init"):
        value = values.get(name)
        if isinstance(value, list):
            values[name] = [images.load(path, f"--{name}", background) for path in value]
        elif value not in (None, *inits):
            values[name] = images.load(value, f"--{name}", background)


def _teach(values):
    """Puts a discriminator with its flags in the place of its name."""
    names = [name for name in values if name in options.LEARNING]
    settings = {name.removeprefix(options.PREFIX): values.pop(name) for name in names}
    learner = discriminator.Discriminator(**settings)  # also checks flags that will not be used
    if values.get("statistic") == "discriminator":
        values["statistic"] = learner


class _Display:
    """The callback that announces the run when all is checked and built, and moves the bar."""

    def __init__(self, plan, bar):
        self.plan, self.bar = plan, bar
        self.evaluations, self.started = 0, None

    def __call__(self, progress):
        if progress.evaluations == 0:
            print(self.plan.announcement(), file=sys.stderr)
            return
        self.started = self.started or time.perf_counter()  # graph built, first evaluation done
        height, width = progress.image.shape[1:3]
        self.bar.set_postfix_str(f"{progress.evaluations} evaluations, loss {progress.loss:.4g}")
        self.bar.update((progress.evaluations - self.evaluations) * height * width)
        self.evaluations = progress.evaluations


def typed(command, values):
    """The command line with these flags."""
    return shlex.join(["tfstyle", command, *flags(values)])


def flags(values):
    """Values of flags as they are typed: `["--name=value"]`."""
    return [f"--{name}={_text(value)}" for name, value in values.items() if value is not None]


def _text(value):
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    if isinstance(value, list):
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(map(_text, value))  # a name may hold a comma
        return line.getvalue()
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _report(output, result, judged, start_up, seconds):
    numbers = ", ".join(f"{name} {value:.4g}" for name, value in (result.parts | judged).items())
    print(
        f"{output}: {result.outcome} after {result.evaluations} evaluations | {numbers} | "
        f"start-up {start_up:.1f} s, then {seconds:.1f} s",
        file=sys.stderr,
    )
    if result.outcome == "interrupted":
        print(f"go on from there with --init={shlex.quote(output)} --scales=1", file=sys.stderr)
