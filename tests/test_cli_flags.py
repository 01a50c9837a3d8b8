"""Flags: one clear line for every mistake, and the defaults and the help of every command."""

import dataclasses
import inspect
import os
import pathlib
import re
import subprocess
import sys

import pytest
from PIL import Image
from test_cli import EXPORT, ROOT, STYLIZE, TEXTURE, complaint

import tfstyle
from tfstyle import cli, device
from tfstyle.cli import export, options
from tfstyle.discriminator import Discriminator
from tfstyle.settings import (
    FileSettings,
    InvertSettings,
    StylizerSettings,
    StylizeSettings,
    TextureSettings,
)

INVERT = ["invert", "--content=content.jpg", "--output=out.png"]
TWO = "--style=style.png,content.jpg"


@pytest.mark.parametrize(
    "changes, expected",
    [
        (["--content=missing.jpg"], "--content=missing.jpg: file not found"),
        (["--content=text.png"], "--content=text.png"),
        (["--content=empty.png"], "--content=empty.png"),
        (["--content=cut.jpg"], "--content=cut.jpg"),
        (["--content=dot.png"], "--content=dot.png: expected"),
        (["--style=bomb.png"], "--style=bomb.png"),
        (["--style=."], "--style=."),
        (["--style="], "--style=: expected one or several different files"),
        (["--style=style.png,"], "--style=style.png,: expected one or several different files"),
        (["--style=style.png,none.png"], "--style=none.png: file not found"),
        (['--style="style.png'], '--style="style.png: expected one or several different files'),
        ([TWO, "--style_blend=1"], "--style_blend: expected one for each of the 2 styles"),
        (
            [TWO, "--style_blend=x"],
            "style_blend=x: expected numbers of at least 0 separated by commas",
        ),
        (
            [TWO, "--style_blend="],
            "style_blend=: expected numbers of at least 0 separated by commas",
        ),
        (
            [TWO, "--style_blend=0,0"],
            "style_blend=0,0: expected numbers of at least 0 separated by commas, not all 0",
        ),
        ([TWO, "--style_blend=2,-1"], "--style_blend=2,-1: expected numbers of at least 0"),
        (["--style_blend=1,2"], "--style_blend: expected one for each of the 1 styles"),
        (["--statistic=grammar"], "statistic=grammar: expected one of gram, mean, "),
        (["--statistic=grammar"], "; did you mean gram?"),
        (["--output=none/out.png"], "--output=none/out.png"),
        (["--output=out.gifx"], "--output=out.gifx: expected one of .png"),
        (["--output=."], "--output=."),
        (["--init=missing.png"], "--init=missing.png: file not found"),
        (
            ["--style_layers=block1_conv1,relu9_9"],
            "--style_layers: expected layers out of pixels",
        ),
        (["--content_layers=foo"], "--content_layers: expected layers out of pixels"),
        (["--content_weight=0", "--content_layers=foo"], "--content_layers: expected layers out"),
        (["--style_layer_weights=1,2"], "style_layer_weights: expected one for each of the 6"),
        (["--style_layer_weights=1,x"], "style_layer_weights=1,x: expected numbers of at least 0"),
        (["--content_weight=-1"], "--content_weight=-1: expected a number of at least 0"),
        (["--style_weight=nan"], "--style_weight=nan: expected a number of at least 0"),
        (["--tv_weight=much"], "--tv_weight=much: expected a number of at least 0"),
        (["--content_weight=0", "--style_weight=0"], "style_weight"),
        (["--features=resnet"], "features=resnet: expected one of vgg19_compact, vgg19"),
        (["--optimizer=sgd"], "optimizer=sgd: expected one of lbfgs, tfp_lbfgs, adam"),
        (["--pooling=median"], "pooling=median: expected one of average, max"),
        (["--weights=none.npz"], "weights: file none.npz not found"),
        (["--weights=text.png"], "weights: expected a name ending in .npz"),
        (["--size=0"], "size=0: expected PIXELS or WIDTHxHEIGHT"),
        (["--size=31"], "of at least 32 a side and at most 100000000 pixels"),
        (["--size=12x"], "size=12x: expected PIXELS or WIDTHxHEIGHT"),
        (["--size=9000000"], "size=9000000: expected PIXELS or WIDTHxHEIGHT"),
        (["--size=9000x90000"], "at most 100000000 pixels"),
        (["--size=4096x4096"], "--memory: expected at least"),
        (["--memory=0.5GB"], "for an image of 544x459 with its margin, received 0.5GB"),
        (["--memory=lots"], "--memory=lots: expected a size such as 8GB or 512MB"),
        (["--scales=9"], "scales: expected an integer from 1 to"),
        (["--evaluations=0"], "evaluations=0: expected an integer from 1 to 1000000"),
        (["--background=hot"], "background=hot: expected a colour"),
        (["--seed=-1"], "seed=-1: expected an integer of at least 0"),
        (["--colour=red"], "Unknown command line flag 'colour'"),
        (["--resume"], "--resume: expected a file in --checkpoint, received none"),
        (["--checkpoint="], "--checkpoint=: expected a path"),
        (["--checkpoint=none/run"], "--checkpoint=none/run: no such file or directory: expected"),
        (["--checkpoint=style.png/run"], "--checkpoint=style.png/run: not a directory: expected"),
        (["--checkpoint=."], "--checkpoint=.: is a directory: expected"),
        (["--checkpoint=text.png", "--resume"], "--checkpoint=text.png: expected a new file or a "),
        (["content.jpg"], "expected flags only, received 'content.jpg'"),
    ],
)
def test_bad_input(folder, capsys, monkeypatch, changes, expected):
    pathlib.Path("text.png").write_text("not a picture")
    pathlib.Path("empty.png").touch()
    whole = pathlib.Path("content.jpg").read_bytes()
    pathlib.Path("cut.jpg").write_bytes(whole[: len(whole) // 2])
    Image.new("RGB", (1, 1)).save("dot.png")
    pathlib.Path("bomb.png").write_bytes(b"P6 60000 60000 255\n")
    monkeypatch.setattr(device, "available_memory", lambda: 4e9)
    assert expected in complaint([*STYLIZE, *changes], capsys)


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ([*INVERT, "--layer=foo"], "--layer: expected layers out of pixels"),
        ([*INVERT, "--layer="], "--layer=: expected one or several different layer names"),
        ([*INVERT, "--layer=a,a"], "--layer=a,a: expected one or several different layer names"),
        ([*INVERT, "--tv_beta=0.5"], "tv_beta=0.5: expected a number from 1 to 10"),
        ([*INVERT, "--tv_weight=-1"], "tv_weight=-1"),
        ([*INVERT, "--content="], "--content=: expected a path"),
        ([*INVERT, "--init=content"], "--init=content: file not found"),
        ([*INVERT, "--style=style.png"], "Unknown command line flag 'style'"),
        ([*TEXTURE, "--style_layers="], "--style_layers=: expected one or several different layer"),
        ([*TEXTURE, "--init=content"], "--init=content: file not found"),
        ([*TEXTURE, "--layer=block1_conv1"], "Unknown command line flag 'layer'"),
    ],
)
def test_bad_input_of_other_commands(folder, capsys, arguments, expected):
    assert expected in complaint(arguments, capsys)


