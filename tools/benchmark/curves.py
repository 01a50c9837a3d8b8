"""Curves of the loss: recorded during a run, measured afterwards, and compared."""

from typing import Any, NamedTuple

import numpy as np

from tfstyle import images
from tools.benchmark import timing

SPACING = 0.04  # a point is kept if the time is longer by this part than at the one before
TIMES = ("seconds", "cpu_seconds")


class Point(NamedTuple):
    """An image on the way."""

    evaluations: int
    seconds: timing.Seconds
    image: Any


class Recorder:
    """Keeps images of a run, and when they were there.

    The clock starts at the first image that has been evaluated: what went before, loading and
    tracing, is `startup`.
    """

    def __init__(self):
        self.points, self._began = [], timing.now()
        self.startup = None

    def add(self, evaluations, image):
        """The latest is always kept; those before are thinned out."""
        seconds = timing.now().since(self._began)
        if self.startup is None:
            self.startup, self._began = seconds, timing.now()
            seconds = timing.Seconds(0.0, 0.0)
        if len(self.points) > 1:
            before, last = (point.seconds.wall for point in self.points[-2:])
            if last < (1 + SPACING) * before:
                self.points.pop()
        self.points.append(Point(evaluations, seconds, image))


def measured(recorder, loss, shape, about) -> list[dict]:
    """Rows of a curve: `loss` of all images of a run, brought to the height and width `shape`."""
    return [
        about
        | {
            "evaluations": point.evaluations,
            "seconds": point.seconds.wall,
            "cpu_seconds": point.seconds.cpu,
            "loss": float(loss(images.resize(point.image, *shape))),
        }
        for point in recorder.points
    ]


def compare(curves, base) -> list[dict]:
    """A row for every curve beside the one of run `base`, of the same problem.

    Args:
        curves: lists of rows from `measured`.
        base: name of a run.

    Returns:
        Dicts. `cpu_ratio`, `seconds_ratio`: time to the lowest loss that both reach; `loss_ratio`:
        lowest loss within the CPU seconds of the shorter run; all relative to the base. Then the
        lowest loss, and what the whole run took.
    """
    (reference,) = (curve for curve in curves if curve[0]["run"] == base)
    return [_compared(curve, reference) for curve in curves]


def _compared(curve, base):
    last = curve[-1]
    ours, theirs = _lowest(curve), _lowest(base)
    common = max(ours["log_loss"][-1], theirs["log_loss"][-1])
    shorter = min(last["cpu_seconds"], base[-1]["cpu_seconds"])
    loss, base_loss = (
        np.interp(shorter, each["cpu_seconds"], each["log_loss"]) for each in (ours, theirs)
    )
    ratios = {name: _time_to(ours, common, name) / _time_to(theirs, common, name) for name in TIMES}
    return {
        **{name: last[name] for name in ("task", "features", "size", "run")},
        "cpu_ratio": ratios["cpu_seconds"],
        "seconds_ratio": ratios["seconds"],
        "loss_ratio": float(np.exp(loss - base_loss)),
        "lowest_loss": float(np.exp(ours["log_loss"][-1])),
        **{name: last[name] for name in ("evaluations", *TIMES, "startup_seconds")},
    }


def _lowest(curve):
    """The points with a loss lower than ever before; a step into the void (NaN) is none."""
    losses = np.fmin.accumulate([row["loss"] for row in curve])
    kept = np.append(True, losses[1:] < losses[:-1])
    times = {name: np.array([row[name] for row in curve])[kept] for name in TIMES}
    return {"log_loss": np.log(losses[kept])} | times


def _time_to(lowest, log_loss, time):
    """When the loss is reached, between two points if need be."""
    return float(np.interp(-log_loss, -lowest["log_loss"], lowest[time])) or np.nan
