"""Pictures side by side: one setting takes several values, all else is equal."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tfstyle import api, images, masks
from tfstyle import features as feature_networks
from tfstyle.evaluation import contact_sheet, measures
from tfstyle.evaluation import judge as judges
from tfstyle.inputs import fitted, load_styles
from tfstyle.run import Run
from tfstyle.settings import StylizeSettings, TextureSettings
from tfstyle.settings.base import refuse_unknown
from tfstyle.settings.kinds import Texts

JOBS = {"texture": TextureSettings, "stylize": StylizeSettings}
PICTURES = ("content", "style")
STATISTICS = ("gram", "mean_covariance", "gaussian_w2")
SIZE = 256  # at which many pictures can be made


@dataclasses.dataclass(frozen=True)
class Cell:
    """One picture to be made.

    Attributes:
        kind: "texture" or "stylize".
        setting, value: what is compared: a setting, or one of the pictures.
        settings: of the job, with the value among them.
        pictures: "content", "style" and "init", as far as they are given.
        objects: in the place of names in the settings.
    """

    kind: str
    setting: str
    value: Any
    settings: Any
    pictures: dict[str, Any]
    objects: dict[str, Any]

    @property
    def label(self) -> str:
        values = self.value if isinstance(self.value, (list, tuple)) else [self.value]
        return ",".join(f"{v:g}" if isinstance(v, float) else str(v) for v in values)

    def run(self, **options: Any) -> Run:
        """The run that makes the picture."""
        return Run(self.settings, **self.pictures, **self.objects, judged=True, **options)


@dataclasses.dataclass
class Comparison:
    """What came of it.

    Attributes:
        images: the pictures, float32 `[1, H, W, 3]` in [0, 1].
        rows: for each a dict with its kind, setting, evaluations, seconds and outcome, its relative
            distance to the style in every statistic (`distance_gram`, ...), the judge's distance,
            its grain (`grain_luminance_25`, ...), palette and structure beside the style's (see
            `tfstyle.evaluation.measures`), its distance to the content, and its rank by the judge
            among those of its kind. The structure is `None` but for textures of a style in which
            something repeats, the content `None` for all textures.
        note: what is to be known of all rows, or `None`: where masks were given, what of the
            pictures was looked at.
        sheet: all of them on one labelled sheet, float32 `[1, H, W, 3]`: a row for the textures, a
            row for the stylised pictures, what they were made from on the left.
    """

    images: list
    rows: list
    sheet: np.ndarray
    note: str | None = None


def compare(
    style: Any,
    content: Any = None,
    *,
    statistics: Sequence[str] = STATISTICS,
    sweep: tuple[str, Sequence] | None = None,
    size: int | tuple[int, int] = SIZE,
    callback: Callable | None = None,
    **changes: Any,
) -> Comparison:
    """Makes the same texture and stylised picture with one setting after another.

    Args:
        style, content: see `tfstyle.stylize`; without content there are textures only.
        statistics: names of the statistics to be compared.
        sweep: another setting to be compared, and its values, instead of the statistics:
            `("style_weight", [10, 100, 1000])`.
        size: see `tfstyle.stylize`.
        callback: see `tfstyle.stylize`.
        changes: settings of `tfstyle.stylize` for all pictures; what textures have no use for
            (content weight, style weight) is left out there.

    Raises:
        ValueError: an argument is not as described; the message begins with its name.
    """
    setting, values = sweep or ("statistic", Texts("names").check("statistics", statistics))
    planned = cells(changes | {"style": style, "content": content, "size": size}, setting, values)
    results = [cell.run().complete(callback) for cell in planned]
    facts = [
        {
            "evaluations": result.evaluations,
            "seconds": round(result.seconds, 2),
            "outcome": result.outcome.value,
        }
        for result in results
    ]
    return assemble(planned, [result.image for result in results], facts)


def cells(arguments: Mapping[str, Any], setting: str, values: Sequence) -> list[Cell]:
    """The pictures of a comparison, textures first.

    Args:
        arguments: style, content (`None` for textures only) and settings of `stylize`, by name.
        setting: name of the setting or picture that is compared.
        values: that it takes.

    Raises:
        ValueError: no such setting, no values, or nothing that it changes.
    """
    known = [*PICTURES, *StylizeSettings.fields()]
    refuse_unknown(arguments, known)
    if setting not in known:
        raise ValueError(f"sweep: expected a setting of stylize, received {setting!r}")
    if not len(values):
        raise ValueError("sweep: expected at least one value, received none")
    kinds = ["texture"] if setting in ("style", *TextureSettings.fields()) else []
    if setting == "content" or arguments.get("content") is not None:
        kinds.append("stylize")
    if not kinds:
        raise ValueError(f"content: expected a picture, since {setting} does not change a texture")
    return [
        _cell(kind, setting, value, {**arguments, setting: value})
        for kind in kinds
        for value in values
    ]


def _cell(kind, setting, value, arguments):
    job = JOBS[kind]
    changes, objects = api.separated({n: v for n, v in arguments.items() if n in job.fields()})
    names = [name for name in PICTURES if name == "style" or kind == "stylize"]
    pictures = {name: arguments[name] for name in names}
    pictures |= {"init": objects.pop("init")} if "init" in objects else {}
    return Cell(kind, setting, value, job.of(changes), pictures, objects)


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
    return Comparison(pictures, rows, _sheet(planned, pictures, rows), _note(planned))


def _note(planned):
    named = [name for name in masks.NAMES if any(_is_given(cell, name) for cell in planned)]
    if not named:
        return None
    return (
        f"{', '.join(named)}: numbers of a style are those of the largest rectangles in its masks, "
        "of several styles the mean by area; that of the content is of the whole picture"
    )


def _is_given(cell, name):
    return name in cell.objects or getattr(cell.settings, name, None) is not None


def _measured(cell, picture, look):
    """Distances of a picture to its style and content, as columns of the table."""
    settings, weights = cell.settings, cell.settings.layer_weights()
    options = settings.select(("weights", "pooling", "padding"))
    features = cell.objects.get("features", settings.chosen("features"))
    network = look(features, tuple(weights), precision="float32", **options)
    numbers = functools.partial(_beside_style, cell.kind, network, weights, look)
    columns = _mean([(share, numbers(*pair)) for share, *pair in _pairs(cell, picture)])
    if cell.kind == "texture":
        return columns
    background = images.colour(settings.background)
    content = images.load(cell.pictures["content"], "content", background)
    content = fitted(content, picture.shape[1:3], settings, background)
    return columns | {"content": judges.content_distance(picture, content, look)}


def _beside_style(kind, network, weights, look, picture, beside):
    """Numbers of a picture, or a part of it, and of pictures of a style with their parts."""
    found = judges.distances(picture, beside, network, weights)
    columns = {f"distance_{name}": value for name, value in found.items()}
    columns["judge"] = judges.judge(picture, beside, weights, look)
    grain = measures.grain(picture, beside)._asdict()
    columns |= {f"grain_{name}": value for name, value in grain.items()}
    columns["palette"] = measures.palette(picture, beside)
    structure = measures.structure(picture, beside) if kind == "texture" else None
    return columns | {"structure": structure, "content": None}


def _mean(found):
    """Of numbers by name, with their weights; of those that some lack over the others."""
    means = {}
    for name in found[0][1]:
        known = [(share, each[name]) for share, each in found if each[name] is not None]
        total = sum(share for share, _ in known)
        means[name] = sum(share * value for share, value in known) / total if known else None
    return means


def _pairs(cell, picture):
    """What is compared: (weight, part of the picture, [(part of a style, its part)])."""
    size, settings, given = picture.shape[1:3], cell.settings, cell.objects
    styles = load_styles(settings, cell.pictures["style"], size, given)
    of_styles, _ = masks.of_result(settings, cell.pictures["style"], given)
    regions = masks.regions(of_styles, size, cell.kind == "texture") if of_styles else None
    numbers = list(dict.fromkeys(style.number for style in styles))
    pairs = []
    for place in range(len(numbers) if regions is not None else 0):
        mask = regions[..., place : place + 1]
        turns = [style for style in styles if style.number == numbers[place]]
        pairs.append((float(mask.sum()), _inside(picture, mask), _examples(turns)))
    fitting = [pair for pair in pairs if pair[1] is not None]
    return fitting or [(1.0, picture, _examples(styles))]


def _examples(styles):
    """What counts of styles, each with its part in the blend."""
    total, examples = sum(style.part for style in styles), []
    for style in styles:
        whole = style.resized()
        part = whole if style.region is None else _inside(whole, style.region)
        examples.append((whole if part is None else part, style.part / total))
    return examples


def _inside(picture, mask):
    """The largest rectangle of a picture in a mask; `None` where that is too small to be seen."""
    inside = masks.stretched(mask, picture.shape[1:3])[0, ..., 0] >= 0.5
    rows, columns = masks.rectangle(inside)
    part = picture[:, rows, columns]
    return part if min(part.shape[1:3]) >= images.MIN_SIDE else None


def _sheet(planned, pictures, rows):
    lines = {kind: [] for kind in dict.fromkeys(cell.kind for cell in planned)}
    for cell, picture, row in zip(planned, pictures, rows):
        if not lines[cell.kind]:
            both = ("content", "style") if len(lines) == 1 else ("content",)
            shown = ("style",) if cell.kind == "texture" else both
            lines[cell.kind] += _origin(cell, picture, shown)
        lines[cell.kind].append((picture, _caption(cell, row)))
    return contact_sheet.draw(list(lines.values()))


def _caption(cell, row):
    judged = round(row["judge"], 4) + 0  # never -0
    grains = [row[f"grain_{name}_50"] for name in ("luminance", "chroma")]
    light, colour = (f"{grain:.2f}" if grain < 10 else f"{grain:.0f}" for grain in grains)
    return (
        f"{cell.setting}={cell.label}\njudge {judged:.4f}, rank {row['rank']}\n"
        f"grain {light}, of colour {colour}\npalette {row['palette']:.1f}"
    )


def _origin(cell, picture, names):
    """What a row was made from, in one image of the size of its pictures at most."""
    names = [name for name in names if name != cell.setting]
    background = images.colour(cell.settings.background)
    originals = []
    for name in names:
        given = cell.pictures[name]
        given = given if isinstance(given, (list, tuple)) else [given]
        originals += [images.load(original, name, background) for original in given]
    if not originals:
        return []
    return [(contact_sheet.strip(originals, *picture.shape[1:3]), " and ".join(names))]
