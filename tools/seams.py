"""How the seams of tiles look beside their inside: steps of brightness, and what the judge says.

    python -m tools.seams --tile=out-1.png,out-2.png --style=examples/textures/pebbles.jpg

For the seams of the columns and those of the rows: the mean step between the pixels on either side
over the mean step inside, 1 where nothing is to be seen; how far that is from 1 by chance, which is
the deviation of all steps inside over the root of the number of tiles; and the difference in such
deviations. Then the judge's distance (see `tfstyle.evaluation.judge`) of strips over the seam, and
the mean and the greatest of those of the strips inside.

Any single column may be 10 or 20 % off: several tiles, of several seeds, tell chance from a seam.
"""

import numpy as np
from absl import app, flags

from tfstyle import images
from tfstyle.evaluation import judge

_TILE = flags.DEFINE_list("tile", None, "Pictures whose sides meet.", required=True)
_STYLE = flags.DEFINE_string("style", None, "Picture that they were made from.", required=True)
WIDTH = 64  # pixels of a strip


def steps(image):
    """The step over the seam of the columns, and the deviation of those inside, over their mean."""
    differences = np.abs(np.roll(image, -1, axis=2) - image).mean(axis=(0, 1, 3))
    over, inside = differences[-1], differences[:-1]
    return float(over / inside.mean()), float(inside.std() / inside.mean())


def together(tiles):
    """The mean step over the seams of several, and by how much chance makes that differ from 1."""
    ratios, spreads = np.transpose([steps(tile) for tile in tiles])
    return float(np.mean(ratios)), float(np.sqrt(np.mean(spreads**2) / len(spreads)))


def judged(image, style):
    """The judge's distance of the strip over the seam of the columns, and of those inside."""
    across = np.roll(image, WIDTH // 2, axis=2)
    count = image.shape[2] // WIDTH
    strips = [across[:, :, WIDTH * number : WIDTH * (number + 1)] for number in range(count)]
    seam, *inside = (judge.judge(strip, [(style, 1.0)]) for strip in strips)
    return seam, inside


def main(_) -> None:
    style = images.load(_STYLE.value, "style")
    tiles = [images.load(tile, "tile") for tile in _TILE.value]
    for name, axes in {"columns": (0, 1, 2, 3), "rows": (0, 2, 1, 3)}.items():
        # Turned, the style too: the judge's features know up from left.
        turned = [tile.transpose(axes) for tile in tiles]
        ratio, chance = together(turned)
        found = [judged(tile, style.transpose(axes)) for tile in turned]
        seam, inside = np.mean([each[0] for each in found]), sum((each[1] for each in found), [])
        print(
            f"{name}: step {ratio:.3f}, by chance 1 +- {chance:.3f} ({(ratio - 1) / chance:+.1f} "
            f"deviations), judge {seam:.4f}, inside {np.mean(inside):.4f}, at most "
            f"{max(inside):.4f}"
        )


if __name__ == "__main__":
    app.run(main)
