"""A small program that paints the project's own style pictures and textures.

    python -m tools.paint --output=examples

Everything is drawn with NumPy from a seed. Each painter draws its palette and its proportions from
the generator it is given, so different seeds give different pictures of one kind; `EXAMPLES` holds
the seeds of the pictures shown in the documentation. A painter is `kind(size, rng)` and returns
float32 [size, size, 3], RGB in [0, 1]. Lengths are in pixels of a picture 512 wide, times `scale`.
"""

import numpy as np

from tools.paint.mosaic import mosaic
from tools.paint.strokes import strokes
from tools.paint.textures import pebbles, weave
from tools.paint.watercolour import watercolour
from tools.paint.woodcut import woodcut

PAINTERS = {
    "strokes": strokes,
    "mosaic": mosaic,
    "woodcut": woodcut,
    "watercolour": watercolour,
    "pebbles": pebbles,
    "weave": weave,
}

# kind: (folder, seed, size)
EXAMPLES = {
    "strokes": ("styles", 23, 512),
    "mosaic": ("styles", 29, 512),
    "woodcut": ("styles", 14, 512),
    "watercolour": ("styles", 18, 512),
    "pebbles": ("textures", 4, 384),
    "weave": ("textures", 30, 384),
}


def paint(kind, size, seed):
    """The picture of the given kind and seed, float32 [size, size, 3] in [0, 1]."""
    return PAINTERS[kind](size, np.random.default_rng(seed))
