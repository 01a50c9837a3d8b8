"""A bar that shows how far a run is, in a terminal or notebook."""

import contextlib
import math
from typing import Any

STARTING = "starting ..."
FORMAT = "{l_bar}{bar}| {elapsed}{postfix}"
FORMAT_WITH_REST = "{l_bar}{bar}| {elapsed}, {remaining} left{postfix}"
KNOWN = 0.02  # of the work, from which on the time that is left can be told
PARTS = 10_000  # of the work


class Bar:
    """A progress bar of `Step`s.

    Args:
        enabled: whether to show it; `None` shows it where the output is a terminal, and takes it
            away at the end.
        runs: that follow each other under this bar, about as long as each other.
    """

    def __init__(self, enabled: bool | None = None, runs: int = 1):
        self._disable = None if enabled is None else not enabled
        self._runs, self._ended = runs, 0
        self._begun: int | None = None
        self._bar: Any = None

    def __enter__(self) -> "Bar":
        if not self._disable:
            from tqdm.auto import tqdm

            kept, disable = self._disable is False, self._disable
            self._bar = tqdm(total=PARTS, bar_format=STARTING, disable=disable, leave=kept)
        return self

    def show(self, step: Any) -> None:
        """Moves the bar to a step."""
        if self._bar is None or self._bar.disable:
            return
        done = round(PARTS * (self._ended + step.fraction) / self._runs)
        if self._begun is None:
            self._bar.reset()  # the time
            self._begun = self._bar.initial = self._bar.n = self._bar.last_print_n = done
        if not math.isnan(step.loss):
            picture = f"picture {self._ended + 1} of {self._runs}, " if self._runs > 1 else ""
            text = f"{picture}{step.evaluations} evaluations, loss {step.loss:.4g}"
            self._bar.set_postfix_str(text, refresh=False)
        is_known = done - self._begun >= KNOWN * PARTS and done < PARTS
        self._bar.bar_format = FORMAT_WITH_REST if is_known else FORMAT
        with contextlib.suppress(OSError, ValueError):  # a terminal that is gone
            self._bar.update(done - self._bar.n)

    def end_run(self) -> None:
        """What is shown next belongs to the next run."""
        self._ended += 1

    def __exit__(self, *error: Any) -> None:
        if self._bar is not None:
            with contextlib.suppress(OSError, ValueError):
                self._bar.close()
