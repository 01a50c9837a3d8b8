"""`python -m tools.paint`: paints every example into a folder."""

import os

import numpy as np
from absl import app, flags
from PIL import Image

from tools.paint import EXAMPLES, paint

_OUTPUT = flags.DEFINE_string("output", "examples", "Folder to write to.")
_SEED = flags.DEFINE_integer("seed", None, "Seed of all the pictures. Default: hand-picked ones.")
_SIZE = flags.DEFINE_integer("size", None, "Width and height in pixels. Default: by kind.")


def save(picture, path):
    """Writes a JPEG without chroma subsampling, which would blur the small strokes."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    pixels = Image.fromarray((picture * 255).round().astype(np.uint8))
    pixels.save(path, quality=92, subsampling=0)


def main(_):
    for kind, (folder, seed, size) in EXAMPLES.items():
        chosen = seed if _SEED.value is None else _SEED.value
        path = os.path.join(_OUTPUT.value, folder, f"{kind}.jpg")
        save(paint(kind, _SIZE.value or size, chosen), path)
        print(path)


if __name__ == "__main__":
    app.run(main)
