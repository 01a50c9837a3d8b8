"""`tfstyle export`: the stylization as a SavedModel that any TensorFlow host can serve."""

import dataclasses
import os
import time
from collections.abc import Sequence

from tfstyle.cli import options
from tfstyle.cli.console import say
from tfstyle.settings import StylizerSettings
from tfstyle.settings.base import Settings, changed, setting
from tfstyle.settings.choices import GATYS_LAYERS, NETWORK, PICTURES
from tfstyle.settings.kinds import Choice, Integer, Path

OF_AN_INVERSION = ("layer", "precision", "max_size")


@dataclasses.dataclass(frozen=True)
class Exported(Settings):
    """What is exported: styles, or the network that inverts a layer."""

    style: tuple[str, ...] | None = changed(options.Style, "style", None, required=False)
    layer: str | None = setting(
        None,
        Choice(GATYS_LAYERS),
        "in the place of a style: the network of tfstyle invert --method=network for this layer",
        NETWORK,
    )


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
    )


def main(arguments: Sequence[str]) -> int:
    given = options.parse("export", (Exported, Model, StylizerSettings), arguments)
    return _export(given) if given else 0


def _export(given):
    began = time.perf_counter()
    settings, model = options.make(StylizerSettings, given), options.make(Model, given)
    if "layer" in given:
        directory, facts = _inversion(given, settings, model)
    elif "style" in given:
        directory, facts = _stylizer(given, settings, model)
    else:
        expected = Exported.fields()["style"].metadata["kind"].expected
        raise ValueError(f"--style: expected {expected}, or a --layer, received nothing")
    size = sum(
        os.path.getsize(os.path.join(folder, name))
        for folder, _, names in os.walk(directory)
        for name in names
    )
    say(
        f"{directory}: {size / 1e6:.1f} MB, {facts} | {time.perf_counter() - began:.1f} s | "
        f"look at it with: saved_model_cli show --dir={directory} --all"
    )
    return 0


def _stylizer(given, settings, model):
    """The directory of the model, and what is to be said of it."""
    from tfstyle.serving import module, saved_model

    stylizer = module.Stylizer(list(given["style"]), settings)
    directory = saved_model.save(stylizer, model.output, model.version)
    memory = f"up to {stylizer.plan.memory / 1e9:.1f} GB for a picture"
    return directory, f"{stylizer.plan.precision}, {memory}"


def _inversion(given, settings, model):
    """The same of the network that inverts a layer."""
    others = [name for name in given if name not in (*OF_AN_INVERSION, *Model.fields())]
    if others:
        raise ValueError(f"{others[0]}: expected nothing beside --layer, received a value")

    from tfstyle import device
    from tfstyle.serving import inversion, saved_model

    precision = device.find().precision(settings.precision)
    network = inversion.Inversion(given["layer"], precision, settings.max_size)
    return saved_model.save_inversion(network, model.output, model.version), precision
