"""Grain, palette and structure of pictures by several settings, over pairs and textures.

    python -m tools.grain --output=docs/images/grain/choices
    python -m tools.grain --grid=refinements --output=docs/images/grain/refinements
    python -m tools.grain --grid=causes --output=docs/images/grain/causes

Writes a sheet for each pair and texture, `rows.csv` with every measure of `tfstyle compare`, and
`table.md`: of each variant the median over the pictures, and the worst in brackets. Pictures that
are there already are not made again.
"""

import csv
import os
import pathlib
import re

import numpy as np
from absl import app, flags

from tfstyle import images, provenance
from tfstyle.evaluation import comparison
from tfstyle.settings import StylizeSettings, TextureSettings
from tfstyle.settings.choices import GATYS, GATYS_LAYERS, MATCHED, MATCHED_TEXTURE
from tools import altered

PIXELS = ("pixels", *GATYS_LAYERS)
GRAM = GATYS | {"statistic": "gram"}
W2 = MATCHED | {"statistic": "gaussian_w2"}
CHOICES = {
    "gram": GRAM,
    "gram, pixels": GRAM | {"style_layers": PIXELS},
    "mean_covariance, narrow, pixels": W2 | {"statistic": "mean_covariance"},
    "gaussian_w2, narrow": W2 | {"style_layers": GATYS_LAYERS},
    "gaussian_w2, narrow, pixels": W2,
    "the same, weight 100": W2 | {"style_weight": 100.0},
}
REFINEMENTS = {
    "gaussian_w2, narrow, pixels": W2,
    "two layers of each block": W2 | {"style_layers": MATCHED_TEXTURE["style_layers"]},
    "600 evaluations": W2 | {"evaluations": 600},
    "one scale": W2 | {"scales": 1},
    altered.WAVES: W2,
}
# What may leave a mesh of 2 pixels, each alone.
CAUSES = {
    "gram": GRAM,
    "float32": GRAM | {"precision": "float32"},
    "max pooling": GRAM | {"pooling": "max"},
    altered.ANTIALIASED: GRAM,
    altered.ROUNDED: GRAM,
    altered.JITTER: GRAM,
    "Adam": GRAM | {"optimizer": "adam"},
    "675 evaluations": GRAM | {"evaluations": 675},
    "total variation 0.5": GRAM | {"tv_weight": 0.5},
    "two layers of the first block": GRAM
    | {"style_layers": ("block1_conv1", "block1_conv2", *GATYS_LAYERS[1:])},
    "gaussian_w2": GRAM | {"statistic": "gaussian_w2"},
    "gram, pixels": GRAM | {"style_layers": PIXELS},
}
PAIRS = (
    ("astronaut", "woodcut"),
    ("astronaut", "watercolour"),
    ("chelsea", "strokes"),
    ("chelsea", "mosaic"),
    ("coffee", "mosaic"),
    ("coffee", "woodcut"),
    ("rocket", "watercolour"),
    ("rocket", "strokes"),
)
TEXTURES = tuple(f"textures/{name}" for name in ("brick", "gravel", "pebbles", "weave"))
TEXTURES += ("styles/mosaic", "styles/woodcut")
SIZE = 256  # long side of the pictures, pixels
GRIDS = {
    "choices": (CHOICES, PAIRS, TEXTURES),
    "refinements": (REFINEMENTS, (), TEXTURES),
    "causes": (CAUSES, PAIRS[1:2], TEXTURES[2:3]),
}
MEASURES = ("grain_luminance_25", "grain_luminance_50", "grain_chroma_25", "grain_chroma_50")
MEASURES += ("palette", "structure", "content", "judge", "seconds")


