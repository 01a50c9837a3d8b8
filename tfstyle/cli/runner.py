"""One run of a command: check, announce, optimise with a progress bar, save, report."""

import shlex
import sys
import time

from tqdm import tqdm

from tfstyle import cost, features, images, schedule
from tfstyle.cli import options


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
    with tqdm(total=values["evaluations"], unit="eval", delay=1e-9, disable=None) as bar:
        display = _Display(values, bar)
        result = function(**values, callback=display)
    images.save(output, result.image, record | _outcome(result))
    started = display.started or time.perf_counter()
    _report(output, result, started - began, time.perf_counter() - started)
    return 130 if result.outcome == "interrupted" else 0


class _Display:
    """The callback that announces the run when all is checked and built, and moves the bar."""

    def __init__(self, values, bar):
        self.values, self.bar, self.started = values, bar, None

    def __call__(self, progress):
        if progress.evaluations == 0:
            print(_announcement(self.values, *progress.image.shape[1:3]), file=sys.stderr)
            return
        self.started = self.started or time.perf_counter()  # graph built, first evaluation done
        self.bar.update(progress.evaluations - self.bar.n)
        self.bar.set_postfix_str(f"loss {progress.loss:.4g}")


def _announcement(values, height, width):
    """The line at the start: device, network, sizes, memory and time to be expected."""
    from tfstyle import device

    style_layers = values["style_layers"]
    layers = [*values.get("content_layers", ()), *style_layers]
    precision = device.precision(values["precision"])
    architecture = features.FEATURES[values["features"]]
    levels = schedule.levels(height, width, values["evaluations"], values["scales"])
    work = sum(
        level.evaluations
        * cost.evaluation_flops(architecture, layers, style_layers, level.height, level.width)
        for level in levels
    )
    memory = cost.memory_bytes(architecture, layers, height, width, precision)
    if memory > device.memory():
        raise ValueError(
            f"--size: {width}x{height} needs about {memory / 1e9:.0f} GB of memory, "
            f"{device.memory() / 1e9:.0f} GB are there; try a smaller one"
        )
    sizes = " > ".join(f"{level.width}x{level.height}" for level in levels)
    return (
        f"{device.name()}, {precision} | {values['features']} | {sizes} | "
        f"about {memory / 1e9:.1f} GB, {device.seconds(work, precision):.0f} s"
    )


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
