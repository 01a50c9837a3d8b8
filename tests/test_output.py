"""What a run leaves in files: transparency, shape, metadata, and pictures on the way."""

import os
import signal

import numpy as np
import pytest
from PIL import Image, ImageSequence

from tfstyle import cli, images, working
from tfstyle.animation import MOST, Animation
from tfstyle.inputs import Inputs
from tfstyle.optimizers import base
from tfstyle.progress import Bar
from tfstyle.settings import InvertSettings

FEW = ["--evaluations=4", "--precision=float32", "--layer=block1_conv1"]
INVERT = ["invert", "--content=content.png"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A working directory with a photograph of which the left half is transparent."""
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 4), np.uint8)
    pixels[..., 3] = np.where(np.arange(64) < 32, 0, 255)
    exif = Image.Exif()
    exif[0x010F], exif[0x8825] = "Maker", {1: "N", 2: (48.0, 12.0, 30.5)}
    Image.fromarray(pixels).save("content.png", exif=exif, dpi=(300, 300))
    return tmp_path


def complaint(arguments, capsys):
    """The one line that a failing command prints."""
    assert cli.main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_run_keeps_transparency_depth_and_metadata():
    flags = ["--size=48", "--depth=16", "--keep_exif=camera"]
    assert cli.main([*INVERT, *FEW, *flags, "--output=out.png"]) == 0
    picture = images.read("out.png")
    assert picture.pixels.shape == (1, 36, 48, 3)
    assert len(np.unique(picture.pixels * 255 % 1 > 0.01)) == 2  # more than 8 bits
    alpha = picture.alpha[0, ..., 0]
    assert (alpha[:, :20] < 0.02).all() and (alpha[:, 28:] > 0.98).all()
    assert picture.metadata.camera == {271: "Maker"} and not picture.metadata.place
    assert picture.metadata.resolution == pytest.approx((300, 300), abs=0.1)
    command = images.read_settings("out.png")["command"]
    assert "--depth=16 --keep_exif=camera" in command and "--alpha" not in command


@pytest.mark.parametrize("flags", [["--output=out.jpg"], ["--output=out.png", "--alpha=flatten"]])
def test_what_is_flattened_is_painted(flags):
    assert cli.main([*INVERT, *FEW, "--size=48", *flags]) == 0
    assert images.read(flags[0].removeprefix("--output=")).alpha is None


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--output=out.jpg", "--alpha=keep"], "--alpha: expected an output with transparency"),
        (["--output=out.webp", "--depth=16"], "--depth: expected 8, or 16 for an output with"),
        (["--output=out.png", "--animation=a.mp4"], "--animation: expected one of .webp .gif"),
        (["--output=a.webp", "--animation=a.webp"], "--animation=a.webp: "),
        (["--output=out.png", "--animation=content.png"], "--animation: expected one of"),
    ],
)
def test_what_does_not_go_together(flags, message, capsys):
    if flags[-1] == "--animation=a.webp":
        images.save("a.webp", np.zeros((1, 40, 40, 3)))
        message = "--animation: expected another file than that of output, received a.webp"
    assert message in complaint([*INVERT, *FEW, *flags], capsys)


def test_fit():
    """A content with a column of each colour: which of them are seen, and where."""
    columns = np.tile(np.linspace(0, 1, 96, dtype=np.float32)[:, None], (1, 48, 1, 3))

    def content(fit):
        settings = InvertSettings(size=(64, 64), fit=fit, background="red")
        return Inputs.load(settings, columns)

    cut = content("crop")
    np.testing.assert_array_equal(cut.content, columns[:, :, 24:72])
    assert cut.alpha is None
    padded = content("pad")
    assert padded.content.shape == (1, 64, 64, 3) and padded.alpha.shape == (1, 64, 64, 1)
    np.testing.assert_array_equal(padded.content[0, :16, :], np.full((16, 64, 3), (1, 0, 0)))
    np.testing.assert_allclose(padded.content[0, 16:48], images.resize(columns, 32, 64)[0])
    inside = (np.arange(64) >= 16) & (np.arange(64) < 48)
    np.testing.assert_array_equal(padded.alpha[0, :, 0, 0], inside)
    stretched = content("stretch")
    assert stretched.content.shape == columns.shape and stretched.alpha is None
    whole = working.working_picture(stretched.content, (64, 64))[0, 2:-2, 2:-2]
    np.testing.assert_allclose(whole, images.resize(columns, 64, 64)[0])


def test_the_picture_is_saved_on_the_way(monkeypatch):
    seen = []

    def show(bar, step):
        if os.path.exists("out.png"):
            seen.append(images.read_settings("out.png"))

    monkeypatch.setattr(Bar, "show", show)
    flags = ["--size=48", "--evaluations=40", "--save_every=0", "--output=out.png"]
    assert cli.main([*INVERT, *FEW[1:], *flags]) == 0
    counts = [record["evaluations"] for record in seen]
    assert counts == sorted(counts) and 0 < counts[0] < 40
    assert {record["outcome"] for record in seen} == {"stopped"}
    assert images.read_settings("out.png")["outcome"] == "done"
    assert sorted(os.listdir()) == ["content.png", "out.png"]


@pytest.mark.parametrize("extension", [".webp", ".gif"])
@pytest.mark.parametrize("is_stopped", [False, True])
def test_an_animation_of_a_run(extension, is_stopped, monkeypatch):
    if is_stopped:
        monkeypatch.setattr(Bar, "show", lambda bar, step: signal.raise_signal(signal.SIGINT))
    flags = ["--size=48", "--output=out.png", f"--animation=a{extension}"]
    assert cli.main([*INVERT, *FEW, *flags]) == (130 if is_stopped else 0)
    with Image.open("a" + extension) as film, Image.open("out.png") as last:
        assert film.n_frames > (not is_stopped)  # equal ones are stored once
        assert film.size == last.size
        film.seek(film.n_frames - 1)
        difference = np.int32(film.convert("RGB")) - np.int32(last.convert("RGB"))
        assert np.abs(difference).mean() < 30  # of noise
    assert sorted(os.listdir()) == sorted(["a" + extension, "content.png", "out.png"])


def test_a_film_goes_on_where_its_run_is_resumed(monkeypatch):
    def frames():
        with Image.open("a.gif") as film:
            pictures = [np.int32(each.convert("RGB")) for each in ImageSequence.Iterator(film)]
        return pictures

    flags = ["--size=48", "--evaluations=6", "--output=out.png", "--animation=a.gif"]
    command = [*INVERT, *FEW[1:], *flags, "--checkpoint=run.npz", "--resume"]
    with monkeypatch.context() as patch:
        patch.setattr(base, "CHUNK_SECONDS", 1e-9)
        patch.setattr(Bar, "show", lambda bar, step: signal.raise_signal(signal.SIGINT))
        assert cli.main(command) == 130
    before = frames()
    assert cli.main(command) == 0
    after = frames()
    assert len(after) > len(before)
    for one, other in zip(before, after):
        np.testing.assert_allclose(one, other, atol=20)  # GIF has 256 colours


def test_an_animation_is_thinned_out():
    film = Animation((1024, 512))
    for number in range(1000):
        image = np.full((1, 32, 16, 3), number / 1000, np.float32)
        film.add(type("Step", (), {"image": image}))
    film.save("a.webp", np.ones((1, 1024, 512, 3), np.float32))
    with Image.open("a.webp") as picture:
        assert picture.size == (256, 512) and MOST // 2 < picture.n_frames <= MOST
        shades = []
        for number in range(picture.n_frames):
            picture.seek(number)
            shades.append(np.asarray(picture.convert("RGB")).mean() / 255)
    steps = np.diff(shades[:-1])
    assert steps.min() > 0 and steps.max() < 2 * steps.min() and shades[-1] > 0.99
