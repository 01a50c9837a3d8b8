"""`tfstyle export`: the stylization as a SavedModel that any TensorFlow host can serve."""

import dataclasses
import os
import time
from collections.abc import Sequence

from tfstyle.cli import options
from tfstyle.cli.console import say
from tfstyle.settings import StylizerSettings
from tfstyle.settings.base import Settings, changed, setting
from tfstyle.settings.choices import PICTURES
from tfstyle.settings.kinds import Integer, Path


@dataclasses.dataclass(frozen=True)
class Style(Settings):
    """The flag of styles, where no network is named."""

    style: tuple[str, ...] | None = changed(options.Style, "style", None, required=False)


@dataclasses.dataclass(frozen=True)
class Model(Settings):
    """What is exported beside styles, and where the model is written."""

    model: str | None = setting(
        None,
        Path(),
        "network of tfstyle train, by file or name, in the place of a style to be optimised",
        PICTURES,
    )
    output: str | None = setting(
        None,
        Path(),
        "directory of the model, as servers watch it; of a style network also a .tflite file",
        PICTURES,
        required=True,
    )
    version: int = setting(
        1,
        Integer(1, 2**31 - 1),
        "number of the directory within, which must not be there yet",
        PICTURES,
        main=True,
    )


def main(arguments: Sequence[str]) -> int:
    given = options.parse("export", (Style, Model, StylizerSettings), arguments)
    if given is None:
        return 0
    if ("style" in given) == ("model" in given):
        received = "both" if "style" in given else "nothing"
        raise ValueError(
            f"--style: expected one or several different files, or --model, received {received}"
        )
    return _export_network(given) if "model" in given else _export(given)


def _export_network(given):
    """Writes a network that was trained, which has its settings already."""
    began = time.perf_counter()
    for name in set(given) - set(Model.fields()):
        raise ValueError(f"--{name}: expected nothing beside --model, which has its own settings")
    model = options.make(Model, given)

    from tfstyle.networks import trained
    from tfstyle.serving import networks

    network, output = trained.load(str(model.model)), str(model.output)
    if output.lower().endswith(".tflite"):
        networks.save_lite(network, output)
        size = os.path.getsize(output)
    else:
        output = networks.save(network, output, model.version)
        size = _size(output)
    say(f"{output}: {size / 1e6:.1f} MB | {time.perf_counter() - began:.1f} s")
    return 0


def _size(directory):
    return sum(
        os.path.getsize(os.path.join(folder, name))
        for folder, _, names in os.walk(directory)
        for name in names
    )


def _export(given):
    began = time.perf_counter()
    settings, model = options.make(StylizerSettings, given), options.make(Model, given)

    from tfstyle.serving import module, saved_model

    stylizer = module.Stylizer(list(given["style"]), settings)
    directory = saved_model.save(stylizer, model.output, model.version)
    say(
        f"{directory}: {_size(directory) / 1e6:.1f} MB, {stylizer.plan.precision}, "
        f"up to {stylizer.plan.memory / 1e9:.1f} GB for a picture | "
        f"{time.perf_counter() - began:.1f} s | "
        f"look at it with: saved_model_cli show --dir={directory} --all"
    )
    return 0
