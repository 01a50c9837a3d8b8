"""FRAME as a run: an iterator over steps, to be watched and stopped.

Light to import: TensorFlow is loaded for the first step.
"""

import time
from typing import Any

import numpy as np

from tfstyle import device, images, levels
from tfstyle.colour import LUMINANCE_AND_CHROMA
from tfstyle.outcome import Outcome
from tfstyle.random_field import filters
from tfstyle.settings import FrameSettings
from tfstyle.steps import Result, Step, Watched

ENDS = 0.01  # share of the pixels that are darker than the darkest level, and lighter
SETTLED = 0.8  # by how much the steps of the multipliers shrink in the end
CLOSE = 0.05  # error of a histogram with which no filter is added


class FrameRun(Watched):
    """A run: an iterator over `Step`s; the first comes before the first sweep.

    Args:
        settings: what to do.
        style: the texture, a picture as `tfstyle.stylize` takes it.

    Raises:
        ValueError: a picture that cannot be used; the message begins with its name.
    """

    def __init__(self, settings: FrameSettings, style: Any):
        super().__init__()
        self.settings = settings
        self.observed, self._greys = _levels(settings, style)
        self.size = levels.output_size(1, 1, settings.size)
        self.chosen: list[int] = []
        self.evaluations, self._began = 0, time.monotonic()
        self._outcome = Outcome.STOPPED
        self._pictures: Any = None
        self._errors: Any = None  # of all filters
        self._losses: list[tuple[int, float]] = []
        self._steps = self._run()

    def __next__(self) -> Step:
        with device.eagerly():
            return next(self._steps)

    @property
    def errors(self) -> dict[str, float]:
        """Errors of the chosen filters, and the largest of the others."""
        named = {self._bank[n].filter.name: float(self._errors[n]) for n in self.chosen}
        others = np.delete(self._errors, self.chosen)
        return named | ({"others": float(others.max())} if len(others) else {})

    @property
    def style(self) -> np.ndarray:
        """The texture as it is seen: its size, its levels, float32 `[1, h, w, 3]` in [0, 1]."""
        return self._image(self.observed[np.newaxis])

    @property
    def result(self) -> Result:
        """The result as it is now, after the first step."""
        return Result(
            image=self._image(self._pictures),
            losses=np.array(self._losses, np.float32).reshape(-1, 2),
            parts=self.errors,
            evaluations=self.evaluations,
            outcome=self._outcome,
            seconds=time.monotonic() - self._began,
        )

    def _run(self):
        import tensorflow as tf

        from tfstyle.random_field import energy, learning

        count, most = self.settings.levels, self.settings.filters
        largest = min(*self.size, *self.observed.shape)
        self._bank = [
            energy.Feature.of(each, count, self.observed) for each in filters.bank(largest)
        ]
        target = np.float32([each.histogram(self.observed) for each in self._bank])
        every = energy.Energy(self._bank, count, *self.size)
        noise = np.random.default_rng(self.settings.seed).integers(0, count, (1, *self.size))
        self._pictures = tf.constant(noise, tf.int32)
        learner = learning.Learner(count, self.size, self.settings.seed)
        self._errors = learning.error(every.histograms(self._pictures)[0], target).numpy()
        yield self._step(0)
        while len(self.chosen) < most:
            rest = np.delete(self._errors, self.chosen)
            if not rest.size or rest.max() < CLOSE:
                self._outcome = Outcome.CONVERGED
                return
            errors = np.array(self._errors)
            errors[self.chosen] = -1
            self.chosen.append(int(errors.argmax()))
            learner.add(self._bank[self.chosen[-1]], target[self.chosen[-1]])
            is_last = len(self.chosen) == most
            sweeps = self.settings.sweeps * (1 + is_last)
            for sweep in range(sweeps):
                step = learning.STEP * (1 - SETTLED * sweep / sweeps if is_last else 1)
                self._pictures = learner.advance(self._pictures, step)
                self._errors = learning.error(every.histograms(self._pictures)[0], target).numpy()
                self.evaluations += 1
                yield self._step((sweep + 1) / sweeps)
                if self.is_stopping:
                    return
        self._outcome = Outcome.DONE

    def _step(self, share):
        """A step after that share of the sweeps with as many filters; these cost more and more."""
        number, most = len(self.chosen), self.settings.filters
        weights = np.arange(1, most + 1.0)
        weights[-1] *= 2
        done = weights[: number - 1].sum() + share * weights[number - 1] if number else 0
        pictures = self._pictures
        loss = float(self._errors[self.chosen].max()) if number else float("nan")
        if number:
            self._losses.append((self.evaluations, loss))
        return Step(
            level=max(1, number),
            levels=most,
            fraction=float(done / weights.sum()),
            evaluations=self.evaluations,
            loss=loss,
            losses=self.errors,
            _shown=lambda: self._image(pictures),
        )

    def _image(self, pictures):
        grey = self._greys[np.asarray(pictures)]
        return np.repeat(grey[..., np.newaxis], 3, axis=-1)


def _levels(settings, style):
    """The style as levels, int `[h, w]`, and the grey of each level, float32 `[L]` in [0, 1].

    Levels are equally far apart, from the darkest to the lightest but for a hundredth.
    """
    picture = images.load(style, "style", images.colour(settings.background))
    height, width = picture.shape[1:3]
    side = settings.style_size or min(max(height, width), *np.atleast_1d(settings.size))
    scale = side / max(height, width)
    picture = images.resize(picture, *(max(1, round(scale * n)) for n in (height, width)))
    grey = picture[0] @ LUMINANCE_AND_CHROMA[0]
    darkest, lightest = np.quantile(grey, (ENDS, 1 - ENDS))
    if darkest == lightest:
        raise images.ImageError(
            "style: expected a picture of several greys, received one that is the same everywhere"
        )
    greys = np.linspace(darkest, lightest, settings.levels, dtype=np.float32)
    places = np.round((grey - darkest) / (lightest - darkest) * (settings.levels - 1))
    return np.clip(places, 0, settings.levels - 1).astype(int), greys
