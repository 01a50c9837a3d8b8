"""An animation of a run: pictures on the way, in one small file."""

import os

import numpy as np
from PIL import Image, ImageSequence

from tfstyle import images
from tfstyle.steps import Step

EXTENSIONS = (".webp", ".gif")
MOST = 60  # frames
LONG_SIDE = 512  # pixels
FRAME, LAST = 100, 2000  # milliseconds


def check(path: str) -> None:
    """Checks before a run that an animation can be written there; raises `ValueError` if not."""
    extension = os.path.splitext(path)[1].lower()
    if extension not in EXTENSIONS:
        raise ValueError(
            f"animation: expected one of {' '.join(EXTENSIONS)}, received {extension!r}"
        )
    images.check_writable(path, f"animation={path}")


class Animation:
    """Frames of a run, evenly spread over its steps: every second is dropped when they are many.

    Args:
        size: height and width of the run's result; frames have its shape.
    """

    def __init__(self, size: tuple[int, int]):
        ratio = min(1, LONG_SIDE / max(size))
        self._size = tuple(max(1, round(side * ratio)) for side in size)
        self._frames: list[Image.Image] = []
        self._every, self._seen = 1, 0

    def resume(self, path: str) -> None:
        """Begins with the frames of a film of that size that is there, if one is."""
        try:
            with Image.open(path) as film:
                frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(film)]
        except OSError:
            return
        if frames[0].size == self._size[::-1]:
            self._frames = frames

    def add(self, step: Step) -> None:
        """Takes the image of a step, or passes over it."""
        if self._seen % self._every == 0:
            self._frames.append(self._frame(step.image))
        self._seen += 1
        if len(self._frames) >= MOST:
            self._frames, self._every = self._frames[::2], 2 * self._every

    def save(self, path: str, last: np.ndarray) -> None:
        """Writes the file; what is there is replaced whole or not at all.

        Args:
            path: its extension, one of `EXTENSIONS`, sets the format.
            last: the image at the end, float32 `[1, H, W, 3]` in [0, 1].

        Raises:
            OSError: writing fails.
        """
        frames = [*self._frames, self._frame(last)]
        times = [FRAME] * len(self._frames) + [LAST]
        path = os.path.realpath(path)
        with images.temporary(path) as beside:
            frames[0].save(
                beside, save_all=True, append_images=frames[1:], duration=times, loop=0, quality=85
            )
            os.replace(beside, path)

    def _frame(self, image):
        return images.to_pil(images.resize(image, *self._size))
