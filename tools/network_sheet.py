"""One picture that shows what two feature networks make of the same tasks, one row each.

    python -m tools.network_sheet --teacher=TEACHER --output=SHEET.jpg

The first row is made through the teacher (see `tools.distill_vgg`), the second through the compact
network: textures from noise, then style transfers, all with the library's defaults.
"""

import keras
import numpy as np
from absl import app, flags
from PIL import Image, ImageDraw

import tfstyle
from tfstyle import features, images
from tools import teacher

_TEACHER = flags.DEFINE_string("teacher", "imagenet", "imagenet, or a file of teacher weights.")
_OUTPUT = flags.DEFINE_string("output", "sheet.jpg", "Picture to write.")
_SIZE = flags.DEFINE_integer("size", 256, "Side of each picture.", lower_bound=64)
_TEXTURES = flags.DEFINE_list(
    "textures",
    [f"examples/textures/{name}.jpg" for name in ("pebbles", "weave", "brick", "gravel")],
    "Textures to synthesise.",
)
_STYLES = flags.DEFINE_list(
    "styles",
    [f"examples/styles/{name}.jpg" for name in ("strokes", "woodcut", "mosaic")],
    "Styles for the content picture.",
)
_CONTENT = flags.DEFINE_string("content", "examples/photos/astronaut.jpg", "Content picture.")


def row(network: keras.Model) -> list[np.ndarray]:
    """All tasks through one network, `[size, size, 3]` each."""
    size = _SIZE.value
    textures = [
        tfstyle.synthesize_texture(path, size=size, features=network) for path in _TEXTURES.value
    ]
    transfers = [
        tfstyle.stylize(_CONTENT.value, path, size=(size, size), features=network)
        for path in _STYLES.value
    ]
    return [result.image[0] for result in textures + transfers]


def main(_) -> None:
    rows = {
        "teacher": teacher.load(_TEACHER.value, "auto"),
        "vgg19_compact": features.get("vgg19_compact", teacher.LAYERS),
    }
    picture = np.vstack([np.hstack(row(network)) for network in rows.values()])
    images.save(_OUTPUT.value, picture[None])
    with Image.open(_OUTPUT.value) as saved:
        sheet = saved.copy()
    for index, name in enumerate(rows):
        place = 6, 6 + index * _SIZE.value
        ImageDraw.Draw(sheet).text(place, name, "white", stroke_width=2, stroke_fill="black")
    sheet.save(_OUTPUT.value, quality=90)


if __name__ == "__main__":
    app.run(main)
