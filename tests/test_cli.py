"""The command line as a user meets it: pictures out, and one clear line for every mistake."""

import inspect
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import tfstyle
from tfstyle import cli, cost, images
from tfstyle.cli import options

ROOT = pathlib.Path(tfstyle.__file__).parent.parent
FEW = ["--size=48x40", "--evaluations=6", "--precision=float32"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with a style and a content picture."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("style.png", "content.jpg"):
        Image.fromarray(rng.integers(0, 256, (50, 60, 3), np.uint8)).save(name)
    return tmp_path


def size(path):
    with Image.open(path) as picture:
        return picture.size


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def complaint(arguments, capsys, code=2):
    """The one line that a failing command prints."""
    before = sorted(os.listdir())
    assert cli.main(arguments) == code
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if line.strip()]
    assert captured.out == "" and len(lines) == 1, captured
    assert sorted(os.listdir()) == before, "something was written"
    return lines[0]


def test_texture_writes_the_size_asked_for_and_its_settings(folder, capsys):
    assert cli.main(["texture", "--style=style.png", "--output=out.png", *FEW]) == 0
    assert size("out.png") == (48, 40)
    settings = images.read_settings("out.png")
    assert settings["evaluations"] == 6 and settings["outcome"] == "budget spent"
    assert "--size=48x40" in settings["command"] and "--seed=0" in settings["command"]
    start, *_, end = capsys.readouterr().err.splitlines()
    assert "vgg19_compact" in start and "48x40" in start and "GB" in start
    assert end.startswith("out.png: budget spent after 6 evaluations") and "style" in end


def test_the_embedded_command_makes_the_same_picture_again(folder):
    assert cli.main(["texture", "--style=style.png", "--output=out.png", "--seed=3", *FEW]) == 0
    first = pixels("out.png")
    arguments = images.read_settings("out.png")["command"].split()[1:]
    os.remove("out.png")
    assert cli.main(arguments) == 0
    np.testing.assert_array_equal(first, pixels("out.png"))


def test_stylize_keeps_the_shape_of_the_content(folder):
    few = ["--size=72", "--evaluations=5", "--precision=float32"]
    paths = ["--content=content.jpg", "--style=style.png", "--output=out.jpg"]
    assert cli.main(["stylize", *paths, *few]) == 0
    assert size("out.jpg") == (72, 60)


STYLIZE = ["stylize", "--content=content.jpg", "--style=style.png", "--output=out.png"]


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
        (["--style="], "--style: expected a file, received nothing"),
        (["--output=none/out.png"], "--output=none/out.png"),
        (["--output=out.gifx"], "--output=out.gifx: expected one of .png"),
        (["--output=."], "--output=."),
        (["--init=missing.png"], "--init=missing.png: file not found"),
        (
            ["--style_layers=block1_conv1,relu9_9"],
            "--style_layers: expected layers out of block1_conv1",
        ),
        (["--content_layers=foo"], "--content_layers: expected layers out of block1_conv1"),
        (["--content_weight=0", "--content_layers=foo"], "--content_layers: expected layers out"),
        (["--style_layer_weights=1,2"], "style_layer_weights: expected one for each of the 5"),
        (["--style_layer_weights=1,x"], "style_layer_weights"),
        (["--content_weight=-1"], "content_weight=-1"),
        (["--style_weight=nan"], "style_weight: expected a number of at least 0, received nan"),
        (["--tv_weight=much"], "tv_weight=much"),
        (["--content_weight=0", "--style_weight=0"], "style_weight"),
        (["--features=resnet"], "features=resnet: value should be one of <vgg19_compact|vgg19>"),
        (["--optimizer=sgd"], "optimizer=sgd: value should be one of <lbfgs|tfp_lbfgs|adam>"),
        (["--pooling=median"], "pooling=median: value should be one of <average|max>"),
        (["--weights=none.npz"], "weights: file none.npz not found"),
        (["--weights=text.png"], "weights: expected a name ending in .npz"),
        (["--size=0"], "size: expected an integer of at least 32, received 0"),
        (["--size=12x"], "size=12x: expected PIXELS or WIDTHxHEIGHT"),
        (["--size=9000000"], "size: expected at most 100000000 pixels"),
        (["--size=4096x4096"], "--size: 4096x4096 needs about"),
        (["--scales=9"], "scales: expected an integer from 1 to"),
        (["--evaluations=0"], "evaluations=0"),
        (["--background=hot"], "background: expected a colour"),
        (["--seed=-1"], "seed=-1"),
        (["--colour=red"], "Unknown command line flag 'colour'"),
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
    monkeypatch.setattr(cost, "available_memory", lambda: 4e9)
    assert expected in complaint([*STYLIZE, *changes], capsys)


def test_missing_flag_and_unknown_command(folder, capsys):
    assert "--style: expected a file" in complaint(["texture", "--output=out.png"], capsys)
    assert "expected a command out of stylize, texture" in complaint(["stilize"], capsys)


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_help_lists_the_flags_of_the_command_and_no_other(command, capsys):
    assert cli.main([command, "--help"]) == 0
    text = capsys.readouterr().out
    functions = {"texture": tfstyle.synthesize_texture}
    function = functions.get(command) or getattr(tfstyle, command)
    expected = set(inspect.signature(function).parameters) - {"callback"} | {"output"}
    listed = {line.split()[0][2:] for line in text.splitlines() if line.startswith("  --")}
    assert listed == expected


def test_every_default_is_that_of_the_function(folder):
    paths = ["--content=a", "--style=b", "--output=c"]
    values = options.parse(
        options.defaults(tfstyle.stylize) | {"output": options.REQUIRED},
        "stylize",
        ("content",),
        paths,
    )
    for name, parameter in inspect.signature(tfstyle.stylize).parameters.items():
        if parameter.default is not inspect.Parameter.empty and name != "callback":
            value = tuple(values[name]) if isinstance(values[name], list) else values[name]
            assert value == parameter.default, name


def test_an_interrupted_run_keeps_its_picture(folder, capsys, monkeypatch):
    from tfstyle.optimizers import base

    real = base._progress

    def interrupted(state):
        monkeypatch.setattr(base, "_progress", real)
        raise KeyboardInterrupt

    monkeypatch.setattr(base, "_progress", interrupted)
    assert cli.main(["texture", "--style=style.png", "--output=out.png", *FEW]) == 130
    assert size("out.png") == (48, 40)
    assert images.read_settings("out.png")["outcome"] == "interrupted"
    assert "--init=out.png" in capsys.readouterr().err


def test_an_error_needs_no_tensorflow(folder):
    code = "import sys; from tfstyle import cli; code = cli.main(sys.argv[1:]); "
    code += "sys.exit(9 if 'tensorflow' in sys.modules else code)"
    arguments = ["stylize", "--content=content.jpg", "--style=x.png", "--output=o.png"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code, *arguments], env=environment)
    assert done.returncode == 2


def test_the_wheel_works_outside_the_source_tree(folder):
    # From a copy: a build leaves folders behind.
    shutil.copytree(ROOT / "tfstyle", "source/tfstyle")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, "source")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir=wheels", "./source"], check=True)
    (wheel,) = pathlib.Path("wheels").glob("tfstyle-*.whl")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target=site"]
    subprocess.run([*install, str(wheel)], check=True)
    arguments = ["texture", "--style=style.png", "--output=out.png", *FEW]
    environment = os.environ | {"PYTHONPATH": "site"}
    subprocess.run([sys.executable, "-m", "tfstyle", *arguments], env=environment, check=True)
    assert size("out.png") == (48, 40)
