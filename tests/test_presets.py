"""Presets: styles by name, and stylizers that come back from a folder."""

import json
import pathlib

import numpy as np
import pytest
from PIL import Image
from test_api import STYLE_LAYERS, photo, stripes

import tfstyle
from tfstyle import presets
from tfstyle.serving.module import Stylizer

ROOT = pathlib.Path(__file__).parent.parent
SMALL = {
    "max_size": 64,
    "evaluations": 3,
    "scales": 1,
    "style_layers": STYLE_LAYERS,
    "content_layers": ("block2_conv2",),
    "precision": "float32",
    "statistic": "gram",
}


def test_bundled_styles_are_those_of_the_examples():
    bundled = {path.stem: path.read_bytes() for path in presets.HERE.glob("*.jpg")}
    examples = {path.stem: path.read_bytes() for path in (ROOT / "examples/styles").glob("*.jpg")}
    assert bundled == examples
    assert Stylizer.presets.keys() == bundled.keys()


def test_preset_is_its_picture():
    (picture,) = Stylizer.from_preset("woodcut", **SMALL).own_styles.pictures
    expected = Image.open(ROOT / "examples/styles/woodcut.jpg")
    np.testing.assert_array_equal(picture.numpy()[0], np.asarray(expected))


def test_saved_preset_is_the_same_stylizer(tmp_path):
    left = np.zeros([64, 64], np.float32)
    left[:, :32] = 1
    styles = [stripes(), stripes()[::-1], photo()]
    changes = {"style_blend": (3, 0, 1), "style_size": (64, 32, 40), "style_rotations": 2}
    stylizer = Stylizer(styles, style_region=[left, left, 1 - left], **SMALL, **changes)
    stylizer.save_to_preset(tmp_path / "mine")
    again = Stylizer.from_preset(tmp_path / "mine")
    assert len(list((tmp_path / "mine").glob("style-*.png"))) == 2  # of 0 nothing is left
    for name in ("pictures", "regions"):
        kept = [getattr(each.own_styles, name) for each in (again, stylizer)]
        for one, other in zip(*kept, strict=True):
            np.testing.assert_array_equal(one.numpy(), other.numpy())
    assert again.settings.replace(style_region=None) == stylizer.settings.replace(
        style_blend=(0.75, 0.25), style_size=(64, 40)
    )
    assert Stylizer.from_preset(tmp_path / "mine", evaluations=7).settings.evaluations == 7


def test_what_is_no_preset_is_refused(tmp_path):
    with pytest.raises(ValueError, match="^preset: expected one of mosaic, .*did you mean strokes"):
        Stylizer.from_preset("stroke")
    (tmp_path / presets.FILE).write_text(json.dumps({"styles": []}))
    with pytest.raises(ValueError, match="^preset: expected a preset.json .*KeyError"):
        Stylizer.from_preset(tmp_path)
    with pytest.raises(ValueError, match="^features: expected a name, which a preset can keep"):
        Stylizer(
            stripes(), features=lambda x: {"a": x}, style_layers=("a",), content_layers=("a",)
        ).save_to_preset(tmp_path)


def test_looking_at_the_package_helps():
    names = dir(tfstyle)
    assert {"Stylizer", "stylize", "images", "settings", "keras"} <= set(names)
    assert not [name for name in names if name.startswith("_") and name != "__version__"]
    assert "stylize(" in tfstyle.__doc__
