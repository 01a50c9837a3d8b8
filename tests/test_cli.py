"""The command line as a user meets it: pictures out, and one clear line for every mistake."""

import dataclasses
import inspect
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import tfstyle
from tfstyle import cli, device, images
from tfstyle.cli import export, options
from tfstyle.discriminator import Discriminator
from tfstyle.progress import Bar
from tfstyle.settings import (
    FileSettings,
    InvertSettings,
    StylizerSettings,
    StylizeSettings,
    TextureSettings,
)

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
    assert settings["evaluations"] == 6 and settings["outcome"] == "done"
    assert "--size=48x40" in settings["command"] and "--seed=0" in settings["command"]
    assert settings["settings"]["size"] == [48, 40] and settings["settings"]["seed"] == 0
    start, *_, end = capsys.readouterr().err.splitlines()
    assert "vgg19_narrow" in start and "48x40" in start and "GB" in start
    assert end.startswith("out.png: done after 6 evaluations") and "style" in end


@pytest.mark.parametrize(
    "flags, embedded",
    [
        (["--style=style.png", "--seed=3"], "--seed=3"),
        (["--style=style.png,content.jpg", "--style_blend=0.7,0.3"], "--style_blend=0.7,0.3"),
        (["--style=a, b.png"], '--style="a, b.png"'),
        (['--style="a, b.png"'], '--style="a, b.png"'),
        (['--style=style.png,"a, b.png"'], '--style=style.png,"a, b.png"'),
    ],
    ids=["one", "blend", "comma", "quoted", "list with a comma"],
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


EXPORT = ["export", "--style=style.png", "--output=model"]


def test_export_writes_a_model_and_prints_its_size(folder, capsys):
    (folder / "model").mkdir()
    assert cli.main([*EXPORT, "--version=3", "--precision=float32"]) == 0
    assert (folder / "model/3/saved_model.pb").is_file()
    size = sum(path.stat().st_size for path in (folder / "model").rglob("*") if path.is_file())
    assert 4e6 < size < 12e6  # 1.1 million weights, and graphs
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    start = f"model/3: {size / 1e6:.1f} MB, float32, up to "
    assert captured.out == "" and line.startswith(start), captured
    assert line.endswith("saved_model_cli show --dir=model/3 --all")


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
    code = "import sys; from tfstyle import cli; code = cli.main(['export', '--help']); "
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
    expected = {*inspect.signature(function).parameters, "output"} - {"callback"} - SETTINGS
    if command not in ("compare", "export"):
        expected |= {*FileSettings.fields(), "save_every", "animation"}
    if command in ("stylize", "texture", "invert"):
        expected |= {"variations"}
    if command == "batch":
        expected -= {"save_every", "animation"}
        own = {"output_dir", "extension", "engine", "workers", "ray_address"}
        expected = expected - {"output"} - RUN | own
    if command == "compare":  # of pictures that are made by another function
        expected |= {*inspect.signature(tfstyle.stylize).parameters} - SETTINGS - RUN
        expected -= {"callback", "changes"}
    if command == "export":
        expected |= {"version"}
    if "statistic" in expected:
        learning = {field.name for field in dataclasses.fields(Discriminator)} - {"seed"}
        assert {f"discriminator_{name}" for name in learning} < expected
    listed = {line.split()[0][2:] for line in text.splitlines() if line.startswith("  --")}
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


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_a_run_with_its_picture(folder, capsys, monkeypatch, name):
    number = getattr(signal, name)
    monkeypatch.setattr(Bar, "show", lambda bar, step: signal.raise_signal(number))
    before = signal.getsignal(signal.SIGINT)
    assert cli.main(["texture", "--style=style.png", "--output=out.png", *FEW]) == 130
    assert signal.getsignal(signal.SIGINT) == before
    assert size("out.png") == (48, 40)
    settings = images.read_settings("out.png")
    assert settings["outcome"] == "stopped" and 0 < settings["evaluations"] < 6
    *_, end, advice = capsys.readouterr().err.splitlines()
    assert end.startswith(f"out.png: stopped after {settings['evaluations']} evaluations")
    assert advice == "continue from there with --init=out.png --scales=1"


def test_a_signal_that_is_ignored_stays_so(folder, monkeypatch):
    """As SIGHUP is in a run that was started with nohup."""
    monkeypatch.setattr(Bar, "show", lambda bar, step: signal.raise_signal(signal.SIGHUP))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert cli.main(["texture", "--style=style.png", "--output=out.png", *FEW]) == 0
    finally:
        signal.signal(signal.SIGHUP, before)
    assert images.read_settings("out.png")["evaluations"] == 6


def test_the_second_signal_interrupts(folder, capsys, monkeypatch):
    def twice(bar, step):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Bar, "show", twice)
    before = sorted(os.listdir())
    assert cli.main(["texture", "--style=style.png", "--output=out.png", *FEW]) == 130
    end = capsys.readouterr().err.splitlines()[-1]
    assert end == "tfstyle texture: interrupted before the picture was written"
    assert sorted(os.listdir()) == before


