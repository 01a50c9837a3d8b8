"""The command line as a user meets it: pictures out, signals, and the end of a run."""

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
from tfstyle import cli, images
from tfstyle.progress import Bar

ROOT = pathlib.Path(tfstyle.__file__).parent.parent
SHALLOW = "--style_layers=block1_conv1,block2_conv1"
FEW = ["--size=48x40", "--evaluations=6", "--precision=float32", SHALLOW]
STYLIZE = ["stylize", "--content=content.jpg", "--style=style.png", "--output=out.png"]
TEXTURE = ["texture", "--style=style.png", "--output=out.png"]
EXPORT = ["export", "--style=style.png", "--output=model"]


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
    assert cli.main(["texture", "--style=style.png", "--output=out.png", "-v", *FEW]) == 0
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
    assert cli.main(["texture", "--output=out.png", *FEW, *flags]) == 0
    first = pixels("out.png")
    command, *arguments = shlex.split(images.read_settings("out.png")["command"])
    assert command == "tfstyle" and embedded in arguments
    os.remove("out.png")
    assert cli.main(arguments) == 0
    np.testing.assert_array_equal(first, pixels("out.png"))


def test_a_blend_is_that_of_the_function(folder):
    flags = ["--style=style.png,content.jpg", "--style_blend=0.7,0.3", *FEW]
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
    assert last.startswith("out.png: done, 48x40 pixels in ")
    assert last.endswith(f" s, PSNR {settings['PSNR']:.4g}")


def test_stylize_keeps_the_shape_of_the_content(folder):
    few = ["--size=72", "--evaluations=5", "--precision=float32"]
    paths = ["--content=content.jpg", "--style=style.png", "--output=out.jpg"]
    assert cli.main(["stylize", *paths, *few]) == 0
    assert size("out.jpg") == (72, 60)


def test_export_writes_a_model_and_prints_its_size(folder, capsys):
    (folder / "model").mkdir()
    layers = ["--style_layers=block5_conv1", "--content_layers=block4_conv2"]  # the deepest
    assert cli.main([*EXPORT, "--version=3", "--precision=float32", *layers]) == 0
    assert (folder / "model/3/saved_model.pb").is_file()
    size = sum(path.stat().st_size for path in (folder / "model").rglob("*") if path.is_file())
    assert 4e6 < size < 12e6  # 1.1 million weights, and graphs
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    start = f"model/3: {size / 1e6:.1f} MB, float32, up to "
    assert captured.out == "" and line.startswith(start), captured
    assert line.endswith("saved_model_cli show --dir=model/3 --all")


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
    arguments = ["texture", "--style=style.png", *FEW]
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
    (end,) = capsys.readouterr().err.splitlines()
    assert end.startswith("out.png: done, 48x40 pixels in ")

    line = complaint([*resumed, "--seed=1"], capsys)
    assert "--checkpoint: expected one of a run with seed=1, received one with seed=0" in line


def test_an_error_needs_no_tensorflow(folder):
    code = "import sys; from tfstyle import cli; code = cli.main(sys.argv[1:]); "
    code += "sys.exit(9 if 'tensorflow' in sys.modules else code)"
    arguments = ["stylize", "--content=content.jpg", "--style=x.png", "--output=o.png"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code, *arguments], env=environment)
    assert done.returncode == 2


@pytest.mark.slow
def test_the_wheel_works_outside_the_source_tree(folder):
    # From a copy: a build leaves folders behind.
    shutil.copytree(ROOT / "tfstyle", "source/tfstyle")
    for name in ("setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, "source")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target=site"]
    subprocess.run([*install, "--no-build-isolation", "./source"], check=True)
    assert list(pathlib.Path("site").glob("tfstyle-*.dist-info/WHEEL"))
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


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_nobody_hears_and_the_picture_is_made(folder, redirection):
    command = [sys.executable, "-m", "tfstyle", *TEXTURE, *FEW]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(f"{shlex.join(command)} {redirection}", shell=True, env=environment)
    assert size("out.png") == (48, 40)
    assert done.returncode == 0