def main(_) -> None:
    for folder in (flags.FLAGS.output, flags.FLAGS.pictures):
        os.makedirs(folder, exist_ok=True)
    variants, pairs, textures = GRIDS[flags.FLAGS.grid]
    if flags.FLAGS.teacher:
        other = {"features": "vgg19", "weights": flags.FLAGS.teacher}
        variants = variants | {"another network": GRAM | other}
    jobs = [(pathlib.Path(name).name, _textures(variants, name)) for name in textures]
    jobs += [(f"{photo}_{style}", _stylized(variants, photo, style)) for photo, style in pairs]
    rows = [row for name, cells in jobs for row in _made(name, cells)]
    with open(os.path.join(flags.FLAGS.output, "rows.csv"), "w", newline="") as file:
        writer = csv.DictWriter(
            file, ["picture", "kind", "variant", *MEASURES], extrasaction="ignore"
        )
        writer.writeheader()
        writer.writerows(rows)
    kinds = dict.fromkeys(row["kind"] for row in rows)
    table = "\n\n".join("\n".join(_table(rows, kind)) for kind in kinds)
    pathlib.Path(flags.FLAGS.output, "table.md").write_text(table + "\n")


def _stylized(variants, photo, style):
    pictures = {"content": f"examples/photos/{photo}.jpg", "style": f"examples/styles/{style}.jpg"}
    return [_cell("stylize", StylizeSettings, *variant, pictures) for variant in variants.items()]


def _textures(variants, name):
    """What only weighs style against content is left out."""
    known, seen = TextureSettings.fields(), []
    for variant, changes in variants.items():
        changes = {name: value for name, value in changes.items() if name in known}
        if variant in altered.ALTERED or changes not in [others for _, others in seen]:
            seen.append((variant, changes))
    pictures = {"style": f"examples/{name}.jpg"}
    return [_cell("texture", TextureSettings, *variant, pictures) for variant in seen]


def _cell(kind, job, variant, changes, pictures):
    settings = job.of({**changes, "size": SIZE})
    return comparison.Cell(kind, "variant", variant, settings, pictures, {})


def _made(name, cells):
    """The rows of one picture in all variants; writes its sheet."""
    made, facts = [], []
    for cell in cells:
        variant = re.sub(r"\W+", "_", cell.label)
        path = os.path.join(flags.FLAGS.pictures, f"{cell.kind}_{name}_{variant}.png")
        record = provenance.of(cell.label, cell.settings)
        found = images.read_settings(path) if os.path.exists(path) else {}
        if {key: found.get(key) for key in record} != record:
            result = altered.result(cell.label, cell)
            found = record | {"seconds": round(result.seconds, 1)}
            images.save(path, result.image, found)
            print(path, flush=True)
        made.append(images.load(path))
        facts.append({"seconds": found["seconds"]})
    done = comparison.assemble(cells, made, facts)
    images.save(os.path.join(flags.FLAGS.output, f"{cells[0].kind}_{name}.jpg"), done.sheet)
    return [{"picture": name} | row for row in done.rows]


def _table(rows, kind):
    rows = [row for row in rows if row["kind"] == kind]
    measures = [name for name in MEASURES if any(row[name] is not None for row in rows)]
    lines = [f"| {kind} | {' | '.join(name.replace('_', ' ') for name in measures)} |"]
    lines.append("|---" * (1 + len(measures)) + "|")
    for variant in dict.fromkeys(row["variant"] for row in rows):
        cells = [_summary([row for row in rows if row["variant"] == variant], m) for m in measures]
        lines.append(f"| {variant} | {' | '.join(cells)} |")
    return lines


def _summary(rows, measure):
    values = [row[measure] for row in rows if row[measure] is not None]
    worst = min(values) if measure == "structure" else max(values)
    return f"{np.median(values):.3g} ({worst:.3g})"


if __name__ == "__main__":  # only here: the tests import other tools with flags of these names
    flags.DEFINE_string("output", "demo/grain", "Folder of the sheets and tables.")
    flags.DEFINE_string("pictures", "demo/grain", "Folder of the single pictures.")
    flags.DEFINE_enum("grid", "choices", list(GRIDS), "Variants that are made.")
    flags.DEFINE_string("teacher", None, "Weights of VGG19, which is one more variant then.")
    app.run(main)
