"""Draws strips: a texture, and pictures of FRAME with more and more filters.

    python -m tools.frame_strip --style=examples/textures/weave.jpg --figure=FILE.jpg

Each strip is of one run, in which filters are added one by one; there is one for each seed. Prints
how far the histograms of filters are off, L1 distances from 0 to 2, and the processor time.
"""

import time

import numpy as np
from absl import app, flags

from tfstyle import images
from tfstyle.evaluation import contact_sheet
from tfstyle.random_field.run import FrameRun
from tfstyle.settings import FrameSettings

_STYLES = flags.DEFINE_list("style", ["examples/textures/weave.jpg"], "Textures.")
_FIGURE = flags.DEFINE_string("figure", "frame.png", "Strip to write.")
_SIZE = flags.DEFINE_integer("size", 128, "Side of the pictures in pixels.", lower_bound=32)
_SWEEPS = flags.DEFINE_integer(
    "sweeps", FrameSettings().chosen("sweeps"), "Sweeps for each filter."
)
_SEEDS = flags.DEFINE_multi_integer("seed", [0, 1], "Seeds, one flag for each.", lower_bound=0)
NUMBERS = (1, 2, 3, 5, 8)  # of filters


def main(argv):
    rows = [_strip(style, seed) for style in _STYLES.value for seed in _SEEDS.value]
    images.save(_FIGURE.value, contact_sheet.draw(rows))


def _strip(style, seed):
    """A row of (picture, caption)."""
    settings = FrameSettings(size=_SIZE.value, sweeps=_SWEEPS.value, seed=seed, filters=NUMBERS[-1])
    run, began = FrameRun(settings, style), time.process_time()
    last = {step.level: (step, time.process_time() - began) for step in run}
    row = [(_grey(run.style, _SIZE.value), "texture")]
    for number in NUMBERS:
        step, seconds = last[number]
        *chosen, others = step.losses.items()
        print(f"{style}, seed {seed}, filters: {number}, processor time: {seconds:.0f} s")
        print("  " + ", ".join(f"{name} {error:.3f}" for name, error in (*chosen, others)))
        row.append((step.image, f"{number}: {chosen[-1][0]}"))
    return row


def _grey(image, side):
    """At most `side` pixels of an image, on white."""
    paper = np.ones((1, side, side, 3), np.float32)
    height, width = (min(side, n) for n in image.shape[1:3])
    paper[:, :height, :width] = image[:, :height, :width]
    return paper


if __name__ == "__main__":
    app.run(main)
