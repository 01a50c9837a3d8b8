"""`tfstyle export`: the stylization as a SavedModel that any TensorFlow host can serve."""

import os
import sys
import time

from tfstyle import synthesis
from tfstyle.cli import options, runner

INITS = ("content", "noise")
OF_A_RUN = ("content", "size", "seed", "memory")  # what a request brings with it
LIMITS = {"max_size": 1024, "max_evaluations": 1000}


def main(arguments) -> int:
    values = options.parse(flags(), "export", INITS, arguments)
    return _export(values) if values else 0


def flags() -> dict:
    """Names and defaults: those of `stylize`, as far as a model keeps them, and of the export."""
    known = options.defaults(synthesis.stylize)
    kept = {name: default for name, default in known.items() if name not in OF_A_RUN}
    return kept | LIMITS | {"output": options.REQUIRED, "version": 1}


def _export(values):
    began = time.perf_counter()
    output, version = values.pop("output"), values.pop("version")
    values = runner.settings(values, INITS)

    from tfstyle import device, saved_model, stylizer

    precision = values["precision"] = device.precision(values["precision"])
    directory = saved_model.save(stylizer.Stylizer(**values), output, version)
    size = sum(
        os.path.getsize(os.path.join(folder, name))
        for folder, _, names in os.walk(directory)
        for name in names
    )
    print(
        f"{directory}: {size / 1e6:.1f} MB, {precision} | {time.perf_counter() - began:.1f} s | "
        f"look at it with: saved_model_cli show --dir={directory} --all",
        file=sys.stderr,
    )
    return 0
