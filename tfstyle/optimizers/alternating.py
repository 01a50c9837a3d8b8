"""Minimising an objective that is trained meanwhile: in turn training and steps of the image."""

from typing import Any, NamedTuple

import tensorflow as tf

from tfstyle.optimizers import base


class State(NamedTuple):
    """State of a run.

    Attributes:
        image, loss, parts, evaluations, status: see `base`.
        inner: state of the image's optimiser.
        targets: what has been learned so far.
        accuracy: before the last training.
        due: number of evaluations at which the next one is.
    """

    image: tf.Tensor
    loss: tf.Tensor
    parts: dict
    evaluations: tf.Tensor
    status: tf.Tensor
    inner: Any
    targets: Any
    accuracy: tf.Tensor
    due: tf.Tensor


class Alternating(base.Optimizer):
    """Trains the objective (`objective.train`) before every `every` steps of the image.

    Args:
        inner: the optimiser of the image. One that remembers losses starts anew after each
            training, which costs one evaluation more.
        every: steps between two trainings.
    """

    def __init__(self, inner, every=1):
        super().__init__()
        self.inner, self.every = inner, every + inner.remembers_losses
        self.images = inner.images

    def start(self, image, parts, targets):
        inner = self.inner.start(image, parts, targets)
        return _state(inner, inner.status, targets, tf.constant(0.5), tf.constant(0))

    def advance(self, objective, state, targets, limit):
        """What was learned is in the state; `targets` are only those of the start.

        The losses have a third column: the accuracy before the last training.
        """

        def running(state, losses):
            return (state.status == base.RUNNING) & (state.evaluations < limit)

        def cycle(state, losses):
            now = state.evaluations >= state.due
            state = tf.cond(now, lambda: self._train(objective, state), lambda: state)
            until = tf.minimum(limit, state.due)
            inner, new = self.inner.advance(objective, state.inner, state.targets, until)
            # The first evaluation after a restart is at the image itself.
            lost = self.inner.remembers_losses & now & ~tf.math.is_finite(new[0, 1])
            # A line search that failed, or converged, is over with the next training.
            lasting = tf.where(
                lost | (inner.status == base.NOT_FINITE), base.NOT_FINITE, base.RUNNING
            )
            new = tf.pad(new, [[0, 0], [0, 1]], constant_values=state.accuracy)
            return (
                _state(inner, lasting, state.targets, state.accuracy, state.due),
                tf.concat([losses, new], axis=0),
            )

        shapes = tf.nest.map_structure(lambda x: x.shape, state), tf.TensorShape([None, 3])
        return tf.while_loop(running, cycle, (state, tf.zeros([0, 3])), shape_invariants=shapes)

    def _train(self, objective, state):
        targets, accuracy = objective.train(self.inner.ahead(state.inner), state.targets)
        inner = state.inner
        if self.inner.remembers_losses:
            fresh = self.inner.start(state.image, state.parts, targets)
            inner = fresh._replace(evaluations=state.evaluations)
        due = state.evaluations + self.every
        return _state(inner, state.status, targets, accuracy, due)


def _state(inner, status, targets, accuracy, due):
    return State(
        inner.image,
        inner.loss,
        inner.parts,
        inner.evaluations,
        status,
        inner,
        targets,
        accuracy,
        due,
    )
