"""One run of a command: check, announce, optimise with a progress bar, save, report."""

import csv
import io
import shlex
import sys
import time

from tqdm import tqdm

from tfstyle import images, schedule
from tfstyle.cli import options
from tfstyle.cli.plan import Plan

BAR = "{l_bar}{bar}| {elapsed}<{remaining}{postfix}"
EXIT_CODES = {"not finite": 1, "interrupted": 130}


def run(function, command, inits, arguments, judge=None) -> int:
    """Runs a function of `tfstyle.synthesis` with flags; returns the exit code.

    Args:
        function: takes the flags, except for the output, as keywords.
        command: its name on the command line.
        inits: names that `init` may have.
        arguments: what was typed behind the command.
        judge: (content, image) -> what else is to be said of the result, `{name: number}`.
    """
    flags = options.defaults(function) | {"output": options.REQUIRED}
    values = options.parse(flags, command, inits, arguments)
    if values is None:
        return 0
    began = time.perf_counter()
    output = values.pop("output")
    record = _record(command, values | {"output": output})
    images.check_output(output, "--output")
    _load(values, inits)
    shape = values["content"].shape[1:3] if "content" in values else (1, 1)
    size = schedule.output_size(*shape, values["size"])
    plan = Plan(values, size)
    plan.check_memory()
    with tqdm(total=plan.pixels(), bar_format=BAR, delay=1e-9, disable=None) as bar:
        display = _Display(plan, bar)
        result = function(**values, callback=display)
    started = display.started or time.perf_counter()
    times = started - began, time.perf_counter() - started
    judged = judge(values["content"], result.image) if judge else {}
    images.save(output, result.image, record | _outcome(result) | judged)
    _report(output, result, judged, *times)
    return EXIT_CODES.get(result.outcome, 0)


def _load(values, inits):
    """Puts the pictures in the place of their paths."""
    background = images.colour(values["background"])
    for name in ("content", "style", "init"):
        value = values.get(name)
        if isinstance(value, list):
            values[name] = [images.load(path, f"--{name}", background) for path in value]
        elif value not in (None, *inits):
            values[name] = images.load(value, f"--{name}", background)


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


def _record(command, values):
    """What is embedded in the picture, so that it can be made again."""
    from tfstyle import __version__

    typed = [f"--{name}={_typed(value)}" for name, value in values.items() if value is not None]
    return {"tfstyle": __version__, "command": shlex.join(["tfstyle", command, *typed])}


def _typed(value):
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    if isinstance(value, list):
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(value)  # a name may hold a comma
        return line.getvalue()
    return str(value)


def _outcome(result):
    return {"outcome": result.outcome, "evaluations": result.evaluations, "losses": result.parts}


def _report(output, result, judged, start_up, seconds):
    numbers = ", ".join(f"{name} {value:.4g}" for name, value in (result.parts | judged).items())
    print(
        f"{output}: {result.outcome} after {result.evaluations} evaluations | {numbers} | "
        f"start-up {start_up:.1f} s, then {seconds:.1f} s",
        file=sys.stderr,
    )
    if result.outcome == "interrupted":
        print(f"go on from there with --init={shlex.quote(output)} --scales=1", file=sys.stderr)
