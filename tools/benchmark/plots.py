"""Plots of a section: its curves if it has any, else bars."""

import io

from matplotlib.figure import Figure
from PIL import Image


def draw(section, path) -> None:
    """Writes the plot of a `report.Section` as a PNG file."""
    figure = _curves(section.points) if section.points else _bars(section)
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=80)
    Image.open(drawn).quantize(64).save(path, optimize=True)  # a third of the size


def _bars(section):
    rows = section.rows[::-1]  # the first row at the top
    names = list(section.rows[0])
    about = names[: names.index(section.bar)]
    labels = [", ".join(str(row[name]) for name in about) for row in rows]
    figure = Figure(figsize=(8, 1 + 0.3 * len(rows)), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh(range(len(rows)), [row[section.bar] for row in rows], color="#2a5fa8")
    axes.bar_label(bars, fmt="%.3g", padding=3)
    axes.set_yticks(range(len(rows)), labels)
    axes.set_xlabel(section.bar)
    axes.margins(x=0.12)
    return figure


def _curves(points):
    """A row of axes for every problem: the loss against evaluations, and against CPU seconds."""
    problems = list(dict.fromkeys(_problem(point) for point in points))
    figure = Figure(figsize=(11, 3.6 * len(problems)), layout="constrained")
    grid = figure.subplots(len(problems), 2, squeeze=False, sharey="row")
    for problem, pair in zip(problems, grid):
        of_problem = [point for point in points if _problem(point) == problem]
        for axes, x in zip(pair, ("evaluations", "cpu_seconds")):
            for run in dict.fromkeys(point["run"] for point in of_problem):
                curve = [point for point in of_problem if point["run"] == run]
                axes.plot([p[x] for p in curve], [p["loss"] for p in curve], label=run)
            axes.set(xlabel=x, yscale="log")
            axes.grid(alpha=0.3)
        pair[0].set(ylabel="float32 loss at full size", title=", ".join(map(str, problem)))
        # A first step may leave the image anywhere: that must not set the scale.
        losses = sorted(point["loss"] for point in of_problem)
        pair[0].set_ylim(0.8 * losses[0], 1.2 * losses[int(0.9 * (len(losses) - 1))])
        pair[1].legend(frameon=False)
    return figure


def _problem(point):
    return point["task"], point["features"], point["size"]
