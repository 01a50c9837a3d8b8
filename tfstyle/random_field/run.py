"""FRAME as a run: an iterator over steps, to be watched, stopped and resumed.

Light to import: TensorFlow is loaded for the first step.
"""

import abc
import os
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from tfstyle import features, images, levels
from tfstyle.checkpoint import Checkpoint, Saver, found
from tfstyle.colour import LUMINANCE_AND_CHROMA
from tfstyle.inputs import digest
from tfstyle.outcome import Outcome
from tfstyle.settings import FrameSettings
from tfstyle.steps import Result, Resumable, Step
from tfstyle.workload import Strategy

ENDS = 0.01  # share of the pixels that are darker than the darkest level, and lighter
SETTLED = 0.8  # by how much the steps of the multipliers shrink in the end
CLOSE = 0.05  # error of a histogram with which no filter is added
# Of a network's field: the sampler's first step, its moves in a sweep, and how much is learned for
# each unit of its way.
FIRST_STEP, MOVES, LEARNED = 0.005, 5, 1.0


class Moment(NamedTuple):
    """Where a run is after a sweep.

    Attributes:
        pictures: as they are drawn.
        multipliers: of the energy, a list of tensors.
        step: of the sampler, a scalar.
        chosen: numbers of the filters, in order.
        sweeps: with as many filters, and in all.
    """

    pictures: Any
    multipliers: Any
    step: Any
    chosen: tuple[int, ...] = ()
    sweeps: tuple[int, int] = (0, 0)


def start(settings: FrameSettings, style: Any, **kept: Any) -> "FieldRun":
    """The run that belongs to settings; see `FieldRun`."""
    return (FrameRun if settings.features is None else NeuralRun)(settings, style, **kept)


class FieldRun(Resumable, abc.ABC):
    """A run: an iterator over `Step`s; the first comes before the first sweep.

    A subclass has `_swept`, `errors` and `_image`.

    Args:
        settings: what to do.
        style: the texture, a picture as `tfstyle.stylize` takes it.
        checkpoint: a file that is written every few seconds and at the end.
        resume: a `Checkpoint`, or whether to resume from the file if it is there.

    Attributes:
        grey: whether its pictures are.

    Raises:
        ValueError: a picture that cannot be used; the message begins with its name.
    """

    grey: bool
    errors: dict[str, float]

    def __init__(
        self,
        settings: FrameSettings,
        style: Any,
        *,
        checkpoint: str | os.PathLike | None = None,
        resume: bool | Checkpoint = False,
    ):
        super().__init__()
        self.settings = settings
        self.size = levels.output_size(1, 1, settings.size)
        self._texture = _texture(settings, style)
        self._digest = digest(self._texture)
        self._saver, self._resume = Saver(checkpoint), resume
        self._began, self._outcome = time.monotonic(), Outcome.STOPPED
        self._at: Any = None  # a `Moment` once all is ready
        self._losses: list[tuple[int, float]] = []
        self._steps = self._run()

    @property
    def evaluations(self) -> int:
        """Sweeps so far."""
        return self._at.sweeps[1] if self._at else 0

    @property
    def result(self) -> Result:
        """The result as it is now, after the first step."""
        return Result(
            image=self._image(self._at.pictures),
            losses=np.array(self._losses, np.float32).reshape(-1, 2),
            parts=self.errors,
            evaluations=self.evaluations,
            outcome=self._outcome,
            seconds=time.monotonic() - self._began,
        )

    def checkpoint(self) -> Checkpoint:
        """The run as it is now, after its first step."""
        at = self._at
        return Checkpoint(
            settings=self.settings.as_json(),
            inputs=self._digest,
            precision="float32",
            budgets=(),
            level=len(at.chosen),
            strategy=Strategy(),
            before=at.sweeps,
            seconds=time.monotonic() - self._began,
            losses=np.array(self._losses[: self.evaluations], np.float32).reshape(-1, 2),
            state=[
                np.asarray(each)
                for each in (at.pictures, at.step, np.array(at.chosen, np.int32), *at.multipliers)
            ],
        )

    def _restored(self):
        """What a checkpoint holds, a `Moment` of arrays; `None` without one."""
        saved = found(self._resume, self.checkpoint_path)
        if saved is None:
            return None
        saved.check(self.settings.as_json(), self._digest, "float32")
        self._began -= saved.seconds
        self._losses = [(int(sweep), float(loss)) for sweep, loss in saved.losses]
        pictures, step, chosen, *multipliers = saved.state
        return Moment(pictures, multipliers, step, tuple(chosen.tolist()), saved.before)

    def _step(self, fraction, loss, level=1, levels=1):
        """A step; its loss counts but for the first."""
        pictures, made = self._at.pictures, self.evaluations
        if made > len(self._losses):
            self._losses.append((made, loss))
        return Step(
            level=level,
            levels=levels,
            fraction=fraction,
            evaluations=made,
            loss=loss if made else float("nan"),
            losses=self.errors,
            _shown=lambda: self._image(pictures),
        )

    def _run(self):
        try:
            yield from self._swept()
        except KeyboardInterrupt:  # the picture of the last whole sweep is there
            if not self.evaluations:
                raise

    @abc.abstractmethod
    def _swept(self) -> Iterator[Step]:
        """The steps."""

    @abc.abstractmethod
    def _image(self, pictures):
        """Pictures as images, float32 `[1, h, w, 3]` in [0, 1]."""


