"""How a tile's seams look beside its inside: steps of brightness, and what the judge says.

    python -m tools.seams --tile=out.png --style=examples/textures/pebbles.jpg

For the seam of the columns and that of the rows: the mean step between the pixels on either side
over the mean step inside, 1 where nothing is to be seen, and among all steps its place in standard
deviations; then the judge's distance (see `tfstyle.evaluation.judge`) of the strip over the seam,
and the mean and the greatest of those of the strips inside.
"""

import numpy as np
from absl import app, flags

from tfstyle import images
from tfstyle.evaluation import judge

_TILE = flags.DEFINE_string("tile", None, "Picture whose sides meet.", required=True)
_STYLE = flags.DEFINE_string("style", None, "Picture that it was made from.", required=True)
WIDTH = 64  # pixels of a strip


def steps(image):
    """The step over the seam of the columns over the mean step, and in standard deviations."""
    differences = np.abs(np.roll(image, -1, axis=2) - image).mean(axis=(0, 1, 3))
    over, inside = differences[-1], differences[:-1]
    return float(over / inside.mean()), float((over - inside.mean()) / inside.std())


def judged(image, style):
    """The judge's distance of the strip over the seam of the columns, and of those inside."""
    across = np.roll(image, WIDTH // 2, axis=2)
    count = image.shape[2] // WIDTH
    strips = [across[:, :, WIDTH * number : WIDTH * (number + 1)] for number in range(count)]
    seam, *inside = (judge.judge(strip, [(style, 1.0)]) for strip in strips)
    return seam, inside


def main(_) -> None:
    tile, style = images.load(_TILE.value, "tile"), images.load(_STYLE.value, "style")
    for name, image in {"columns": tile, "rows": tile.swapaxes(1, 2)}.items():
        # Turned, the style too: the judge's features know up from left.
        turned = style if name == "columns" else style.swapaxes(1, 2)
        ratio, deviations = steps(image)
        seam, inside = judged(image, turned)
        print(
            f"{name}: step {ratio:.3f} ({deviations:+.1f} deviations), judge {seam:.4f}, "
            f"inside {np.mean(inside):.4f}, at most {max(inside):.4f}"
        )


if __name__ == "__main__":
    app.run(main)