@pytest.mark.parametrize(
    "flag, expected",
    [
        (
            "hidden=-1",
            "discriminator_hidden=-1: expected integers from 1 to 4096 separated by commas",
        ),
        ("hidden=8,0", "discriminator_hidden=8,0: expected integers from 1 to 4096 separated"),
        (
            "hidden=x",
            "discriminator_hidden=x: expected integers from 1 to 4096 separated by commas",
        ),
        (
            "hidden=8,",
            "discriminator_hidden=8,: expected integers from 1 to 4096 separated by commas",
        ),
        ("features=cubic", "discriminator_features=cubic: expected one of linear, quadratic"),
        ("image_loss=x", "discriminator_image_loss=x: expected one of non_saturating, minimax"),
        ("steps=0", "discriminator_steps=0: expected an integer from 1 to 10000"),
        ("every=0", "discriminator_every=0: expected an integer of at least 1"),
        ("warm_up=-1", "discriminator_warm_up=-1: expected an integer from 0 to 100000"),
        ("positions=-1", "discriminator_positions=-1: expected an integer of at least 0"),
        ("positions=2.5", "discriminator_positions=2.5: expected an integer of at least 0"),
        (
            "label_smoothing=0.7",
            "discriminator_label_smoothing=0.7: expected a number from 0 to 0.5",
        ),
        ("learning_rate=-1", "discriminator_learning_rate=-1: expected a number of at least 0"),
        ("learning_rate=nan", "discriminator_learning_rate=nan: expected a number of at least 0"),
        ("penalty=-1", "discriminator_penalty=-1: expected a number of at least 0"),
        ("seed=1", "Unknown command line flag 'discriminator_seed'"),
    ],
)
@pytest.mark.parametrize("command", [STYLIZE, TEXTURE], ids=["stylize", "texture"])
def test_bad_flags_of_the_discriminator(folder, capsys, command, flag, expected):
    arguments = [*command, "--statistic=discriminator", f"--discriminator_{flag}"]
    assert expected in complaint(arguments, capsys)


