"""The command line as a user meets it: pictures out, and one clear line for every mistake."""

import dataclasses
import inspect
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import tfstyle
from tfstyle import cli, cost, images
from tfstyle.cli import options
from tfstyle.discriminator import Discriminator

ROOT = pathlib.Path(tfstyle.__file__).parent.parent
FEW = ["--size=48x40", "--evaluations=6", "--precision=float32"]
SHALLOW = "--style_layers=block1_conv1,block2_conv1"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with a style and a content picture."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("style.png", "content.jpg", "a, b.png"):
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


@pytest.mark.parametrize(
    "flags, embedded",
    [
        (["--style=style.png", "--seed=3"], "--seed=3"),
        (["--style=style.png,content.jpg", "--style_blend=0.7,0.3"], "--style_blend=0.7,0.3"),
        (['--style="a, b.png"'], '--style="a, b.png"'),
        (['--style=style.png,"a, b.png"'], '--style=style.png,"a, b.png"'),
    ],
    ids=["one", "blend", "comma", "list with a comma"],
)
def test_the_embedded_command_makes_the_same_picture_again(folder, flags, embedded):
    assert cli.main(["texture", "--output=out.png", SHALLOW, *FEW, *flags]) == 0
    first = pixels("out.png")
    command, *arguments = shlex.split(images.read_settings("out.png")["command"])
    assert command == "tfstyle" and embedded in arguments
    os.remove("out.png")
    assert cli.main(arguments) == 0
    np.testing.assert_array_equal(first, pixels("out.png"))


def test_a_blend_is_that_of_the_function(folder):
    flags = ["--style=style.png,content.jpg", "--style_blend=0.7,0.3", SHALLOW, *FEW]
    assert cli.main(["texture", "--output=out.png", *flags]) == 0
    options = {"size": (48, 40), "evaluations": 6, "precision": "float32", "style_blend": [7, 3]}
    layers = ("block1_conv1", "block2_conv1")
    made = tfstyle.synthesize_texture(["style.png", "content.jpg"], style_layers=layers, **options)
    assert np.abs(pixels("out.png") / 255 - made.image[0]).max() < 0.51 / 255


def test_invert_reports_and_embeds_how_near_it_came(folder, capsys):
    flags = ["--layer=block1_conv1,block2_conv1", "--tv_beta=1.5", "--evaluations=30"]
    flags += ["--size=48x40", "--precision=float32"]
    assert cli.main(["invert", "--content=content.jpg", "--output=out.png", *flags]) == 0
    assert size("out.png") == (48, 40)
    settings = images.read_settings("out.png")
    assert set(flags) <= set(shlex.split(settings["command"]))
    assert set(settings["losses"]) == {"content", "tv", "range"}
    original = images.resize(images.load("content.jpg"), 40, 48)
    error = np.mean((pixels("out.png") / 255 - original[0]) ** 2)
    # That of the picture before it was rounded to 8 bits.
    assert settings["PSNR"] == pytest.approx(-10 * np.log10(error), abs=0.02)
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("out.png: ") and f", PSNR {settings['PSNR']:.4g} | " in last


def test_stylize_keeps_the_shape_of_the_content(folder):
    few = ["--size=72", "--evaluations=5", "--precision=float32"]
    paths = ["--content=content.jpg", "--style=style.png", "--output=out.jpg"]
    assert cli.main(["stylize", *paths, *few]) == 0
    assert size("out.jpg") == (72, 60)