def test_a_stopped_run_is_resumed_from_its_checkpoint(folder, capsys, monkeypatch):
    arguments = ["texture", "--style=style.png", SHALLOW, *FEW]
    assert cli.main([*arguments, "--output=whole.png"]) == 0
    resumed = [*arguments, "--output=out.png", "--checkpoint=a run", "--resume"]
    with monkeypatch.context() as patch:
        patch.setattr(Bar, "show", lambda bar, step: signal.raise_signal(signal.SIGINT))
        assert cli.main(resumed) == 130  # there is no checkpoint yet: it starts anew
    assert capsys.readouterr().err.splitlines()[-1].endswith("with --checkpoint='a run' --resume")
    assert images.read_settings("out.png")["evaluations"] < 6
    assert cli.main(resumed) == 0
    assert images.read_settings("out.png")["evaluations"] == 6
    np.testing.assert_array_equal(pixels("out.png"), pixels("whole.png"))
    command = images.read_settings("whole.png")["command"].replace("whole.png", "out.png")
    assert images.read_settings("out.png")["command"] == command
    assert "vgg19_narrow" in capsys.readouterr().err.splitlines()[-2]

    line = complaint([*resumed, "--seed=1"], capsys)
    assert "--checkpoint: expected one of a run with seed=1, received one with seed=0" in line


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


# --- what is said, and what is written ---------------------------------------------------------


@pytest.mark.parametrize("flag, name", [("--content=c.png", "content"), ("--style=c.png", "style")])
def test_an_output_over_an_input_is_refused(folder, capsys, flag, name):
    shutil.copy("style.png", "c.png")
    before = pathlib.Path("c.png").read_bytes()
    os.symlink("c.png", "link.png")
    for output in ("c.png", "./c.png", "link.png"):
        line = complaint([*STYLIZE, flag, f"--output={output}"], capsys)
        assert f"--output: expected another file than that of {name}, received {output}" in line
    assert pathlib.Path("c.png").read_bytes() == before


def test_a_full_disk_at_the_end_does_not_cost_the_picture(folder, capsys, monkeypatch):
    real, calls = images.save, []

    def save(path, *arguments, **options):
        calls.append(path)
        if len(calls) == 1:
            raise images.ImageError(f"{path}: writing failed (No space left on device)")
        real(path, *arguments, **options)

    monkeypatch.setattr(images, "save", save)
    assert cli.main([*TEXTURE, *FEW]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(
        "tfstyle texture: out.png: writing failed (No space left on device); the"
    )
    rescued = last.rpartition(" ")[2]
    assert size(rescued) == (48, 40) and images.read_settings(rescued)["outcome"] == "done"
    assert not os.path.exists("out.png")
    shutil.rmtree(os.path.dirname(rescued))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_nobody_hears_and_the_picture_is_made(folder, redirection):
    command = [sys.executable, "-m", "tfstyle", *TEXTURE, *FEW]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(f"{shlex.join(command)} {redirection}", shell=True, env=environment)
    assert size("out.png") == (48, 40)
    assert done.returncode == 0
