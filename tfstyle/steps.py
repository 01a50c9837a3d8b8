"""What a run gives: its steps, its result, and where it is between two steps."""

import dataclasses
import functools
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from tfstyle import device
from tfstyle.messages import shown
from tfstyle.outcome import Outcome


@dataclasses.dataclass(frozen=True)
class Step:
    """A moment of a run.

    Attributes:
        level, levels: number of the present level, from 1, and of all.
        fraction: of the work that is done, from 0 to 1.
        evaluations: of the loss and its gradient, on all levels so far; 0 in the first step, when
            all is ready.
        loss: total loss of the image; not a number in the first step.
        losses: its terms, `{name: value}`.
    """

    level: int
    levels: int
    fraction: float
    evaluations: int
    loss: float
    losses: dict[str, float]
    _shown: Callable[[], np.ndarray] = dataclasses.field(repr=False)

    @functools.cached_property
    def image(self) -> np.ndarray:
        """The image in the frame of the result, float32 `[1, h, w, 3]` in [0, 1].

        It has the size of the level: a half, a quarter ... of the result's.
        """
        return self._shown()[..., :3]  # of a material the colour


@dataclasses.dataclass(repr=False)
class Result:
    """The end of a run.

    Attributes:
        image: float32 `[1, H, W, 3]` in [0, 1], of the size that was asked for.
        maps: all maps of a material by name, such images too; of a mere picture none.
        losses: float32 `[n, 2]`: number of the evaluation, total loss there; with a discriminator a
            third column, its accuracy.
        parts: the terms of the loss at the end, `{name: value}`.
        evaluations: of the loss and its gradient.
        outcome: how the run ended, a `tfstyle.Outcome`.
        seconds: wall time.
        alpha: transparency of the content, float32 `[1, H, W, 1]`, 0 where nothing is to be seen of
            the image; `None` where all is opaque. The image is painted there too.
    """

    image: np.ndarray
    losses: np.ndarray
    parts: dict[str, float]
    evaluations: int
    outcome: Outcome
    seconds: float
    alpha: np.ndarray | None = None
    maps: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

    def __repr__(self) -> str:
        height, width = self.image.shape[1:3]
        return (
            f"<Result {width}x{height}: {self.outcome.value} after {self.evaluations} evaluations "
            f"in {self.seconds:.1f} s>"
        )


@dataclasses.dataclass
class Position:
    """Where a run is: all that changes on the way.

    Attributes:
        level: number of the level, from 0.
        strategy: how it is worked on.
        targets: of this level.
        state: of the optimiser.
        before: evaluations before this state began, and those of them on this level.
        losses: arrays, see `Result`.
        seconds: that the run has taken.
        resumable: whether the state is complete.
    """

    level: int
    strategy: Any
    targets: Any
    state: Any
    before: tuple[int, int] = (0, 0)
    losses: list[np.ndarray] = dataclasses.field(default_factory=list)
    seconds: float = 0.0
    resumable: bool = True

    def release(self) -> None:
        """Frees what only the optimiser needs: memory has run out, and another state begins."""
        needed = ("image", "loss", "parts", "evaluations", "status", "targets")
        freed = {name: () for name in self.state._fields if name not in needed}
        self.state, self.resumable = self.state._replace(**freed), False

    @property
    def shown(self) -> Any:
        """The image as it is seen: over the photograph, where no style is."""
        with device.eagerly():
            return self.targets.masks.shown(self.state.image)

    @property
    def evaluations(self) -> int:
        return self.before[0] + int(self.state.evaluations)

    def before_next(self, level: int) -> tuple[int, int]:
        """What `before` is for the state that comes next, on that level."""
        on_level = self.before[1] + int(self.state.evaluations) if level == self.level else 0
        return self.evaluations, on_level


class Made(NamedTuple):
    """In the place of an optimiser's state, where there was nothing to optimise."""

    image: Any
    loss: Any
    parts: dict[str, Any]
    evaluations: int


class Watched:
    """An iterator over `Step`s that can be stopped, or run to its end.

    A subclass has `_steps`, `evaluations` and `result`.
    """

    evaluations: Any
    result: Any
    _steps: Iterator[Step]

    def __init__(self):
        self._stop = threading.Event()

    def __iter__(self) -> Iterator[Step]:
        return self

    def __next__(self) -> Step:
        with device.eagerly():
            return next(self._steps)

    def stop(self) -> None:
        """Lets the run end after the step that is computed; from any thread."""
        self._stop.set()

    @property
    def is_stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stop.is_set()

    def complete(
        self, callback: Callable[[Step], Any] | None = None, progress: bool = False
    ) -> Result:
        """Runs to the end.

        Args:
            callback: called with every step; where it returns False the run stops.
            progress: whether to show a bar, in a terminal or notebook.

        Returns:
            The result. `KeyboardInterrupt` stops the run too, once there is a picture.
        """
        from tfstyle.progress import Bar

        if callback is not None and not callable(callback):
            raise ValueError(f"callback: expected a function, received {shown(callback)}")
        try:
            with Bar(progress) as bar:
                for step in self:
                    bar.show(step)
                    if callback is not None and callback(step) is False:
                        self.stop()
        except KeyboardInterrupt:
            if not self.evaluations:
                raise
            self._interrupted()
        return self.result

    def _interrupted(self):
        """Is called where a run ends by `KeyboardInterrupt`."""


class Resumable(Watched):
    """One that is kept in a file every few seconds and at its end, and can go on from there.

    A subclass has a `_saver` and makes a `checkpoint`.
    """

    checkpoint: Callable[[], Any]
    _saver: Any

    def __next__(self) -> Step:
        try:
            step = super().__next__()
        except StopIteration:
            self._save()
            raise
        if self._saver.is_due:
            self._save()
        return step

    @property
    def checkpoint_path(self) -> str | os.PathLike | None:
        """The file that checkpoints are written to."""
        return self._saver.path

    def _interrupted(self):
        self._save()

    def _save(self):
        """Writes the checkpoint, if one is asked for and there is something to keep."""
        if self.evaluations:
            self._saver.save(self.checkpoint)
