"""A bar that shows how far a run is, in a terminal or notebook."""

import contextlib
import math
from typing import Any

FORMAT = "{l_bar}{bar}| {elapsed}<{remaining}{postfix}"
PARTS = 10_000  # of the work


class Bar:
    """A progress bar of `Step`s.

    Args:
        enabled: whether to show it; `None` shows it where the output is a terminal.
    """

    def __init__(self, enabled: bool | None = None):
        self._disable = None if enabled is None else not enabled
        self._bar: Any = None

    def __enter__(self) -> "Bar":
        return self

    def show(self, step: Any) -> None:
        """Moves the bar to a step."""
        if self._disable:
            return
        if self._bar is None:
            from tqdm.auto import tqdm

            self._bar = tqdm(total=PARTS, bar_format=FORMAT, delay=1e-9, disable=self._disable)
        if not math.isnan(step.loss):
            text = f"{step.evaluations} evaluations, loss {step.loss:.4g}"
            self._bar.set_postfix_str(text, refresh=False)
        with contextlib.suppress(OSError, ValueError):  # a terminal that is gone
            self._bar.update(round(PARTS * step.fraction) - self._bar.n)

    def __exit__(self, *error: Any) -> None:
        if self._bar is not None:
            with contextlib.suppress(OSError, ValueError):
                self._bar.close()