@pytest.mark.parametrize(
    "changes, expected",
    [
        (["--style=none.png"], "--style=none.png: file not found"),
        (["--style="], "--style=: expected one or several different files"),
        (["--output="], "--output=: expected a path"),
        (["--output=style.png"], "--output: expected a directory to write to, received style.png"),
        (["--output=style.png/model"], "--output: expected a directory to write to, received"),
        (["--version=0"], "version=0: expected an integer of at least 1"),
        (["--version=7", "--output=there"], "--version: expected one that there does not hold"),
        (["--init=content.jpg"], "--init=content.jpg: expected one of content, noise"),
        (["--init=none.jpg"], "--init=none.jpg: expected one of content, noise"),
        (["--optimizer=tfp_lbfgs"], "--optimizer=tfp_lbfgs: expected one of lbfgs, adam"),
        (["--max_size=31"], "--max_size=31: expected an integer from 32 to 10000"),
        (
            ["--scales=9"],
            "--scales: expected an integer from 1 to 6 for 1024x1024 pixels, received 9",
        ),
        (
            ["--evaluations=1001"],
            "--evaluations: expected an integer from 1 to 1000, received 1001",
        ),
        (["--style_blend=1,2"], "--style_blend: expected one for each of the 1 styles"),
        (["--style_layers=relu9_9"], "--style_layers: expected layers out of pixels"),
        (["--discriminator_steps=0"], "discriminator_steps=0: expected an integer from 1 to"),
        (["--content=content.jpg"], "Unknown command line flag 'content'"),
        (["--seed=1"], "Unknown command line flag 'seed'"),
        (["--size=64"], "Unknown command line flag 'size'"),
    ],
)
def test_bad_input_of_an_export(folder, capsys, changes, expected):
    os.makedirs("there/7")
    assert expected in complaint([*EXPORT, *changes], capsys)


def defaults(function):
    """Defaults of a function's settings."""
    parameters = inspect.signature(function).parameters.items()
    found = {name: parameter.default for name, parameter in parameters}
    own = ("settings", "maps", "callback", "progress", "checkpoint", "resume")
    return {
        name: default
        for name, default in found.items()
        if default is not inspect.Parameter.empty and name not in own
    }


