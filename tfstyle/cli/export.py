"""`tfstyle export`: the stylization as a SavedModel that any TensorFlow host can serve."""

import dataclasses
import os
import time
from collections.abc import Sequence

from tfstyle.cli import options
from tfstyle.cli.console import say
from tfstyle.settings import StylizerSettings
from tfstyle.settings.base import Settings, setting
from tfstyle.settings.choices import PICTURES
from tfstyle.settings.kinds import Integer, Path


@dataclasses.dataclass(frozen=True)
class Model(Settings):
    """Where the model is written."""

    output: str | None = setting(
        None, Path(), "directory of the model, as servers watch it", PICTURES, required=True
    )
    version: int = setting(
        1,
        Integer(1, 2**31 - 1),
        "number of the directory within, which must not be there yet",
        PICTURES,
        main=True,
    )


def main(arguments: Sequence[str]) -> int:
    given = options.parse("export", (options.Style, Model, StylizerSettings), arguments)
    return _export(given) if given else 0


def _export(given):
    began = time.perf_counter()
    settings, model = options.make(StylizerSettings, given), options.make(Model, given)

    from tfstyle.serving import module, saved_model

    stylizer = module.Stylizer(list(given["style"]), settings)
    directory = saved_model.save(stylizer, model.output, model.version)
    size = sum(
        os.path.getsize(os.path.join(folder, name))
        for folder, _, names in os.walk(directory)
        for name in names
    )
    say(
        f"{directory}: {size / 1e6:.1f} MB, {stylizer.plan.precision}, "
        f"up to {stylizer.plan.memory / 1e9:.1f} GB for a picture | "
        f"{time.perf_counter() - began:.1f} s | "
        f"look at it with: saved_model_cli show --dir={directory} --all"
    )
    return 0
