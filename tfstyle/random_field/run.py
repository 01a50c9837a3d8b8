"""FRAME as a run: an iterator over steps, to be watched and stopped.

Light to import: TensorFlow is loaded for the first step.
"""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from tfstyle import features, images, levels
from tfstyle.colour import LUMINANCE_AND_CHROMA
from tfstyle.outcome import Outcome
from tfstyle.settings import FrameSettings
from tfstyle.steps import Result, Step, Watched

ENDS = 0.01  # share of the pixels that are darker than the darkest level, and lighter
SETTLED = 0.8  # by how much the steps of the multipliers shrink in the end
CLOSE = 0.05  # error of a histogram with which no filter is added
# Of a network's field: the sampler's first step, its moves in a sweep, and how much is learned for
# each unit of its way.
FIRST_STEP, MOVES, LEARNED = 0.005, 5, 1.0


def start(settings: FrameSettings, style: Any) -> "FieldRun":
    """The run that belongs to settings; see `FieldRun`."""
    return (FrameRun if settings.features is None else NeuralRun)(settings, style)


class FieldRun(Watched):
    """A run: an iterator over `Step`s; the first comes before the first sweep.

    A subclass has `_run`, `errors` and `_image`.

    Args:
        settings: what to do.
        style: the texture, a picture as `tfstyle.stylize` takes it.

    Attributes:
        grey: whether its pictures are.

    Raises:
        ValueError: a picture that cannot be used; the message begins with its name.
    """

    grey: bool
    errors: dict[str, float]

    def __init__(self, settings: FrameSettings, style: Any):
        super().__init__()
        self.settings = settings
        self.size = levels.output_size(1, 1, settings.size)
        self.evaluations, self._began = 0, time.monotonic()
        self._texture = _texture(settings, style)
        self._outcome = Outcome.STOPPED
        self._pictures: Any = None
        self._losses: list[tuple[int, float]] = []
        self._steps = self._run()

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

    def _step(self, fraction, loss, level=1, levels=1):
        """A step; its loss counts but for the first."""
        pictures = self._pictures
        if self.evaluations:
            self._losses.append((self.evaluations, loss))
        return Step(
            level=level,
            levels=levels,
            fraction=fraction,
            evaluations=self.evaluations,
            loss=loss if self.evaluations else float("nan"),
            losses=self.errors,
            _shown=lambda: self._image(pictures),
        )

    def _run(self) -> Iterator[Step]:
        raise NotImplementedError

    def _image(self, pictures):
        """Pictures as images, float32 `[1, h, w, 3]` in [0, 1]."""
        raise NotImplementedError


class FrameRun(FieldRun):
    """A run of a field of grey pictures, to which filters are added."""

    grey = True

    def __init__(self, settings: FrameSettings, style: Any):
        super().__init__(settings, style)
        self._texture, self._ends = _grey(self._texture)
        self.chosen: list[int] = []
        self._errors: Any = None  # of all filters

    @property
    def errors(self) -> dict[str, float]:  # type: ignore[override]
        """Errors of the chosen filters, and the largest of the others."""
        named = {self._field.bank[n].filter.name: float(self._errors[n]) for n in self.chosen}
        others = np.delete(self._errors, self.chosen)
        return named | ({"others": float(others.max())} if len(others) else {})

    @property
    def style(self) -> np.ndarray:
        """The texture as it is seen: its size, its levels, float32 `[1, h, w, 3]` in [0, 1]."""
        return self._image(self._field.texture[np.newaxis])

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
        yield self._filtered(0)
        while len(self.chosen) < most:
            rest = [n for n in range(len(field.bank)) if n not in self.chosen]
            if max((self._errors[n] for n in rest), default=0) < CLOSE:
                self._outcome = Outcome.CONVERGED
                return
            self.chosen.append(max(rest, key=lambda n: self._errors[n]))
            learner.add(field.bank[self.chosen[-1]], field.observed[self.chosen[-1]])
            is_last = len(self.chosen) == most
            sweeps = self.settings.chosen("sweeps") * (1 + is_last)
            for sweep in range(sweeps):
                step = learning.STEP * (1 - SETTLED * sweep / sweeps if is_last else 1)
                self._pictures = learner.advance(self._pictures, step)
                self._errors = errors()
                self.evaluations += 1
                yield self._filtered((sweep + 1) / sweeps)
                if self.is_stopping:
                    return
        self._outcome = Outcome.DONE

    def _filtered(self, share):
        """A step after that share of the sweeps with as many filters; these cost more and more."""
        number, most = len(self.chosen), self.settings.filters
        weights = np.arange(1, most + 1.0)
        weights[-1] *= 2
        done = weights[: number - 1].sum() + share * weights[number - 1] if number else 0
        loss = float(self._errors[self.chosen].max(initial=0))
        return self._step(float(done / weights.sum()), loss, max(1, number), most)

    def _image(self, pictures):
        darkest, lightest = self._ends
        grey = darkest + (lightest - darkest) * self._field.grey(pictures)
        return np.repeat(np.float32(grey)[..., np.newaxis], 3, axis=-1)


