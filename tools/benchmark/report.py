"""A section's result: printed as Markdown, written as CSV, and drawn."""

import csv
import importlib.util
from typing import NamedTuple


class Section(NamedTuple):
    """What a section has measured.

    Attributes:
        rows: of its table, dicts with the same keys; what a row is about comes first.
        bar: the column that is drawn, the first one that is a measurement.
        points: of its curves if it has any, dicts (see `tools.benchmark.curves`).
    """

    rows: list
    bar: str
    points: list = []


def table(section: Section) -> str:
    """The rows as a Markdown table; names in it are those of the CSV file."""
    if not section.rows:
        return "Nothing to measure."
    names = list(section.rows[0])
    lines = [names, ["---"] * len(names)]
    lines += [[_short(row[name]) for name in names] for row in section.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(section: Section, folder, name) -> None:
    """Writes NAME.csv, NAME_curves.csv if there are curves, and NAME.png if matplotlib is there."""
    if not section.rows:
        return
    folder.mkdir(parents=True, exist_ok=True)
    _write_csv(section.rows, folder / f"{name}.csv")
    if section.points:
        _write_csv(section.points, folder / f"{name}_curves.csv")
    if importlib.util.find_spec("matplotlib"):
        from tools.benchmark import plots

        plots.draw(section, folder / f"{name}.png")
    else:
        print("No plots: they need matplotlib.")


def _write_csv(rows, path):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _short(value):
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)
