"""Textures by the methods of 1997, 2000 and 2015, and the judge's word on each.

    python -m tools.roots --output=docs/images/roots

Each of them makes a picture of every texture: FRAME, in the grey levels in which it sees the
texture, and smaller, since it draws each pixel anew many times; Portilla & Simoncelli without a
network, and three statistics of a network.
Writes `sheet.jpg`, and `table.md` with the judge's distance to the texture as each method saw it,
and the processor seconds.
"""

import pathlib
import time

from absl import app, flags

import tfstyle
from tfstyle import images
from tfstyle.evaluation import contact_sheet, judge
from tfstyle.random_field.run import FrameRun
from tfstyle.settings import FrameSettings, TextureSettings

_STYLES = flags.DEFINE_list(
    "styles",
    [f"examples/textures/{name}.jpg" for name in ("pebbles", "weave", "brick")],
    "Textures.",
)
_OUTPUT = flags.DEFINE_string("output", "roots", "Folder to write.")
_SIZE = flags.DEFINE_integer("size", 256, "Side of the pictures, pixels.", lower_bound=32)
_FRAME_SIZE = flags.DEFINE_integer("frame_size", 128, "Side of those of FRAME.", lower_bound=32)
_EVALUATIONS = flags.DEFINE_integer(
    "evaluations", None, "Of each optimization; default: those of each method.", lower_bound=1
)
_SWEEPS = flags.DEFINE_integer(
    "sweeps", FrameSettings().sweeps, "Of FRAME, for each filter.", lower_bound=1
)
METHODS = {  # beside FRAME
    "Portilla & Simoncelli": {"features": "steerable_pyramid"},
    **{name: {"statistic": name} for name in ("mean", "gram", "gaussian_w2")},
}


def by_frame(style):
    """The texture as FRAME sees it, and a picture drawn by it."""
    style = images.resize(style, _FRAME_SIZE.value, _FRAME_SIZE.value)
    run = FrameRun(FrameSettings(size=_FRAME_SIZE.value, sweeps=_SWEEPS.value), style)
    image = run.complete().image
    return run.style, image


def by_matching(style, changes):
    """The texture, and a picture that has its statistics."""
    settings = TextureSettings(size=_SIZE.value, evaluations=_EVALUATIONS.value, **changes)
    return style, tfstyle.synthesize_texture(style, settings).image


def row(path):
    """Pictures with captions, the texture first, and a row of the table."""
    style = images.resize(images.load(path), _SIZE.value, _SIZE.value)
    methods = {"FRAME": lambda: by_frame(images.load(path))}
    for name, changes in METHODS.items():
        methods[name] = lambda changes=changes: by_matching(style, changes)
    pictures, cells = [(style, path.stem)], [path.stem]
    for name, make in methods.items():
        began = time.process_time()
        seen, image = make()
        seconds = time.process_time() - began
        distance = judge.judge(image, [(seen, 1.0)])
        pictures.append((image, f"{name}: {distance:.2f}"))
        cells.append(f"{distance:.3f}, {seconds:.0f} s")
    return pictures, f"| {' | '.join(cells)} |"


def main(_) -> None:
    folder = pathlib.Path(_OUTPUT.value)
    folder.mkdir(parents=True, exist_ok=True)
    names = ["texture", "FRAME", *METHODS]
    lines, rows = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"], []
    for path in map(pathlib.Path, _STYLES.value):
        pictures, line = row(path)
        rows.append(pictures)
        lines.append(line)
        print(line, flush=True)
    (folder / "table.md").write_text("\n".join(lines) + "\n")
    images.save(folder / "sheet.jpg", contact_sheet.draw(rows))


if __name__ == "__main__":
    app.run(main)