class NeuralRun(FieldRun):
    """A run of a field of colours, with the features of a network."""

    grey = False

    def __init__(self, settings: FrameSettings, style: Any):
        features.check_settings(settings, settings.features)
        super().__init__(settings, style)
        network: Any = features.table(settings.features)
        stride = max(map(network.stride, settings.layers()))
        if any(side % stride for side in self.size):
            raise ValueError(
                f"size: expected multiples of {stride}, the stride of the deepest of style_layers, "
                f"received {self.size[1]}x{self.size[0]}"
            )
        self.errors = {}

    def _run(self):
        import tensorflow as tf

        from tfstyle.random_field import langevin, neural

        chosen, seed = self.settings.chosen, self.settings.seed
        layers, sweeps = chosen("style_layers"), chosen("sweeps")
        energy = neural.NeuralEnergy(
            self._texture, self.size, self.settings.features, layers, self.settings.weights
        )
        sampler = langevin.Langevin(energy, FIRST_STEP, MOVES)
        noise = np.random.default_rng(seed).normal(size=(1, *self.size, 3))
        places, multipliers = tf.constant(noise, tf.float32), energy.multipliers()
        for sweep in range(sweeps + 1):
            if sweep:
                places = sampler.sweep(places, multipliers, tf.constant([seed, sweep]))
            rate = LEARNED * (1 - SETTLED * sweep / sweeps) * sampler.travelled
            multipliers, errors = energy.learned(places, multipliers, rate)
            self.errors = dict(zip(layers, map(float, errors)))
            self._pictures, self.evaluations = energy.reference.pictures(places), sweep
            yield self._step(sweep / sweeps, max(self.errors.values()))
            if self.is_stopping:
                return
        self._outcome = Outcome.DONE

    def _image(self, pictures):
        return np.clip(pictures, 0, 1)


def _texture(settings, style):
    """The style as large as it is looked at, float32 `[h, w, 3]` in [0, 1]."""
    picture = images.load(style, "style", images.colour(settings.background))
    height, width = picture.shape[1:3]
    side = settings.style_size or min(max(height, width), *np.atleast_1d(settings.size))
    scale = side / max(height, width)
    return images.resize(picture, *(max(1, round(scale * n)) for n in (height, width)))[0]


def _grey(texture):
    """Its greys `[h, w]` from 0 to 1, and the greys in [0, 1] that these two stand for.

    From the darkest to the lightest but for a hundredth.
    """
    grey = texture @ LUMINANCE_AND_CHROMA[0]
    darkest, lightest = np.quantile(grey, (ENDS, 1 - ENDS))
    if darkest == lightest:
        raise images.ImageError(
            "style: expected a picture of several greys, received one that is the same everywhere"
        )
    return np.clip((grey - darkest) / (lightest - darkest), 0, 1), (darkest, lightest)
