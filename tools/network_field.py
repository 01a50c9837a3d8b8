"""Draws a texture, the optimum of its mean features, and samples of their random field.

    python -m tools.network_field --style=examples/textures/pebbles.jpg --figure=FILE.jpg

The optimum is that of `tfstyle texture --statistic=mean` with the same network and layers. Prints
losses, for samples how far the means of each layer are off, and the processor time.
"""

import time

from absl import app, flags

import tfstyle
from tfstyle import images, levels
from tfstyle.evaluation import contact_sheet
from tfstyle.settings import FrameSettings

_STYLES = flags.DEFINE_list("style", ["examples/textures/pebbles.jpg"], "Textures.")
_FIGURE = flags.DEFINE_string("figure", "field.png", "Sheet to write.")
_SIZE = flags.DEFINE_integer("size", 128, "Side of the pictures, a multiple of 16.", lower_bound=32)
_SWEEPS = flags.DEFINE_integer("sweeps", 200, "Sweeps of the sampler.", lower_bound=1)
_SEEDS = flags.DEFINE_multi_integer("seed", [0, 1], "Seeds, one flag for each.", lower_bound=0)
NETWORK = "vgg19_compact"


def main(argv):
    images.save(_FIGURE.value, contact_sheet.draw([_row(style) for style in _STYLES.value]))


def _row(style):
    """A row of (picture, caption)."""
    size = _SIZE.value
    field = FrameSettings(features=NETWORK, size=(size, size), sweeps=_SWEEPS.value)
    same = {"features": NETWORK, "style_layers": field.layers(), "size": (size, size)}
    texture = images.load(style, "style")
    height, width = texture.shape[1:3]
    texture = images.resize(texture, *levels.fit(height, width, min(size, max(height, width))))
    row = [(texture, "texture")]
    began = time.process_time()
    optimum = tfstyle.synthesize_texture(style, statistic="mean", tile="xy", **same)
    _report(style, "optimum", optimum, began)
    row.append((optimum.image, "optimum"))
    for seed in _SEEDS.value:
        began = time.process_time()
        sample = tfstyle.frame(style, field, seed=seed)
        _report(style, f"sample, seed {seed}", sample, began)
        row.append((sample.image, f"sample, seed {seed}"))
    return row


def _report(style, name, result, began):
    parts = ", ".join(f"{part} {value:.3g}" for part, value in result.parts.items())
    print(f"{style}, {name}: {parts}, processor time: {time.process_time() - began:.0f} s")


if __name__ == "__main__":
    app.run(main)
