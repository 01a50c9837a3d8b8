"""Three ways to a picture in a style, side by side: optimisation, transport, a trained network.

    python -m tools.ways --contents=photo.jpg,other.jpg --output=demo/ways

Writes a sheet for each photograph and `table.md`: means over the photographs of what
`tfstyle compare` measures, processor seconds once everything is loaded, and megabytes of weights.
"""

import os
import pathlib
import time

import numpy as np
from absl import app, flags

import tfstyle
from tfstyle import images
from tfstyle.evaluation import comparison
from tfstyle.features.weights import BUNDLED
from tfstyle.networks import applied, decoders, files, trained
from tfstyle.settings import ApplySettings, StylizeSettings

FLAGS = flags.FLAGS
MEASURES = {
    "distance_gaussian_w2": "distance",
    "judge": "judge",
    "content": "content",
    "palette": "palette",
    "grain_luminance_50": "grain",
}


def ways(style, model, settings) -> dict:
    """Functions photograph -> picture, and bytes of weights, by the name of the way."""
    network = applied.Applier(trained.load(model))
    asked = ApplySettings(size=settings.size)
    seeing = os.path.getsize(BUNDLED)

    def optimised(evaluations):
        changed = settings.replace(evaluations=evaluations)
        return lambda photo: tfstyle.stylize(photo, style, changed).image

    moved = settings.replace(method="transport")
    return {
        "optimisation, 225 evaluations": (optimised(225), seeing),
        "optimisation, 60 evaluations": (optimised(60), seeing),
        "transport": (
            lambda photo: tfstyle.stylize(photo, style, moved).image,
            seeing + os.path.getsize(decoders.BUNDLED),
        ),
        f"network {model}": (
            lambda photo: network(photo, asked).image,
            os.path.getsize(files.find(model)),
        ),
    }


def judged(photo, style, settings, made, seconds):
    """The rows of a photograph, and a sheet."""
    pictures = {"content": photo, "style": style}
    cells = [comparison.Cell("stylize", "way", name, settings, pictures, {}) for name in made]
    facts = [{"seconds": seconds[name]} for name in made]
    return comparison.assemble(cells, list(made.values()), facts)


def main(_) -> None:
    folder = pathlib.Path(FLAGS.output)
    folder.mkdir(parents=True, exist_ok=True)
    settings = StylizeSettings(size=FLAGS.size, style_size=FLAGS.style_size)
    makers = ways(FLAGS.style, FLAGS.model, settings)
    rows = []
    for number, photo in enumerate(FLAGS.contents):
        made, seconds = {}, {}
        for name, (make, _) in makers.items():
            if not number:
                make(photo)  # loads networks, builds graphs
            began = time.process_time()
            made[name] = make(photo)
            seconds[name] = time.process_time() - began
        found = judged(photo, FLAGS.style, settings, made, seconds)
        images.save(folder / f"{pathlib.Path(photo).stem}.jpg", found.sheet, None)
        rows += found.rows
    columns = ["", *MEASURES.values(), "processor seconds", "MB"]
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for name, (_, size) in makers.items():
        own = [row for row in rows if row["way"] == name]
        means = [np.mean([row[measure] for row in own]) for measure in (*MEASURES, "seconds")]
        numbers = " | ".join(f"{mean:.3g}" for mean in means)
        lines.append(f"| {name} | {numbers} | {size / 1e6:.2f} |")
    (folder / "table.md").write_text("\n".join(lines) + "\n", "utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    flags.DEFINE_list("contents", None, "photographs", required=True)
    flags.DEFINE_string("style", "examples/styles/strokes.jpg", "style of the network")
    flags.DEFINE_string("model", "strokes", "network, by file or name")
    flags.DEFINE_integer("size", 512, "long side of the pictures")
    flags.DEFINE_integer("style_size", 384, "long side of the style")
    flags.DEFINE_string("output", None, "folder", required=True)
    app.run(main)