class FrameRun(FieldRun):
    """A run of a field of grey pictures, to which filters are added."""

    grey = True

    def __init__(self, settings: FrameSettings, style: Any, **kept: Any):
        super().__init__(settings, style, **kept)
        self._texture, self._ends = _grey(self._texture)
        self._errors: Any = None  # of all filters

    @property
    def errors(self) -> dict[str, float]:  # type: ignore[override]
        """Errors of the chosen filters, and the largest of the others."""
        chosen = list(self._at.chosen)
        named = {self._field.bank[n].filter.name: float(self._errors[n]) for n in chosen}
        others = np.delete(self._errors, chosen)
        return named | ({"others": float(others.max())} if len(others) else {})

    @property
    def style(self) -> np.ndarray:
        """The texture as it is seen, after the first step: its size, its levels.

        Float32 `[1, h, w, 3]` in [0, 1].
        """
        return self._image(self._field.texture[np.newaxis])

    def _swept(self):
        yield self._begun()
        while True:
            number = len(self._at.chosen)
            if self._at.sweeps[0] == self._sweeps(number):
                if number == self.settings.filters:
                    self._outcome = Outcome.DONE
                    return
                if not self._added():
                    self._outcome = Outcome.CONVERGED
                    return
            yield self._advanced()
            if self.is_stopping:
                return

    def _begun(self):
        """The first step, where the run begins or where it is resumed."""
        from tfstyle.random_field import fields, learning

        self._field = field = (
            fields.Greys(self._texture, self.size)
            if self.settings.sampler == "langevin"
            else fields.Levels(self._texture, self.size, self.settings.levels)
        )
        self._every = field.energy(field.bank)
        self._learner = learner = learning.Learner(field, self.settings.seed)
        at = self._restored()
        if at is None:
            noise = field.noise(np.random.default_rng(self.settings.seed))
            at = Moment(noise, [learner.multipliers], learner.step)
        for number in at.chosen:
            learner.add(field.bank[number], field.observed[number])
        learner.resume(*at.multipliers, at.step, at.sweeps[1])
        self._place(at)
        return self._filtered()

    def _sweeps(self, number):
        """With so many filters."""
        is_last = number == self.settings.filters
        return self.settings.chosen("sweeps") * (1 + is_last) if number else 0

    def _added(self):
        """Adds the filter that is farthest off; returns whether there was one."""
        at, bank = self._at, self._field.bank
        rest = [n for n in range(len(bank)) if n not in at.chosen]
        worst = max(rest, key=lambda n: self._errors[n], default=None)
        if worst is None or self._errors[worst] < CLOSE:
            return False
        self._learner.add(bank[worst], self._field.observed[worst])
        self._at = at._replace(chosen=(*at.chosen, worst), sweeps=(0, at.sweeps[1]))
        return True

    def _advanced(self):
        """A sweep, and its step."""
        from tfstyle.random_field import learning

        at, learner = self._at, self._learner
        number, (here, before) = len(at.chosen), at.sweeps
        is_last = number == self.settings.filters
        shrunk = SETTLED * here / self._sweeps(number) if is_last else 0
        pictures = learner.advance(at.pictures, learning.STEP * (1 - shrunk))
        sweeps = here + 1, before + 1
        self._place(Moment(pictures, [learner.multipliers], learner.step, at.chosen, sweeps))
        return self._filtered()

    def _place(self, at):
        """Goes to a moment, and measures its pictures."""
        from tfstyle.random_field import learning

        histograms = self._every.histograms(at.pictures)[0]
        self._errors = learning.error(histograms, self._field.observed).numpy()
        self._at = at

    def _filtered(self):
        """A step; sweeps with more filters cost more and more."""
        number, most = len(self._at.chosen), self.settings.filters
        weights = np.arange(1, most + 1.0)
        weights[-1] *= 2
        share = self._at.sweeps[0] / self._sweeps(number) if number else 0
        done = weights[: number - 1].sum() + share * weights[number - 1] if number else 0
        loss = float(self._errors[list(self._at.chosen)].max(initial=0))
        return self._step(float(done / weights.sum()), loss, max(1, number), most)

    def _image(self, pictures):
        darkest, lightest = self._ends
        grey = darkest + (lightest - darkest) * self._field.grey(pictures)
        return np.repeat(np.float32(grey)[..., np.newaxis], 3, axis=-1)


