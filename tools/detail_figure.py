"""One picture painted at two sizes, beside each other: as a whole, and a detail of the larger.

    python -m tools.detail_figure --small=FILE --large=FILE --output=FILE

Left the small picture, in the middle the large one shrunk to its size, right as many pixels of the
large one as they are.
"""

import numpy as np
from absl import app, flags

from tfstyle import images

_SMALL = flags.DEFINE_string("small", None, "Picture at the smaller size.", required=True)
_LARGE = flags.DEFINE_string("large", None, "The same at the larger size.", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "Picture to write.", required=True)
CENTRE = 0.5, 0.45  # of the detail, as parts of the height and the width
GAP = 8  # pixels


def detail(image, height, width):
    """So many pixels out of an image `[1, H, W, 3]`, around `CENTRE`."""
    top, left = (
        round(place * whole - part / 2)
        for place, whole, part in zip(CENTRE, image.shape[1:3], (height, width))
    )
    return image[:, top : top + height, left : left + width]


def main(_) -> None:
    small, large = images.load(_SMALL.value, "small"), images.load(_LARGE.value, "large")
    height, width = small.shape[1:3]
    gap = np.ones((1, height, GAP, 3), np.float32)
    parts = [small, gap, images.resize(large, height, width), gap, detail(large, height, width)]
    images.save(_OUTPUT.value, np.concatenate(parts, axis=2))


if __name__ == "__main__":
    app.run(main)
