"""What all optimisers share: the contract, the compiled chunks, and the budget."""

import abc
import collections
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfstyle.outcome import Outcome

# Codes that a running graph can hold, and what they mean at the end of a run.
RUNNING, CONVERGED, LINE_SEARCH_FAILED, NOT_FINITE = range(4)
OUTCOMES = Outcome.DONE, Outcome.CONVERGED, Outcome.NO_PROGRESS, Outcome.NOT_FINITE
EXHAUSTED = tf.errors.ResourceExhaustedError, MemoryError
CHUNK_SECONDS = 0.2  # about as long as a caller waits for news, but for a single evaluation
COMPILED = 2  # graphs that an optimiser keeps: of the whole image, and of tiles

Nest = Any  # tensors in tuples and dicts
Objective = Callable[[tf.Tensor, Nest], tuple[tf.Tensor, dict[str, tf.Tensor]]]


class Chunk(NamedTuple):
    """Some evaluations: the state after them, and the losses on the way, `[n, 2]` or `[n, 3]`."""

    state: Any
    losses: np.ndarray


@dataclasses.dataclass
class Minimum:
    """The end of a minimisation.

    Attributes:
        image: the last accepted image, float32 `[1, H, W, 3]`.
        losses: float32 `[n, 2]`: number of the evaluation, total loss there; with an objective that
            is trained a third column, its accuracy.
        parts: the terms of the loss at `image`, `{name: value}`.
        evaluations: of the loss and its gradient.
        outcome: how it ended.
        seconds: wall time.
        state: of the optimiser.
    """

    image: np.ndarray
    losses: np.ndarray
    parts: dict[str, float]
    evaluations: int
    outcome: Outcome
    seconds: float
    state: Any


class Optimizer(abc.ABC):
    """Minimises an objective in chunks of a `tf.function`; between them Python can look and stop.

    A subclass has `start` and `advance`. Its state is a NamedTuple of tensors with at least the
    fields image, loss, parts, evaluations and status, and can be resumed at any point.

    Attributes:
        remembers_losses: whether the state is of no use once the objective has changed.
        images: images in memory at the peak of a run, fitted to runs on a CPU at 256 to 4096
            pixels.
    """

    remembers_losses: bool = True
    images: float = 20

    def __init__(self) -> None:
        self._compiled: collections.OrderedDict = collections.OrderedDict()
        self._lock = threading.Lock()

    @abc.abstractmethod
    def start(self, image: tf.Tensor, parts: dict[str, tf.Tensor], targets: Nest) -> Any:
        """The state before the first evaluation, at `image`; `parts` is a nest of zeros."""

    @abc.abstractmethod
    def advance(self, objective: Objective, state: Any, targets: Nest, limit: tf.Tensor):
        """In a graph: from `state` to `limit` evaluations in all, or to an end.

        Returns:
            The new state, and the losses on the way, float32 `[n, 2]` as in `Minimum`.
        """

    def ahead(self, state: Any) -> tf.Tensor:
        """The image at which the next evaluation will be."""
        return state.image

    def minimize(
        self,
        objective: Objective,
        image,
        targets: Nest,
        evaluations: int = 200,
        callback: Callable[[Any], None] | None = None,
    ) -> Minimum:
        """Changes `image` so that `objective` falls.

        Args:
            objective: (image, targets) -> (scalar, {term: scalar}), TensorFlow operations only.
            image: float32 start, any shape.
            targets: nest of tensors passed to `objective` (data, so that the graph is reused).
            evaluations: budget of loss-and-gradient evaluations.
            callback: called with the state after every chunk.
        """
        began = time.perf_counter()
        state = self.start_for(objective, tf.convert_to_tensor(image, tf.float32), targets)
        losses = [np.zeros((0, 2), np.float32)]
        for chunk in self.chunks(objective, state, targets, evaluations):
            state = chunk.state
            losses.append(chunk.losses)
            if callback:
                callback(state)
        return Minimum(
            image=state.image.numpy(),
            losses=np.concatenate([each for each in losses if len(each)] or losses),
            parts={name: float(value) for name, value in state.parts.items()},
            evaluations=int(state.evaluations),
            outcome=OUTCOMES[int(state.status)],
            seconds=time.perf_counter() - began,
            state=state,
        )

    def start_for(self, objective: Objective, image: tf.Tensor, targets: Nest) -> Any:
        """The first state for an objective."""
        parts, _ = self._graph(objective, image, targets)
        return self.start(image, parts, targets)

    def chunks(
        self, objective: Objective, state: Any, targets: Nest, evaluations: int
    ) -> Iterator[Chunk]:
        """Goes on from `state` to so many evaluations in all, in chunks of `CHUNK_SECONDS`.

        Where it is cut makes no difference to the numbers.
        """
        _, advance = self._graph(objective, state.image, targets)
        size = 1
        while int(state.status) == RUNNING and int(state.evaluations) < evaluations:
            before, then = int(state.evaluations), time.perf_counter()
            limit = tf.constant(min(before + size, evaluations))
            state, losses = advance(state, targets, limit)
            made = int(state.evaluations) - before
            seconds = (time.perf_counter() - then) / max(1, made)
            size = int(np.clip(CHUNK_SECONDS / seconds, 1, 2 * size))
            yield Chunk(state, losses.numpy())

    def _graph(self, objective, image, targets):
        """Zeros for the terms of this objective, and `advance`, traced once for all image sizes."""
        specs = tf.nest.map_structure(any_size, (image, targets))
        key = objective, repr(specs)
        with self._lock:
            if key not in self._compiled:
                self._compiled[key] = self._trace(objective, image, targets, *specs)
                if len(self._compiled) > COMPILED:
                    self._compiled.popitem(last=False)
            return self._compiled[key]

    def _trace(self, objective, image, targets, image_spec, targets_spec):
        parts = dict.fromkeys(_names(objective, image_spec, targets_spec), tf.zeros([]))
        state_spec = tf.nest.map_structure(any_size, self.start(image, parts, targets))
        advance = tf.function(
            lambda state, targets, limit: self.advance(objective, state, targets, limit),
            input_signature=[state_spec, targets_spec, tf.TensorSpec([], tf.int32)],
            autograph=False,
        )
        return parts, advance


def _names(objective, image_spec, targets_spec):
    """Of the terms; where an objective does not say them, a graph is made that tells."""
    if hasattr(objective, "names"):
        return objective.names
    traced = tf.function(objective, autograph=False)
    return traced.get_concrete_function(image_spec, targets_spec).structured_outputs[1]


def evaluate(objective: Objective, image: tf.Tensor, targets: Nest):
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


def any_size(tensor):
    """Heights and widths are left open; channels, which convolutions must know, are kept."""
    shape = [None] * tensor.shape.rank
    if len(shape) == 4:
        shape[3] = tensor.shape[3]
    return tf.TensorSpec(shape, tensor.dtype)
