"""Minimising an objective that learns: some steps of the image, then a lesson, and so on."""

from typing import Any, NamedTuple

import tensorflow as tf

from tfstyle.optimizers import base


class State(NamedTuple):
    """State of a run.

    Attributes:
        image, loss, parts, evaluations, status: see `base`.
        inner: state of the image's optimiser.
        targets: what has been learned so far.
        accuracy: in the last lesson.
        lesson: number of evaluations at which the next one is due.
    """

    image: tf.Tensor
    loss: tf.Tensor
    parts: dict
    evaluations: tf.Tensor
    status: tf.Tensor
    inner: Any
    targets: Any
    accuracy: tf.Tensor
    lesson: tf.Tensor


class Alternating(base.Optimizer):
    """Lets the objective learn (`objective.learn`) before every `every` steps of the image.

    Args:
        inner: the optimiser of the image. One that remembers losses starts anew after each lesson,
            which costs one evaluation more.
        every: steps between two lessons.
    """

    def __init__(self, inner, every=1):
        super().__init__()
        self.inner, self.every = inner, every + inner.remembers_losses

    def start(self, image, parts, targets):
        inner = self.inner.start(image, parts, targets)
        return _state(inner, inner.status, targets, tf.constant(0.5), tf.constant(0))

    def advance(self, objective, state, targets, limit):
        """What was learned is in the state; `targets` are only those of the start.

        The losses have a third column: the accuracy in the lesson before.
        """

        def running(state, losses):
            return (state.status == base.RUNNING) & (state.evaluations < limit)

        def cycle(state, losses):
            due = state.evaluations >= state.lesson
            state = tf.cond(due, lambda: self._lesson(objective, state), lambda: state)
            until = tf.minimum(limit, state.lesson)
            inner, new = self.inner.advance(objective, state.inner, state.targets, until)
            # The first evaluation after a restart is at the image itself.
            lost = self.inner.remembers_losses & due & ~tf.math.is_finite(new[0, 1])
            # A line search that failed, or converged, is over with the next lesson.
            lasting = tf.where(
                lost | (inner.status == base.NOT_FINITE), base.NOT_FINITE, base.RUNNING
            )
            new = tf.pad(new, [[0, 0], [0, 1]], constant_values=state.accuracy)
            return (
                _state(inner, lasting, state.targets, state.accuracy, state.lesson),
                tf.concat([losses, new], axis=0),
            )

        shapes = tf.nest.map_structure(lambda x: x.shape, state), tf.TensorShape([None, 3])
        return tf.while_loop(running, cycle, (state, tf.zeros([0, 3])), shape_invariants=shapes)

    def _lesson(self, objective, state):
        targets, accuracy = objective.learn(self.inner.ahead(state.inner), state.targets)
        inner = state.inner
        if self.inner.remembers_losses:
            fresh = self.inner.start(state.image, state.parts, targets)
            inner = fresh._replace(evaluations=state.evaluations)
        next_lesson = state.evaluations + self.every
        return _state(inner, state.status, targets, accuracy, next_lesson)


def _state(inner, status, targets, accuracy, lesson):
    return State(
        inner.image,
        inner.loss,
        inner.parts,
        inner.evaluations,
        status,
        inner,
        targets,
        accuracy,
        lesson,
    )
