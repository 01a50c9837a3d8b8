"""`tfstyle export`: the stylization as a SavedModel that any TensorFlow host can serve."""

import dataclasses
import os
import time
from collections.abc import Sequence

from tfstyle.cli import options
from tfstyle.cli.console import say
from tfstyle.networks import files
from tfstyle.settings import StylizerSettings
from tfstyle.settings.base import Settings, changed, setting
from tfstyle.settings.choices import GATYS_LAYERS, NETWORK, PICTURES
from tfstyle.settings.kinds import Choice, Integer, Path

OF_AN_INVERSION = ("layer", "precision", "max_size")


@dataclasses.dataclass(frozen=True)
class Exported(Settings):
    """What is exported: styles, a network that was trained, or one that inverts a layer."""

    style: tuple[str, ...] | None = changed(options.Style, "style", None, required=False)
    model: str | None = setting(
        None,
        Path(),
        "network of tfstyle train, by file or name, in the place of a style to be optimised",
        PICTURES,
    )
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
        None,
        Path(),
        "directory of the model, as servers watch it; of --model also a .onnx file, of one that "
        "paints a .tflite file",
        PICTURES,
        required=True,
        short="o",
    )
    version: int = setting(
        1,
        Integer(1, 2**31 - 1),
        "number of the directory within, which must not be there yet",
        PICTURES,
        main=True,
    )


def main(arguments: Sequence[str]) -> int:
    given = options.parse("export", (Exported, Model, StylizerSettings), arguments)
    if given is None:
        return 0
    asked = [name for name in Exported.fields() if name in given]
    if len(asked) != 1:
        received = " and ".join(f"--{name}" for name in asked) or "nothing"
        raise ValueError(
            f"--style: expected one or several different files, received {received}; "
            "take one of --style, --model and --layer"
        )
    return _export(given, asked[0])


def _export(given, asked):
    began = time.perf_counter()
    settings, model = options.make(StylizerSettings, given), options.make(Model, given)
    write = {"style": _stylizer, "model": _trained, "layer": _inversion}[asked]
    path, facts = write(given, settings, model)
    facts = ", ".join([f"{_size(path) / 1e6:.1f} MB", *facts])
    hint = f" | look at it with: saved_model_cli show --dir={path} --all"
    hint = hint if os.path.isdir(path) else ""
    say(f"{path}: {facts} | {time.perf_counter() - began:.1f} s{hint}")
    return 0


def _size(path):
    folders = [(folder, names) for folder, _, names in os.walk(path)]
    files = [os.path.join(folder, name) for folder, names in folders for name in names]
    return sum(map(os.path.getsize, files or [path]))


def _stylizer(given, settings, model):
    """The path of the model, and what is to be said of it."""
    from tfstyle.serving import module, saved_model

    stylizer = module.Stylizer(list(given["style"]), settings)
    path = saved_model.save(stylizer, model.output, model.version)
    memory = f"up to {stylizer.plan.memory / 1e9:.1f} GB for a picture"
    return path, [stylizer.plan.precision, memory]


def _trained(given, _, model):
    """The same of a network that was trained, which has its settings already."""
    _check_alone(given, "model", ("model",))
    files.find(given["model"])

    from tfstyle.networks import trained
    from tfstyle.serving import networks, onnx_file

    network, path = trained.load(given["model"]), str(model.output)
    formats = {".tflite": networks.save_lite, ".onnx": onnx_file.save}
    save = formats.get(os.path.splitext(path)[1].lower())
    if save is None:
        return networks.save(network, path, model.version), []
    save(network, path)
    return path, []


def _inversion(given, settings, model):
    """The same of the network that inverts a layer."""
    _check_alone(given, "layer", OF_AN_INVERSION)

    from tfstyle import device
    from tfstyle.serving import inversion, saved_model

    precision = device.find().precision(settings.precision)
    network = inversion.Inversion(given["layer"], precision, settings.max_size)
    return saved_model.save_inversion(network, model.output, model.version), [precision]


def _check_alone(given, asked, known):
    for name in given:
        if name not in (*known, *Model.fields()):
            raise ValueError(f"{name}: expected nothing beside --{asked}, received a value")
