"""Styles that come with the package, and styles in a folder: pictures, and the settings for them.

Light to import.
"""

import json
import pathlib
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from tfstyle import images
from tfstyle.messages import did_you_mean, shown
from tfstyle.settings.base import Own

# Painted by this project, 512 x 512 pixels.
PRESETS = {
    "mosaic": "stained glass",
    "strokes": "oil paint: brush strokes along swirls",
    "watercolour": "washes of watercolour",
    "woodcut": "woodcut in black and spot colours",
}
FILE = "preset.json"
HERE = pathlib.Path(__file__).parent


class Preset(NamedTuple):
    """What a stylizer is made of.

    Attributes:
        styles: pictures, each a path or `[1, H, W, 3]`, uint8.
        regions: where each of them counts, a path or `[1, H, W, 1]`, uint8; or none.
        values: those settings that are not at their default, by name.
    """

    styles: list[Any]
    regions: list[Any]
    values: dict[str, Any]


def load(preset: Any) -> Preset:
    """The preset of that name, or in the folder of that path.

    Raises:
        ValueError: there is none; or its file is damaged.
    """
    if isinstance(preset, str) and preset in PRESETS:
        return Preset([str(HERE / f"{preset}.jpg")], [], {})
    try:
        folder = pathlib.Path(images.expanded(preset))
        text = (folder / FILE).read_text("utf-8")
    except (OSError, TypeError, ValueError):
        hint = did_you_mean(preset, PRESETS)
        raise ValueError(
            f"preset: expected one of {', '.join(PRESETS)}, or a folder that save_to_preset wrote, "
            f"received {shown(preset)}{hint}"
        ) from None
    try:
        written = json.loads(text)
        names = written["styles"], written["regions"]
        styles, regions = ([str(folder / pathlib.Path(x).name) for x in each] for each in names)
        return Preset(styles, regions, dict(written["settings"]))
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"preset: expected a {FILE} as save_to_preset writes it, received "
            f"{shown(str(preset))}: {type(error).__name__} {error}"
        ) from error


def save(folder: Any, preset: Preset) -> None:
    """Writes a preset into a folder, which is made if it is not there.

    Raises:
        ValueError: it cannot be written.
    """
    images.make_folder(folder, "preset")
    folder = pathlib.Path(images.expanded(folder))
    named = [
        {f"{kind}-{number}.png": picture for number, picture in enumerate(pictures, 1)}
        for kind, pictures in (("style", preset.styles), ("region", preset.regions))
    ]
    try:
        for name, picture in (named[0] | named[1]).items():
            Image.fromarray(np.squeeze(picture[0])).save(folder / name)
        styles, regions = (list(each) for each in named)
        written = {"settings": preset.values, "styles": styles, "regions": regions}
        (folder / FILE).write_text(json.dumps(written, indent=2) + "\n", "utf-8")
    except OSError as error:
        raise ValueError(
            f"preset: expected a folder to write to, received {shown(str(folder))}: "
            f"{error.strerror or error}"
        ) from error


def changed_values(settings: Own) -> dict[str, Any]:
    """Values of settings that are not at their default, as JSON holds them."""
    default, values = type(settings)().as_json(), settings.as_json()
    return {name: value for name, value in values.items() if value != default[name]}
