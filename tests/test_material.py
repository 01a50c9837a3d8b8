"""The maps of a material: made together, so that what belongs together stays so."""

import functools
import os

import numpy as np
import pytest
from PIL import Image

import tfstyle
from tfstyle import cli, images, material
from tfstyle.run import Run
from tfstyle.settings import TextureSettings

FEW = {
    "size": 48,
    "evaluations": 25,
    "style_layers": ["pixels", "block1_conv1", "block2_conv1"],
    "precision": "float32",
}


@functools.cache
def maps():
    """Waves: a grey height, the normals of its slopes, and a colour that says the height."""
    y, x = np.mgrid[:64, :64]
    phase = 0.5 * x + 0.3 * y + 2 * np.sin(0.13 * y)
    height, slope = 0.5 + 0.3 * np.sin(phase), 0.6 * np.cos(phase)
    normal = np.stack([-slope, 0 * slope, np.sqrt(1 - slope**2)], axis=-1)
    colour = np.stack([height, 0.7 * height, 0.3 + 0 * height], axis=-1)
    return {
        "color": colour,
        "height": np.repeat(height[..., None], 3, axis=2),
        "normal": (1 + normal) / 2,
    }


@functools.cache
def made():
    colour, *_ = maps().values()
    others = {name: maps()[name] for name in ("height", "normal")}
    return tfstyle.synthesize_texture(colour, maps=others, tile="xy", **FEW)


def correlation(a, b):
    return np.corrcoef(a.ravel(), b.ravel())[0, 1]


def mode(path):
    with Image.open(path) as picture:
        return picture.mode


def test_maps_stay_aligned():
    result = made()
    assert list(result.maps) == ["color", "height", "normal"]
    height = result.maps["height"][..., 0]
    assert np.ptp(height) > 0.3  # there are waves
    assert correlation(result.image[..., 0], height) > 0.95
    # Across the seams, too: a normal leans against the slope to its right.
    slope = np.roll(height, -1, axis=2) - np.roll(height, 1, axis=2)
    assert correlation(result.maps["normal"][..., 0], -slope) > 0.8
    alone = tfstyle.synthesize_texture(maps()["height"], tile="xy", seed=1, **FEW).image
    assert abs(correlation(result.image[..., 0], alone[..., 0])) < 0.5


def test_grey_stays_grey_and_normals_have_length_1():
    result = made()
    assert np.ptp(result.maps["height"], axis=3).max() == 0
    lengths = np.linalg.norm(2 * result.maps["normal"] - 1, axis=3)
    np.testing.assert_allclose(lengths, 1, atol=1e-5)
    np.testing.assert_array_equal(result.image, result.maps["color"])


def test_a_live_picture_is_the_colour_and_a_run_can_be_resumed(tmp_path):
    settings = TextureSettings(**FEW | {"evaluations": 6})
    colour, height, _ = maps().values()
    shown = [step.image.shape for step in Run(settings, style=colour, maps={"height": height})]
    assert set(shown) == {(1, 48, 48, 3)}
    path = tmp_path / "run.npz"
    options = FEW | {"maps": {"height": height}, "checkpoint": path}
    tfstyle.synthesize_texture(
        colour, **options | {"evaluations": 6}, callback=lambda step: step.evaluations < 3
    )
    resumed = tfstyle.synthesize_texture(colour, **options | {"evaluations": 6}, resume=True)
    whole = tfstyle.synthesize_texture(colour, settings, maps={"height": height})
    np.testing.assert_array_equal(resumed.maps["height"], whole.maps["height"])
    with pytest.raises(ValueError, match="^checkpoint: expected one of a run with these pictures"):
        other = {"height": 1 - height}
        tfstyle.synthesize_texture(colour, **options | {"maps": other}, resume=True)


def test_the_command_writes_every_map_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, picture in maps().items():
        pixels = (picture * 255 + 0.5).astype(np.uint8)
        deep = (picture[..., 0] * 65535).astype(np.uint16)
        Image.fromarray(deep if name == "height" else pixels).save(f"wave_{name}.png")
    flags = ["--size=48", "--evaluations=4", "--style_layers=pixels,block1_conv1"]
    arguments = ["texture", "--style=wave_color.png", "--maps=wave_height.png,wave-normal.png"]
    os.rename("wave_normal.png", "wave-normal.png")
    assert cli.main([*arguments, *flags, "--output=out.png", "--variations=2"]) == 0
    written = sorted(name for name in os.listdir() if name.startswith("out"))
    kinds = ("color", "height", "normal")
    assert written == [f"out-{number}_{kind}.png" for number in (1, 2) for kind in kinds]
    assert [mode(name) for name in written[:3]] == ["RGB", "I;16", "RGB"]  # their own
    command = images.read_settings(written[0])["command"]
    assert "--maps=wave_height.png,wave-normal.png" in command and "out-1.png" in command


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"maps": {"height": np.zeros((40, 64, 3))}}, "maps: expected pictures of the style's"),
        ({"maps": {"color": np.zeros((64, 64, 3))}}, "maps: expected other names than color"),
        ({"maps": [np.zeros((64, 64, 3))]}, "maps: expected a dict of pictures by name"),
        ({"init": np.zeros((64, 64, 3))}, "maps: expected one style, no masks, and noise"),
    ],
)
def test_what_is_no_material_is_refused(changes, sentence):
    options = {"maps": {"height": maps()["height"]}} | FEW | changes
    with pytest.raises(ValueError, match=sentence):
        tfstyle.synthesize_texture(maps()["color"], **options)


def test_files_of_one_name_are_refused():
    assert material.named(["a/brick_height.png", "x-normal.jpg"]) == {
        "height": "a/brick_height.png",
        "normal": "x-normal.jpg",
    }
    with pytest.raises(ValueError, match="^maps: expected files whose last words differ"):
        material.named(["a_height.png", "b_height.png"])


@pytest.mark.parametrize(
    "function",
    [
        functools.partial(tfstyle.stylize, "photo.jpg"),
        functools.partial(tfstyle.compare),
        tfstyle.Stylizer,
        tfstyle.train,
        tfstyle.frame,
    ],
    ids=["stylize", "compare", "Stylizer", "train", "frame"],
)
def test_other_functions_say_where_maps_are_made(function):
    with pytest.raises(ValueError, match="^maps: expected in synthesize_texture, which makes"):
        function("style.jpg", maps={"height": "height.png"})


@pytest.mark.parametrize("command", ["stylize", "batch", "export", "compare", "invert"])
def test_other_commands_say_where_maps_are_made(command, capsys):
    assert cli.main([command, "style.jpg", "--maps=height.png", "--output=out"]) == 2
    assert "--maps: expected in texture, which makes the maps of a mat" in capsys.readouterr().err