def test_defaults_of_an_export_are_those_of_the_stylizer():
    classes = options.Style, export.Model, StylizerSettings
    given = options.parse("export", classes, EXPORT[1:])
    assert given == {"style": ("style.png",), "output": "model"}
    made = options.make(StylizerSettings, given)
    assert dataclasses.asdict(made) == defaults(tfstyle.Stylizer)
    assert options.make(export.Model, given) == export.Model(output="model", version=1)


def test_help_on_an_export_needs_no_tensorflow():
    code = "import sys; from tfstyle import cli; code = cli.main(['export', '--helpfull']); "
    code += "sys.exit(9 if 'tensorflow' in sys.modules else code)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True)
    assert done.returncode == 0 and b"--max_evaluations" in done.stdout


MISSING = {
    "content": "--content: expected a path, received nothing",
    "style": "--style: expected one or several different files, received nothing",
    "output": "--output: expected a path, received nothing",
}


@pytest.mark.parametrize(
    "arguments, missing",
    [
        (STYLIZE, "content"),
        (STYLIZE, "style"),
        (STYLIZE, "output"),
        (TEXTURE, "style"),
        (TEXTURE, "output"),
        (INVERT, "content"),
        (INVERT, "output"),
        (EXPORT, "style"),
        (EXPORT, "output"),
    ],
)
def test_missing_flags(folder, capsys, arguments, missing):
    given = [argument for argument in arguments if not argument.startswith(f"--{missing}=")]
    assert MISSING[missing] in complaint(given, capsys)


def test_unknown_commands(folder, capsys):
    line = complaint(["stilize"], capsys)
    assert "expected a command out of stylize, batch, texture" in line
    assert line.endswith("received 'stilize'; did you mean stylize?")


# Arguments of the functions that are no flags, besides callbacks.
SETTINGS = {"settings", "progress"}
RUN = {"checkpoint", "resume"}


@pytest.mark.parametrize("command", [name for name in cli.COMMANDS if name not in ("web", "serve")])
def test_help_lists_the_flags_of_the_command_and_no_other(command, capsys):
    assert cli.main([command, "--helpfull"]) == 0
    text = capsys.readouterr().out
    functions = {
        "texture": tfstyle.synthesize_texture,
        "batch": tfstyle.stylize,
        "export": tfstyle.Stylizer,
    }
    function = functions.get(command) or getattr(tfstyle, command)
    expected = {*inspect.signature(function).parameters, "output"} - {"callback"} - SETTINGS
    expected |= {"verbose"}
    if command not in ("compare", "export", "frame", "train", "apply"):
        expected |= {*FileSettings.fields(), "save_every", "animation"}
    if command in ("stylize", "texture", "invert"):
        expected |= {"variations"}
    if command == "batch":
        expected -= {"save_every", "animation"}
        own = {"output_dir", "extension", "engine", "workers", "ray_address", "report"}
        expected = expected - {"output"} - RUN | own
    if command == "compare":  # of pictures that are made by another function
        expected |= {*inspect.signature(tfstyle.stylize).parameters} - SETTINGS - RUN
        expected -= {"callback", "changes"}
    if command == "export":
        expected |= {"version", "model", "layer"}
    if command == "train":
        expected |= {"samples"}
    if command == "apply":
        expected |= {"output_dir", "extension", *FileSettings.fields()}
    if "statistic" in expected and command != "train":  # which has statistics in closed form only
        learning = {field.name for field in dataclasses.fields(Discriminator)} - {"seed"}
        assert {f"discriminator_{name}" for name in learning} < expected
    listed = set(re.findall(r"^  --(\w+)", text, re.MULTILINE))
    assert listed == expected


def test_every_default_is_that_of_the_function():
    functions = {
        "stylize": (tfstyle.stylize, StylizeSettings),
        "texture": (tfstyle.synthesize_texture, TextureSettings),
        "invert": (tfstyle.invert, InvertSettings),
    }
    for command, (function, settings) in functions.items():
        given = options.parse(command, [settings], [])
        assert given == {} and dataclasses.asdict(options.make(settings, given)) == defaults(
            function
        )
