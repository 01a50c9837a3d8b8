"""Pictures side by side: one setting takes several values, all else is equal."""

import dataclasses
import functools
import inspect
from typing import Any

import numpy as np

from tfstyle import features as feature_networks
from tfstyle import images, sheet, styles, synthesis
from tfstyle import judge as judges

FUNCTIONS = {"texture": synthesis.synthesize_texture, "stylize": synthesis.stylize}
STATISTICS = ("mean", "gram", "mean_covariance")


@dataclasses.dataclass(frozen=True)
class Cell:
    """One picture to be made.

    Attributes:
        kind: "texture" or "stylize".
        setting, value: what is compared.
        arguments: of the function behind `kind`, with the setting among them.
    """

    kind: str
    setting: str
    value: Any
    arguments: dict

    @property
    def label(self):
        values = self.value if isinstance(self.value, (list, tuple)) else [self.value]
        return ",".join(f"{v:g}" if isinstance(v, float) else str(v) for v in values)


@dataclasses.dataclass
class Comparison:
    """What came of it.

    Attributes:
        images: the pictures, float32 `[1, H, W, 3]` in [0, 1].
        rows: for each a dict with its kind, setting, evaluations, seconds and outcome, its relative
            distance to the style in every statistic (`distance_gram`, ...), the judge's distance,
            and its rank by that among those of its kind.
        sheet: all of them on one labelled sheet, float32 `[1, H, W, 3]`: a row for the textures, a
            row for the stylised pictures, what they were made from on the left.
    """

    images: list
    rows: list
    sheet: np.ndarray


def compare(
    style, content=None, *, statistics=STATISTICS, sweep=None, size=256, callback=None, **options
):
    """Makes the same texture and stylised picture with one setting after another.

    Args:
        style, content: see `tfstyle.stylize`; without content there are textures only.
        statistics: names of the statistics to be compared.
        sweep: another setting to be compared, and its values, instead of the statistics:
            `("style_weight", [10, 100, 1000])`.
        size: see `tfstyle.stylize`.
        callback: see `tfstyle.stylize`.
        options: arguments of `tfstyle.stylize` for all pictures; what textures have no use for
            (content weight, style weight) is left out there.

    Returns:
        A `Comparison`.

    Raises:
        ValueError: an argument is not as described; the message begins with its name.
    """
    setting, values = sweep or ("statistic", statistics)
    arguments = options | {"style": style, "content": content, "size": size}
    planned = cells(arguments, setting, values)
    results = [FUNCTIONS[cell.kind](**cell.arguments, callback=callback) for cell in planned]
    facts = [
        {"evaluations": r.evaluations, "seconds": round(r.seconds, 2), "outcome": r.outcome}
        for r in results
    ]
    return assemble(planned, [result.image for result in results], facts)


def cells(arguments, setting, values, also=()) -> list[Cell]:
    """The pictures of a comparison, textures first.

    Args:
        arguments: of `stylize`, by name; content `None` for textures only.
        setting: name of the argument that is compared.
        values: that it takes.
        also: names of other arguments that both kinds take.

    Raises:
        ValueError: no such setting, no values, or nothing that it changes.
    """
    takes = {
        kind: {*inspect.signature(function).parameters, *also}
        for kind, function in FUNCTIONS.items()
    }
    if unknown := [name for name in arguments if name not in takes["stylize"]]:
        raise ValueError(f"{unknown[0]}: expected an argument of stylize, received an unknown one")
    if setting not in takes["stylize"]:
        raise ValueError(f"sweep: expected an argument of stylize, received {setting!r}")
    if not values:
        raise ValueError("sweep: expected at least one value, received none")
    kinds = ["texture"] if setting in takes["texture"] else []
    if setting == "content" or arguments.get("content") is not None:
        kinds.append("stylize")
    if not kinds:
        raise ValueError(f"content: expected a picture, since {setting} does not change a texture")
    planned = []
    for kind in kinds:
        common = {name: value for name, value in arguments.items() if name in takes[kind]}
        planned += [Cell(kind, setting, value, common | {setting: value}) for value in values]
    return planned


def assemble(planned, pictures, facts) -> Comparison:
    """Judges the pictures of planned cells and draws the sheet.

    Args:
        planned: the cells.
        pictures: of each, float32 `[1, H, W, 3]` in [0, 1].
        facts: of each, a dict for the table.
    """
    look = functools.cache(feature_networks.get)  # most cells are looked at by the same networks
    rows = [
        {"kind": cell.kind, cell.setting: cell.label} | fact | _measured(cell, picture, look)
        for cell, picture, fact in zip(planned, pictures, facts)
    ]
    for row in rows:
        row["rank"] = 1 + sum(
            other["judge"] < row["judge"] for other in rows if other["kind"] == row["kind"]
        )
    return Comparison(pictures, rows, _sheet(planned, pictures, rows))


def _measured(cell, picture, look):
    """Distances of a picture to its style, as columns of the table."""
    given = _defaults() | cell.arguments
    layers = tuple(given["style_layers"])
    weights = synthesis.layer_weights(layers, given["style_layer_weights"])
    options = {name: given[name] for name in ("weights", "pooling", "padding")}
    network = look(given["features"], layers, precision="float32", **options)
    beside = [(style.at(1), style.part) for style in _styles(given, picture)]
    found = judges.distances(picture, beside, network, weights)
    columns = {f"distance_{name}": value for name, value in found.items()}
    return columns | {"judge": judges.judge(picture, beside, layers, look)}


def _defaults():
    parameters = inspect.signature(synthesis.stylize).parameters.items()
    return {name: parameter.default for name, parameter in parameters}


def _styles(given, picture):
    behind = images.colour(given["background"])
    arguments = (given[name] for name in ("style", "style_blend", "style_size"))
    return styles.load(*arguments, picture.shape[1:3], behind)


def _sheet(planned, pictures, rows):
    lines = {kind: [] for kind in dict.fromkeys(cell.kind for cell in planned)}
    for cell, picture, row in zip(planned, pictures, rows):
        if not lines[cell.kind]:
            both = ("content", "style") if len(lines) == 1 else ("content",)
            shown = ("style",) if cell.kind == "texture" else both
            lines[cell.kind] += _origin(cell, picture, shown)
        judged = round(row["judge"], 4) + 0  # never -0
        caption = f"{cell.setting}={cell.label}\njudge {judged:.4f}, rank {row['rank']}"
        lines[cell.kind].append((picture, caption))
    return sheet.draw(list(lines.values()))


def _origin(cell, picture, names):
    """What a row was made from, in one image of the size of its pictures at most."""
    names = [name for name in names if name != cell.setting]
    behind = images.colour((_defaults() | cell.arguments)["background"])
    originals = []
    for name in names:
        given = cell.arguments[name]
        given = given if isinstance(given, (list, tuple)) else [given]
        originals += [images.load(original, name, behind) for original in given]
    if not originals:
        return []
    return [(sheet.strip(originals, *picture.shape[1:3]), " and ".join(names))]