STYLIZE = ["stylize", "--content=content.jpg", "--style=style.png", "--output=out.png"]
INVERT = ["invert", "--content=content.jpg", "--output=out.png"]
TEXTURE = ["texture", "--style=style.png", "--output=out.png"]
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
        (["--style="], "--style: expected a file, received nothing"),
        (["--style=style.png,"], "--style: expected a file, received nothing"),
        (["--style=style.png,none.png"], "--style=none.png: file not found"),
        (['--style="style.png'], "--style"),
        ([TWO, "--style_blend=1"], "--style_blend: expected one for each of the 2 styles"),
        ([TWO, "--style_blend=x"], "style_blend=x: expected numbers separated by commas"),
        ([TWO, "--style_blend="], "style_blend=: expected numbers separated by commas"),
        ([TWO, "--style_blend=0,0"], "--style_blend: expected at least one above 0"),
        ([TWO, "--style_blend=2,-1"], "--style_blend: expected a number of at least 0"),
        (["--style_blend=1,2"], "--style_blend: expected one for each of the 1 styles"),
        (["--statistic=grammar"], "statistic=grammar: value should be one of <gram|mean|"),
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
        (["--size=4096x4096"], "--memory: expected at least"),
        (["--memory=0.5GB"], "for an image of 544x459 with its margin, received 0.5GB"),
        (["--memory=lots"], "--memory: expected a size such as 8GB or 512MB, received 'lots'"),
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


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ([*INVERT, "--layer=foo"], "--layer: expected layers out of block1_conv1"),
        ([*INVERT, "--layer="], "--layer: expected a list of different layer names"),
        ([*INVERT, "--layer=block1_conv1,block1_conv1"], "--layer: expected a list of different"),
        ([*INVERT, "--tv_beta=0.5"], "tv_beta=0.5: 0.5 is not number >= 1"),
        ([*INVERT, "--tv_weight=-1"], "tv_weight=-1"),
        ([*INVERT, "--content="], "--content: expected a file, received nothing"),
        ([*INVERT, "--init=content"], "--init=content: file not found"),
        ([*INVERT, "--style=style.png"], "Unknown command line flag 'style'"),
        ([*TEXTURE, "--style_layers="], "--style_layers: expected a list of different layer names"),
        ([*TEXTURE, "--layer=block1_conv1"], "Unknown command line flag 'layer'"),
    ],
)
def test_bad_input_of_other_commands(folder, capsys, arguments, expected):
    assert expected in complaint(arguments, capsys)


@pytest.mark.parametrize(
    "flag, expected",
    [
        ("hidden=-1", "discriminator_hidden: expected an integer of at least 1, received -1"),
        ("hidden=8,0", "discriminator_hidden: expected an integer of at least 1, received 0"),
        ("hidden=x", "discriminator_hidden=x: expected whole numbers separated by commas"),
        ("hidden=8,", "discriminator_hidden=8,: expected whole numbers separated by commas"),
        ("features=cubic", "discriminator_features=cubic: value should be one of <linear|quadr"),
        ("image_loss=x", "discriminator_image_loss=x: value should be one of <non_saturating|"),
        ("steps=0", "discriminator_steps=0"),
        ("every=0", "discriminator_every=0"),
        ("warm_up=-1", "discriminator_warm_up=-1"),
        ("positions=-1", "discriminator_positions=-1"),
        ("positions=2.5", "discriminator_positions=2.5"),
        ("label_smoothing=0.7", "discriminator_label_smoothing: expected a number from 0 to 0.5"),
        ("learning_rate=-1", "discriminator_learning_rate=-1"),
        ("learning_rate=nan", "discriminator_learning_rate: expected a number of at least 0"),
        ("penalty=-1", "discriminator_penalty=-1"),
        ("seed=1", "Unknown command line flag 'discriminator_seed'"),
    ],
)
@pytest.mark.parametrize("command", [STYLIZE, TEXTURE], ids=["stylize", "texture"])
def test_bad_flags_of_the_discriminator(folder, capsys, command, flag, expected):
    arguments = [*command, "--statistic=discriminator", f"--discriminator_{flag}"]
    assert expected in complaint(arguments, capsys)


EXPORT = ["export", "--style=style.png", "--output=model"]


