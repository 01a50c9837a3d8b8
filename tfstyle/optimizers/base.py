"""What all optimisers share: the budget, the chunks, and when to stop."""

import abc
import dataclasses
import time
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

# Codes that a running graph can hold, and what they mean.
RUNNING, CONVERGED, LINE_SEARCH_FAILED, NOT_FINITE = range(4)
OUTCOMES = ("budget spent", "converged", "line search failed", "not finite")
INTERRUPTED, OUT_OF_MEMORY = "interrupted", "out of memory"
ENDED_EARLY = INTERRUPTED, OUT_OF_MEMORY, OUTCOMES[NOT_FINITE]  # and must not go on
EXHAUSTED = tf.errors.ResourceExhaustedError, MemoryError
CHUNK_SECONDS = 1.0  # about as long as a progress bar may stand still


class Progress(NamedTuple):
    """What a callback is given: evaluations so far, the last accepted loss, parts and image.

    The image is float32 NumPy at the size of the present level; values may lie outside [0, 1].
    """

    evaluations: int
    loss: float
    parts: dict
    image: np.ndarray


@dataclasses.dataclass
class Result:
    """The end of an optimisation.

    Attributes:
        image: the last accepted image, float32 NumPy `[1, H, W, 3]`.
        losses: float32 `[n, 2]`: number of the evaluation, total loss there; with an objective that
            learns a third column, its accuracy.
        parts: the terms of the loss at `image`, `{name: value}`.
        evaluations: of the loss and its gradient.
        outcome: "budget spent", "converged", "line search failed", "not finite", "interrupted" or
            "out of memory".
        seconds: wall time.
        learned: targets with what the objective has learned, if it learns.
    """

    image: np.ndarray
    losses: np.ndarray
    parts: dict
    evaluations: int
    outcome: str
    seconds: float
    learned: Any = None


class Optimizer(abc.ABC):
    """Minimises an objective in chunks of a `tf.function`; between them Python can look and stop.

    A subclass has `start` and `advance`. Its state is a NamedTuple of tensors with at least the
    fields image, loss, parts, evaluations and status, and can be resumed at any point.

    Attributes:
        remembers_losses: whether the state is of no use once the objective has changed.
    """

    remembers_losses = True

    def __init__(self):
        self._compiled = {}

    @abc.abstractmethod
    def start(self, image, parts, targets):
        """The state before the first evaluation, at `image`; `parts` is a nest of zeros."""

    @abc.abstractmethod
    def advance(self, objective, state, targets, limit):
        """In a graph: goes on from `state` until `limit` evaluations in all, or an end.

        Returns:
            The new state, and the losses on the way, float32 `[n, 2]` as in `Result`.
        """

    def ahead(self, state):
        """The image at which the next evaluation will be."""
        return state.image

    def minimize(self, objective, image, targets, evaluations=200, callback=None) -> Result:
        """Changes `image` so that `objective` falls.

        Args:
            objective: (image, targets) -> (scalar, {term: scalar}), TensorFlow operations only.
            image: float32 start, any shape.
            targets: nest of tensors passed to `objective` (data, so that the graph is reused).
            evaluations: budget of loss-and-gradient evaluations.
            callback: called with a `Progress` about every second.

        Returns:
            A `Result`. `KeyboardInterrupt` and a lack of memory end the run with the image so far;
            before the first evaluation they are passed on.
        """
        began = time.perf_counter()
        start = tf.convert_to_tensor(image, tf.float32)
        state, advance = self._prepare(objective, start, targets)
        del start  # as large as the image, and of no more use
        losses, outcome, chunk = [], None, 1
        try:
            while int(state.status) == RUNNING and int(state.evaluations) < evaluations:
                before, then = int(state.evaluations), time.perf_counter()
                state, new = advance(state, targets, tf.constant(min(before + chunk, evaluations)))
                losses.append(new.numpy())
                seconds = (time.perf_counter() - then) / max(1, int(state.evaluations) - before)
                chunk = int(np.clip(CHUNK_SECONDS / seconds, 1, 2 * chunk))
                if callback:
                    callback(_progress(state))
        except (KeyboardInterrupt, *EXHAUSTED) as error:
            if int(state.evaluations) == 0:
                raise
            outcome = ended_by(error)
        done = _progress(state)
        return Result(
            image=done.image,
            losses=np.concatenate(losses) if losses else np.zeros((0, 2), np.float32),
            parts=done.parts,
            evaluations=done.evaluations,
            outcome=outcome or OUTCOMES[int(state.status)],
            seconds=time.perf_counter() - began,
            learned=getattr(state, "targets", None),
        )

    def _prepare(self, objective, image, targets):
        """The first state, and `advance` for this objective, traced once for all image sizes."""
        specs = tf.nest.map_structure(_any_size, (image, targets))
        key = objective, repr(specs)
        if key not in self._compiled:  # keep the latest only: an objective holds a network
            self._compiled = {key: self._trace(objective, image, targets, *specs)}
        parts, advance = self._compiled[key]
        return self.start(image, parts, targets), advance

    def _trace(self, objective, image, targets, image_spec, targets_spec):
        """Zeros for the terms that the objective reports, and the graph."""
        outputs = tf.function(objective).get_concrete_function(image_spec, targets_spec)
        parts = dict.fromkeys(outputs.structured_outputs[1], tf.zeros([]))
        state_spec = tf.nest.map_structure(_any_size, self.start(image, parts, targets))
        advance = tf.function(
            lambda state, targets, limit: self.advance(objective, state, targets, limit),
            input_signature=[state_spec, targets_spec, tf.TensorSpec([], tf.int32)],
        )
        return parts, advance


def ended_by(error) -> str:
    """The outcome of a run that such an exception ends."""
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else OUT_OF_MEMORY


def evaluate(objective, image, targets):
    """One evaluation, in a graph: loss, its parts, and its gradient with respect to the image.

    An objective that has a way of its own has the method `value_and_gradient`.
    """
    if hasattr(objective, "value_and_gradient"):
        return objective.value_and_gradient(image, targets)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(image)
        loss, parts = objective(image, targets)
    return loss, parts, tape.gradient(loss, image)


def loop(step, state, limit):
    """In a graph: `step(state) -> (state, loss)`, an evaluation each, until `limit` or an end.

    Returns:
        What `Optimizer.advance` returns.
    """
    first = state.evaluations

    def running(state, losses):
        return (state.status == RUNNING) & (state.evaluations < limit)

    def body(state, losses):
        number = state.evaluations - first
        state, loss = step(state)
        return state, losses.write(number, loss)

    losses = tf.TensorArray(tf.float32, size=limit - first)
    state, losses = tf.while_loop(running, body, (state, losses))
    numbers = tf.cast(tf.range(first, state.evaluations) + 1, tf.float32)
    return state, tf.stack([numbers, losses.stack()[: state.evaluations - first]], axis=1)


def _any_size(tensor):
    """Heights and widths are left open; channels, which convolutions must know, are kept."""
    shape = [None] * tensor.shape.rank
    if len(shape) == 4:
        shape[3] = tensor.shape[3]
    return tf.TensorSpec(shape, tensor.dtype)


def _progress(state):
    parts = {name: float(value) for name, value in state.parts.items()}
    return Progress(int(state.evaluations), float(state.loss), parts, state.image.numpy())