class NeuralRun(FieldRun):
    """A run of a field of colours, with the features of a network."""

    grey = False

    def __init__(self, settings: FrameSettings, style: Any, **kept: Any):
        features.check_settings(settings, settings.features)
        super().__init__(settings, style, **kept)
        network: Any = features.table(settings.features)
        stride = max(map(network.stride, settings.layers()))
        if any(side % stride for side in self.size):
            raise ValueError(
                f"size: expected multiples of {stride}, the stride of the deepest of style_layers, "
                f"received {self.size[1]}x{self.size[0]}"
            )
        self.errors = {}

    def _swept(self):
        yield self._begun()
        while self.evaluations < self.settings.chosen("sweeps"):
            yield self._advanced()
            if self.is_stopping:
                return
        self._outcome = Outcome.DONE

    def _begun(self):
        """The first step, where the run begins or where it is resumed."""
        import tensorflow as tf

        from tfstyle.random_field import langevin, neural

        settings = self.settings
        options = settings.features, settings.layers(), settings.weights
        self._energy = neural.NeuralEnergy(self._texture, self.size, *options)
        self._sampler = langevin.Langevin(self._energy, FIRST_STEP, MOVES)
        noise = np.random.default_rng(settings.seed).normal(size=(1, *self.size, 3))
        multipliers = self._energy.multipliers()
        at = self._restored() or Moment(np.float32(noise), multipliers, self._sampler.step)
        self._sampler.step = tf.constant(at.step)
        multipliers = [tf.constant(each) for each in at.multipliers]
        return self._placed(tf.constant(at.pictures), multipliers, tf.constant(0.0), at.sweeps[1])

    def _advanced(self):
        """A sweep, and its step."""
        import tensorflow as tf

        at, sweep = self._at, self.evaluations + 1
        seed = tf.constant([self.settings.seed, sweep])
        places = self._sampler.sweep(at.pictures, at.multipliers, seed)
        settled = SETTLED * sweep / self.settings.chosen("sweeps")
        rate = LEARNED * (1 - settled) * self._sampler.travelled
        return self._placed(places, at.multipliers, rate, sweep)

    def _placed(self, places, multipliers, rate, sweep):
        """The step of a sample, from which multipliers are learned."""
        learned, errors = self._energy.learned(places, multipliers, rate)
        self.errors = dict(zip(self.settings.layers(), map(float, errors)))
        self._at = Moment(places, learned, self._sampler.step, sweeps=(sweep, sweep))
        return self._step(sweep / self.settings.chosen("sweeps"), max(self.errors.values()))

    def _image(self, places):
        return np.clip(self._energy.reference.pictures(places), 0, 1)


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
