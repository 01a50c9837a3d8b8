"""Adam (Kingma & Ba 2015) as a loop in the graph."""

from typing import NamedTuple

import tensorflow as tf

from tfstyle.optimizers import base
from tfstyle.settings import DEFAULTS


class State(NamedTuple):
    """`ahead` is where the next evaluation is; mean and square are moments of the gradient."""

    image: tf.Tensor
    ahead: tf.Tensor
    loss: tf.Tensor
    parts: dict
    mean: tf.Tensor
    square: tf.Tensor
    evaluations: tf.Tensor
    status: tf.Tensor


class Adam(base.Optimizer):
    """First-order steps of about `learning_rate` for every value.

    Written out, because `keras.optimizers.Adam` keeps its moments in variables of one fixed shape.

    Args:
        learning_rate: step, for pixels in [0, 1].
        beta_1, beta_2: decay of the running means of the gradient and of its square.
        epsilon: added to the root of the mean square; gradients of a mean over pixels are small.
    """

    remembers_losses = False

    def __init__(
        self,
        learning_rate: float = DEFAULTS.adam_learning_rate,
        beta_1: float = DEFAULTS.adam_beta_1,
        beta_2: float = DEFAULTS.adam_beta_2,
        epsilon: float = DEFAULTS.adam_epsilon,
    ):
        super().__init__()
        self.learning_rate, self.epsilon = learning_rate, epsilon
        self.beta_1, self.beta_2 = beta_1, beta_2

    def start(self, image, parts, targets):
        return State(
            image=image,
            ahead=image,
            loss=tf.constant(float("inf")),
            parts=parts,
            mean=tf.zeros_like(image),
            square=tf.zeros_like(image),
            evaluations=tf.constant(0),
            status=tf.constant(base.RUNNING),
        )

    def ahead(self, state):
        return state.ahead

    def advance(self, objective, state, targets, limit):
        def step(state):
            loss, parts, gradient = base.evaluate(objective, state.ahead, targets)
            return self._update(state, loss, parts, gradient), loss

        return base.loop(step, state, limit)

    def _update(self, state, loss, parts, gradient):
        finite = tf.math.is_finite(loss) & tf.reduce_all(tf.math.is_finite(gradient))
        mean, square, change = moments(
            gradient,
            state.mean,
            state.square,
            state.evaluations + 1,
            self.beta_1,
            self.beta_2,
            self.epsilon,
        )
        new = state._replace(
            image=state.ahead,
            ahead=state.ahead - self.learning_rate * change,
            loss=loss,
            parts=parts,
            mean=mean,
            square=square,
        )
        new = tf.nest.map_structure(lambda new, old: tf.where(finite, new, old), new, state)
        status = tf.where(finite, base.RUNNING, base.NOT_FINITE)
        return new._replace(evaluations=state.evaluations + 1, status=status)


def moments(gradient, mean, square, count, beta_1, beta_2, epsilon):
    """New moments of the gradient, and the direction of step number `count` (from 1)."""
    mean = beta_1 * mean + (1 - beta_1) * gradient
    square = beta_2 * square + (1 - beta_2) * tf.square(gradient)
    count = tf.cast(count, tf.float32)
    root = tf.sqrt(square / (1 - beta_2**count)) + epsilon
    return mean, square, mean / (1 - beta_1**count) / root
