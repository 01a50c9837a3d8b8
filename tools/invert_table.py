"""How near pictures come back from each layer, by each method of `tfstyle invert`.

    python -m tools.invert_table --output=docs/images/inversion

Writes a sheet of the first picture, `sheet.jpg`, and `table.md`: the error in pixels and features,
each the distance from the photograph over the mean distance between two of the photographs (the
normalised error of Dosovitskiy & Brox 2016, section 4), and the PSNR; means over the photographs.
"""

import itertools
import pathlib

import numpy as np
from absl import app, flags

import tfstyle
from tfstyle import features, images
from tfstyle.evaluation import contact_sheet
from tfstyle.settings.choices import GATYS_LAYERS, METHODS

_CONTENTS = flags.DEFINE_list(
    "contents",
    [f"examples/photos/{name}.jpg" for name in ("astronaut", "chelsea", "coffee", "rocket")],
    "Photographs, at least two.",
)
_OUTPUT = flags.DEFINE_string("output", "inversion", "Folder to write.")
_LAYER = flags.DEFINE_list("layer", list(GATYS_LAYERS), "Layers to invert.")
_METHOD = flags.DEFINE_list("method", list(METHODS), "Methods to compare.")
_SIZE = flags.DEFINE_integer("size", 256, "Side of the pictures, pixels.", lower_bound=64)
_EVALUATIONS = flags.DEFINE_integer("evaluations", 300, "Of each optimization.", lower_bound=1)


def normalised(made, wanted) -> float:
    """Mean distance between arrays of two lists over that between two of `wanted`."""
    pairs = itertools.combinations(wanted, 2)
    return float(np.mean(_distances(zip(made, wanted))) / np.mean(_distances(pairs)))


def _distances(pairs):
    return [np.linalg.norm(np.float32(a) - np.float32(b)) for a, b in pairs]


def invert(content, layer, method) -> np.ndarray:
    """What a method makes of a photograph, `[1, size, size, 3]`."""
    size, evaluations = _SIZE.value, _EVALUATIONS.value
    return tfstyle.invert(
        content, layer=layer, method=method, size=size, evaluations=evaluations
    ).image


def line(layer, method, pictures, contents) -> str:
    """A row of the table."""
    network = features.get("vgg19_compact", [layer], precision="float32")
    seen, wanted = ([network(each)[layer] for each in list_] for list_ in (pictures, contents))
    numbers = normalised(pictures, contents), normalised(seen, wanted)
    psnr = np.mean([images.psnr(*pair) for pair in zip(pictures, contents)])
    return f"| {layer} | {method} | {numbers[0]:.3f} | {numbers[1]:.3f} | {psnr:.1f} |"


def main(_) -> None:
    folder = pathlib.Path(_OUTPUT.value)
    folder.mkdir(parents=True, exist_ok=True)
    sides = (_SIZE.value,) * 2
    contents = [images.resize(images.load(path), *sides) for path in _CONTENTS.value]
    lines = ["| layer | method | pixels | features | PSNR, dB |", "|---|---|---|---|---|"]
    rows = []
    for method in _METHOD.value:
        rows.append([(contents[0], "photograph")])
        for layer in _LAYER.value:
            made = [invert(content, layer, method) for content in contents]
            lines.append(line(layer, method, made, contents))
            psnr = images.psnr(made[0], contents[0])
            rows[-1].append((made[0], f"{layer}, {method}: {psnr:.1f} dB"))
            print(lines[-1], flush=True)
    (folder / "table.md").write_text("\n".join(lines) + "\n")
    images.save(folder / "sheet.jpg", contact_sheet.draw(rows))


if __name__ == "__main__":
    app.run(main)
