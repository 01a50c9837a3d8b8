"""One run of a command: check, announce, optimise with a progress bar, save, report."""

import shlex
import sys
import time

from tqdm import tqdm

from tfstyle import images, schedule
from tfstyle.cli import options
from tfstyle.cli.plan import Plan

BAR = "{l_bar}{bar}| {elapsed}<{remaining}{postfix}"
EXIT_CODES = {"not finite": 1, "interrupted": 130}


def run(function, command, inits, arguments) -> int:
    """Runs `function` (`stylize` or `synthesize_texture`) with flags; returns the exit code."""
    values = options.parse(function, command, inits, arguments)
    if values is None:
        return 0
    began = time.perf_counter()
    output = values.pop("output")
    record = _record(command, values | {"output": output})
    images.check_output(output, "--output")
    background = images.colour(values["background"])
    for name in ("content", "style", "init"):
        if values.get(name) not in (None, *inits):
            values[name] = images.load(values[name], f"--{name}", background)
    shape = values["content"].shape[1:3] if "content" in values else (1, 1)
    size = schedule.output_size(*shape, values["size"])
    plan = Plan(values, size)
    plan.check_memory()
    with tqdm(total=plan.pixels(), bar_format=BAR, delay=1e-9, disable=None) as bar:
        display = _Display(plan, bar)
        result = function(**values, callback=display)
    images.save(output, result.image, record | _outcome(result))
    started = display.started or time.perf_counter()
    _report(output, result, started - began, time.perf_counter() - started)
    return EXIT_CODES.get(result.outcome, 0)


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
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _outcome(result):
    return {"outcome": result.outcome, "evaluations": result.evaluations, "losses": result.parts}


def _report(output, result, start_up, seconds):
    losses = ", ".join(f"{name} {value:.4g}" for name, value in result.parts.items())
    print(
        f"{output}: {result.outcome} after {result.evaluations} evaluations | {losses} | "
        f"start-up {start_up:.1f} s, then {seconds:.1f} s",
        file=sys.stderr,
    )
    if result.outcome == "interrupted":
        print(f"go on from there with --init={shlex.quote(output)} --scales=1", file=sys.stderr)
