"""One run of a command: check, announce, optimise with a progress bar, save, report."""

import os
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
    for name in ("content", "style", "init"):
        if values.get(name) not in (None, *inits):
            values[name] = images.load(values[name], f"--{name}")
    plan = _plan(values)
    _announce(values, plan)
    result = _optimise(function, values)
    images.save(output, result.image, record | _outcome(result))
    _report(output, result, time.perf_counter() - began)
    return 130 if result.outcome == "interrupted" else 0


def _plan(values):
    shape = values["content"].shape[1:3] if "content" in values else (1, 1)
    height, width = schedule.fit(*shape, values["size"])
    return schedule.levels(height, width, values["evaluations"], values["scales"])


def _announce(values, plan):
    """The line at the start: device, network, size, memory and time to be expected."""
    layers = [*values.get("content_layers", ()), *values["style_layers"]]
    features.check_layers(values["features"], values.get("content_layers", ()), "--content_layers")
    features.check_layers(values["features"], values["style_layers"], "--style_layers")
    device = _load_tensorflow()
    precision = device.precision(values["precision"])
    architecture = features.FEATURES[values["features"]]
    work = sum(
        level.evaluations
        * cost.evaluation_flops(
            architecture, layers, values["style_layers"], level.height, level.width
        )
        for level in plan
    )
    last = plan[-1]
    memory = cost.memory_bytes(architecture, layers, last.height, last.width, precision)
    if memory > device.memory():
        raise ValueError(
            f"--size: {last.width}x{last.height} needs about {memory / 1e9:.0f} GB of memory, "
            f"{device.memory() / 1e9:.0f} GB are there; try a smaller one"
        )
    sizes = " > ".join(f"{level.width}x{level.height}" for level in plan)
    print(
        f"{device.name()}, {precision} | {values['features']} | {sizes} | "
        f"about {memory / 1e9:.1f} GB, {device.seconds(work, precision):.0f} s",
        file=sys.stderr,
    )


def _load_tensorflow():
    """The `device` module; TensorFlow's native code logs to the console whatever it is told."""
    if sys.stderr.isatty():
        print("starting TensorFlow ...", end="\r", file=sys.stderr, flush=True)
    console, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        from tfstyle import device

        device.name()  # looks for GPUs now
    finally:
        os.dup2(console, 2)
        os.close(console)
        os.close(nowhere)
    return device


def _optimise(function, values):
    with tqdm(total=values["evaluations"], unit="eval", dynamic_ncols=True, disable=None) as bar:

        def show(progress):
            bar.update(progress.evaluations - bar.n)
            bar.set_postfix_str(f"loss {progress.loss:.4g}")

        return function(**values, callback=show)


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


def _report(output, result, seconds):
    losses = ", ".join(f"{name} {value:.4g}" for name, value in result.parts.items())
    print(
        f"{output}: {result.outcome} after {result.evaluations} evaluations | {losses} | "
        f"{result.seconds:.1f} s of {seconds:.1f} s",
        file=sys.stderr,
    )
    if result.outcome == "interrupted":
        print(f"go on from there with --init={shlex.quote(output)} --scales=1", file=sys.stderr)