def test_export_writes_a_model_and_prints_its_size(folder, capsys):
    (folder / "model").mkdir()
    assert cli.main([*EXPORT, "--version=3", "--precision=float32"]) == 0
    assert (folder / "model/3/saved_model.pb").is_file()
    size = sum(path.stat().st_size for path in (folder / "model").rglob("*") if path.is_file())
    assert 4e6 < size < 12e6  # 1.1 million weights, and graphs
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    start = f"model/3: {size / 1e6:.1f} MB, float32 | "
    assert captured.out == "" and line.startswith(start), captured
    assert line.endswith("saved_model_cli show --dir=model/3 --all")


@pytest.mark.parametrize(
    "changes, expected",
    [
        (["--style=none.png"], "--style=none.png: file not found"),
        (["--style="], "--style: expected a file, received nothing"),
        (["--output="], "--output: expected a file, received nothing"),
        (["--output=style.png"], "--output: expected a directory to write to, received style.png"),
        (["--output=style.png/model"], "--output: expected a directory to write to, received"),
        (["--version=0"], "version=0"),
        (["--version=7", "--output=there"], "--version: expected one that there does not hold"),
        (["--init=content.jpg"], "--init: expected one of content, noise"),
        (["--init=none.jpg"], "--init=none.jpg: file not found"),
        (["--optimizer=tfp_lbfgs"], "--optimizer: expected one of lbfgs, adam"),
        (["--max_size=31"], "--max_size: expected an integer from 32 to 10000, received 31"),
        (["--scales=9"], "--scales: expected an integer from 1 to 6, received 9"),
        (["--evaluations=1001"], "--evaluations: expected an integer from 1 to 1000"),
        (["--style_blend=1,2"], "--style_blend: expected one for each of the 1 styles"),
        (["--style_layers=relu9_9"], "--style_layers: expected layers out of block1_conv1"),
        (["--discriminator_steps=0"], "discriminator_steps=0"),
        (["--content=content.jpg"], "Unknown command line flag 'content'"),
        (["--seed=1"], "Unknown command line flag 'seed'"),
        (["--size=64"], "Unknown command line flag 'size'"),
    ],
)
def test_bad_input_of_an_export(folder, capsys, changes, expected):
    os.makedirs("there/7")
    assert expected in complaint([*EXPORT, *changes], capsys)


def test_defaults_of_an_export_are_those_of_the_stylizer():
    from tfstyle.cli import export

    parameters = inspect.signature(tfstyle.Stylizer).parameters
    wanted = {name: parameter.default for name, parameter in parameters.items()}
    flags = {name: value for name, value in export.flags().items() if name not in options.LEARNING}
    assert flags == wanted | {"output": options.REQUIRED, "version": 1}


def test_help_on_an_export_needs_no_tensorflow():
    code = "import sys; from tfstyle import cli; code = cli.main(['export', '--help']); "
    code += "sys.exit(9 if 'tensorflow' in sys.modules else code)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True)
    assert done.returncode == 0 and b"--max_evaluations" in done.stdout


def test_missing_flag_and_unknown_command(folder, capsys):
    assert "--style: expected a file" in complaint(["texture", "--output=out.png"], capsys)
    assert "expected a command out of stylize, batch, texture" in complaint(["stilize"], capsys)


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_help_lists_the_flags_of_the_command_and_no_other(command, capsys):
    assert cli.main([command, "--help"]) == 0
    text = capsys.readouterr().out
    functions = {
        "texture": tfstyle.synthesize_texture,
        "batch": tfstyle.stylize,
        "export": tfstyle.Stylizer,
    }
    function = functions.get(command) or getattr(tfstyle, command)
    expected = {*inspect.signature(function).parameters, "output"} - {"callback"}
    if command == "batch":
        own = {"output_dir", "extension", "engine", "workers", "ray_address"}
        expected = expected - {"output"} | own
    if command == "compare":  # of pictures that are made by another function
        expected |= {*inspect.signature(tfstyle.stylize).parameters}
        expected -= {"callback", "options"}
    if command == "export":
        expected |= {"version"}
    if "statistic" in expected:
        learning = {field.name for field in dataclasses.fields(Discriminator)} - {"seed"}
        expected |= {f"discriminator_{name}" for name in learning}
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
