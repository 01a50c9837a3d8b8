"""A training: an iterator over steps, to be watched, stopped and resumed.

Light to import: TensorFlow is loaded for the first step.
"""

import functools
import itertools
import os
import time
from typing import Any

import numpy as np

from tfstyle import device
from tfstyle.checkpoint import Checkpoint, Saver, arrays_of, found
from tfstyle.features import check_settings
from tfstyle.inputs import digest, load_styles
from tfstyle.outcome import Outcome
from tfstyle.settings.training import TrainSettings
from tfstyle.steps import Resumable, Step
from tfstyle.training import pictures
from tfstyle.workload import Strategy

MEASUREMENTS = 50  # of what is held out, in all
SECONDS = 5.0  # between two of them, at least
PATIENCE = 25  # measurements in which a training must get better
SAMPLES = 4  # textures that are measured
CLIPPED = 1.0  # longest gradient


class TrainRun(Resumable):
    """A training: an iterator over `Step`s; the first comes before the first step of the weights.

    A step's `evaluations` are the steps of the weights so far, its loss is that of what is held
    out, or of the same few textures, and its image shows these side by side.

    Args:
        settings: what to do.
        style: see `tfstyle.stylize`.
        photos: see `tfstyle.train`.
        checkpoint: a file that is written every few seconds and at the end.
        resume: a `Checkpoint`, or whether to resume from the file if it is there.

    Attributes:
        outcome: how the training ended, `STOPPED` before.

    Raises:
        ValueError: a picture or setting that cannot be used; the message begins with its name.
    """

    def __init__(
        self,
        settings: TrainSettings,
        style: Any,
        photos: Any = None,
        *,
        checkpoint: str | os.PathLike | None = None,
        resume: bool | Checkpoint = False,
    ):
        super().__init__()
        self.settings = settings
        check_settings(settings, settings.chosen("features"))
        self._styles = load_styles(settings, style, (settings.size, settings.size))
        self._photographs: pictures.Photographs | None = None
        if not settings.is_texture:
            listed = pictures.found(photos)
            self._photographs = pictures.Photographs(listed, settings.size, settings.seed)
        self._saver, self._resume = Saver(checkpoint), resume
        self.evaluations, self._seconds = 0, 0.0
        self._losses: list[tuple[int, float]] = []
        self.outcome = Outcome.STOPPED
        self._steps = self._run()

    @property
    def result(self) -> Any:
        """The network as it is now, a `tfstyle.networks.trained.Trained`."""
        from tfstyle.networks import trained

        return trained.Trained(self._network, self.settings.as_json(), self._record())

    def _record(self):
        photographs = self._photographs
        return {
            "outcome": self.outcome.value,
            "steps": self.evaluations,
            "minutes": round(self._seconds / 60, 2),
            "pictures": self.evaluations * self.settings.batch,
            "photographs": len(photographs.pictures) if photographs else 0,
            "held_out": len(photographs.held_out) if photographs else 0,
            "losses": [[step, round(loss, 5)] for step, loss in self._losses],
        }

    def checkpoint(self) -> Checkpoint:
        """The training as it is now, after its first step."""
        return Checkpoint(
            settings=self.settings.as_json(),
            inputs=self._digest,
            precision=self._precision,
            budgets=(),
            level=0,
            strategy=Strategy(),
            before=(self.evaluations, 0),
            seconds=self._seconds,
            losses=np.array(self._losses, np.float32).reshape(-1, 2),
            state=arrays_of(self._variables),
        )

    @functools.cached_property
    def _digest(self):
        photographs = self._photographs
        seen = [repr([style.key for style in self._styles])]
        if photographs:
            seen += [digest(photographs.held_out), str(len(photographs.pictures))]
        return "-".join(seen)

    @property
    def _variables(self):
        return [*self._network.variables, *self._adam.variables]

    # --- the steps

    def _run(self):
        self._build()
        saved = found(self._resume, self.checkpoint_path)
        if saved is not None:
            self._restore(saved)
        yield self._step()
        interval = max(SECONDS, 60 * self.settings.minutes / MEASUREMENTS)
        batches = iter(self._batches())
        is_built = False
        while self._fraction < 1:
            measured = time.monotonic()
            while self._fraction < 1 and time.monotonic() - measured < interval:
                began = time.monotonic()
                self._adam.learning_rate = self._rate()
                self._advance(next(batches))
                self.evaluations += 1
                if self.is_stopping:
                    return
                # The first step builds the graph, which does not count.
                self._seconds += is_built * (time.monotonic() - began)
                is_built = True
            yield self._step()
            if not np.isfinite(self._losses[-1][1]):
                self.outcome = Outcome.NOT_FINITE
                return
            if self._has_settled():
                self.outcome = Outcome.CONVERGED
                return
        self.outcome = Outcome.DONE

    @property
    def _fraction(self):
        return min(1.0, self._seconds / (60 * self.settings.minutes))

    def _rate(self):
        """Of Adam: it falls to nothing by half a cosine."""
        return self.settings.adam_learning_rate * (1 + np.cos(np.pi * self._fraction)) / 2

    def _has_settled(self):
        losses = [loss for _, loss in self._losses]
        return len(losses) > PATIENCE and min(losses[-PATIENCE:]) >= min(losses[:-PATIENCE])

    def _build(self):
        import keras
        import tensorflow as tf

        from tfstyle import engine
        from tfstyle.features.precision import policy
        from tfstyle.networks import trained
        from tfstyle.training import objective

        here, settings = device.find(), self.settings
        self._precision = here.precision(settings.precision)
        keras.utils.set_random_seed(settings.seed)
        self._network = trained.build(settings.kind, policy(self._precision))
        parts = engine.Parts()
        self._loss = objective.Painted(engine.get(settings, parts, here), settings, self._styles)
        self._adam = keras.optimizers.Adam(
            settings.adam_learning_rate,
            settings.adam_beta_1,
            settings.adam_beta_2,
            settings.adam_epsilon,
            global_clipnorm=CLIPPED,
        )
        self._adam.build(self._network.trainable_variables)
        self._advance = tf.function(self._trained, autograph=False)
        self._judge = tf.function(self._judged, autograph=False)

    def _batches(self):
        """What the network is given, from the step on that comes next."""
        import tensorflow as tf

        batch, seed = self.settings.batch, self.settings.seed
        if self._photographs:
            return self._photographs.batches(batch, self.evaluations)
        # The first seeds are those of the samples.
        return (
            tf.constant(seed + SAMPLES + number * batch, tf.int32)
            for number in itertools.count(self.evaluations)
        )

    def _made(self, given, count):
        """Pictures of photographs, or of the seed of textures; and the photographs."""
        from tfstyle.networks import texture_network

        if self._photographs:
            return self._network(given)[0], given
        size = self.settings.size
        return self._network(texture_network.noise(count, size, size, given))[0], None

    def _trained(self, given):
        """A step of the weights."""
        import tensorflow as tf

        weights = self._network.trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([weight.value for weight in weights])
            loss, _ = self._loss(*self._made(given, self.settings.batch))
        gradients = tape.gradient(loss, [weight.value for weight in weights])
        self._adam.apply(gradients, weights)

    def _judged(self, given):
        made, photographs = self._made(given, SAMPLES)
        return *self._loss(made, photographs), made

    def _restore(self, saved):
        saved.check(self.settings.as_json(), self._digest, self._precision)
        for variable, array in zip(self._variables, saved.state, strict=True):
            variable.assign(array)
        self.evaluations, self._seconds = saved.before[0], saved.seconds
        self._losses = [(int(step), float(loss)) for step, loss in saved.losses]

    def _step(self):
        import tensorflow as tf

        held_out = self._photographs.held_out if self._photographs else self.settings.seed
        loss, parts, made = self._judge(tf.constant(held_out))
        self._losses.append((self.evaluations, float(loss)))
        row = np.clip(np.concatenate(made[:SAMPLES], axis=1)[None], 0, 1)
        return Step(
            level=1,
            levels=1,
            fraction=self._fraction,
            evaluations=self.evaluations,
            loss=float(loss),
            losses={name: float(value) for name, value in parts.items()},
            _shown=lambda: row,
        )
