"""FRAME as a run: an iterator over steps, to be watched and stopped.

Light to import: TensorFlow is loaded for the first step.
"""

import time
from typing import Any

import numpy as np

from tfstyle import device, images, levels
from tfstyle.colour import LUMINANCE_AND_CHROMA
from tfstyle.outcome import Outcome
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
        self._texture, self._ends = _grey(settings, style)
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
        named = {self._field.bank[n].filter.name: float(self._errors[n]) for n in self.chosen}
        others = np.delete(self._errors, self.chosen)
        return named | ({"others": float(others.max())} if len(others) else {})

    @property
    def style(self) -> np.ndarray:
        """The texture as it is seen: its size, its levels, float32 `[1, h, w, 3]` in [0, 1]."""
        return self._image(self._field.texture[np.newaxis])

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
        from tfstyle.random_field import fields, learning

        most = self.settings.filters
        self._field = field = (
            fields.Greys(self._texture, self.size)
            if self.settings.sampler == "langevin"
            else fields.Levels(self._texture, self.size, self.settings.levels)
        )
        every = field.energy(field.bank)
        self._pictures = field.noise(np.random.default_rng(self.settings.seed))
        learner = learning.Learner(field, self.settings.seed)

        def errors():
            return learning.error(every.histograms(self._pictures)[0], field.observed).numpy()

        self._errors = errors()
        yield self._step(0)
        while len(self.chosen) < most:
            rest = [n for n in range(len(field.bank)) if n not in self.chosen]
            if max((self._errors[n] for n in rest), default=0) < CLOSE:
                self._outcome = Outcome.CONVERGED
                return
            self.chosen.append(max(rest, key=lambda n: self._errors[n]))
            learner.add(field.bank[self.chosen[-1]], field.observed[self.chosen[-1]])
            is_last = len(self.chosen) == most
            sweeps = self.settings.sweeps * (1 + is_last)
            for sweep in range(sweeps):
                step = learning.STEP * (1 - SETTLED * sweep / sweeps if is_last else 1)
                self._pictures = learner.advance(self._pictures, step)
                self._errors = errors()
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
        darkest, lightest = self._ends
        grey = darkest + (lightest - darkest) * self._field.grey(pictures)
        return np.repeat(np.float32(grey)[..., np.newaxis], 3, axis=-1)


def _grey(settings, style):
    """The style from 0 to 1 `[h, w]`, and the greys in [0, 1] that these stand for.

    From the darkest to the lightest but for a hundredth.
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
    return np.clip((grey - darkest) / (lightest - darkest), 0, 1), (darkest, lightest)
