"""How near textures come to the statistics of Portilla & Simoncelli, and what they cost.

    python -m tools.joint_statistics --output=docs/images/portilla_simoncelli

Makes each texture in its colours and in grey, and writes `sheet.jpg` and `table.md`: processor
seconds, how many groups of numbers are within 1 % of the style's, those that are not, and how far
the mean colour is off in CIELAB, in which 2 is hardly visible.
"""

import pathlib
import time

import numpy as np
from absl import app, flags

import tfstyle
from tfstyle import images
from tfstyle.evaluation import contact_sheet
from tfstyle.settings.choices import JOINT_TEXTURE
from tfstyle.statistics import portilla_simoncelli

FLAGS = flags.FLAGS
CLOSE = 0.01  # relative error of a group
# sRGB -> CIE XYZ, each row over that of white, D65 (IEC 61966-2-1).
XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
) / np.array([[0.9505], [1.0], [1.089]])


def cielab(rgb) -> np.ndarray:
    """CIE L*a*b* of sRGB `[..., 3]` in [0, 1]."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    x, y, z = np.moveaxis(linear @ XYZ.T, -1, 0)
    x, y, z = (
        np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116) for t in (x, y, z)
    )
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def errors(image, style) -> dict[str, float]:
    """Relative error of each group of numbers of a picture; both are `[1, H, W, 3]`."""
    statistic = portilla_simoncelli.PortillaSimoncelli()
    found = statistic.compared(image, statistic.target([style], [1.0]))
    return {name: float(error) ** 0.5 for name, error in found.items()}


def colour_off(image, style) -> float:
    """CIELAB distance of the mean colours."""
    means = [np.mean(cielab(np.float64(each)), axis=(0, 1, 2)) for each in (image, style)]
    return float(np.linalg.norm(means[0] - means[1]))


def _made(style):
    began = time.process_time()
    result = tfstyle.synthesize_texture(
        style, features="steerable_pyramid", size=FLAGS.size, evaluations=FLAGS.evaluations
    )
    return result.image, time.process_time() - began


def _line(name, image, style, seconds):
    """A row of the table."""
    found = errors(image, style)
    far = {group: error for group, error in found.items() if error > CLOSE}
    listed = ", ".join(f"{group} {100 * far[group]:.1f} %" for group in sorted(far, key=far.get))
    close = f"{len(found) - len(far)} of {len(found)}"
    return f"| {name} | {seconds:.0f} | {close} | {listed} | {colour_off(image, style):.2f} |"


def main(_) -> None:
    folder = pathlib.Path(FLAGS.output)
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["| texture | seconds | within 1 % | others | colour |", "|---|---|---|---|---|"]
    rows = []
    for path in map(pathlib.Path, FLAGS.styles):
        coloured = images.resize(images.load(path), FLAGS.size, FLAGS.size)
        grey = np.repeat(coloured.mean(axis=3, keepdims=True), 3, axis=3)
        rows.append([])
        for name, style in ((path.stem, coloured), (f"{path.stem}, grey", grey)):
            image, seconds = _made(style)
            lines.append(_line(name, image, style, seconds))
            rows[-1] += [(style, name), (image, "from noise")]
            print(lines[-1], flush=True)
        (folder / "table.md").write_text("\n".join(lines) + "\n")
        images.save(folder / "sheet.jpg", contact_sheet.draw(rows))


if __name__ == "__main__":  # only here: the tests import other tools with flags of these names
    textures = [f"examples/textures/{name}.jpg" for name in ("pebbles", "brick", "weave", "gravel")]
    flags.DEFINE_list("styles", textures, "Textures.")
    flags.DEFINE_string("output", "portilla_simoncelli", "Folder to write.")
    flags.DEFINE_integer("size", 256, "Side of the pictures, pixels.", lower_bound=32)
    flags.DEFINE_integer(
        "evaluations", JOINT_TEXTURE["evaluations"], "Of each picture.", lower_bound=1
    )
    app.run(main)
