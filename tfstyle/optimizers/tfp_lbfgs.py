"""TensorFlow Probability's L-BFGS: its line search takes about three evaluations an iteration."""

from typing import Any, NamedTuple

import tensorflow as tf
import tensorflow_probability as tfp

from tfstyle.optimizers import base
from tfstyle.settings import DEFAULTS


class State(NamedTuple):
    """The common fields, and what TFP resumes from.

    Attributes:
        image, loss, parts, evaluations, status: see `base`.
        results: TFP's state.
        fresh: whether `results` holds no more than a position, at the start and after a failure:
            TFP never moves on from a failed state.
    """

    image: tf.Tensor
    loss: tf.Tensor
    parts: dict
    results: Any
    fresh: tf.Tensor
    evaluations: tf.Tensor
    status: tf.Tensor


class TFPLBFGS(base.Optimizer):
    """`tfp.optimizer.lbfgs_minimize`, an iteration at a time.

    The budget may be exceeded by the evaluations of one line search.

    Args:
        history: pairs kept.
        tolerance: the run has converged where no value of the gradient is larger.
    """

    def __init__(
        self,
        history: int = DEFAULTS.tfp_lbfgs_history,
        tolerance: float = DEFAULTS.tfp_lbfgs_tolerance,
    ):
        super().__init__()
        self.history, self.tolerance = history, tolerance

    @property
    def images(self):
        return 12 + 4.5 * self.history

    def start(self, image, parts, targets):
        position = tf.reshape(image, [-1])
        # A function that knows nothing: only the form of TFP's state is wanted here.
        results = self._begin(lambda x: (tf.constant(float("inf")), tf.zeros_like(x)), position)
        return State(
            image=image,
            loss=results.objective_value,
            parts=parts,
            results=results,
            fresh=tf.constant(True),
            evaluations=tf.constant(0),
            status=tf.constant(base.RUNNING),
        )

    def advance(self, objective, state, targets, limit):
        shape = tf.shape(state.image)

        @tf.function(autograph=False)  # one graph for the many places where TFP asks
        def value_and_gradient(position):
            loss, _, gradient = base.evaluate(objective, tf.reshape(position, shape), targets)
            return loss, tf.reshape(gradient, [-1])

        def running(state, losses):
            return (state.status == base.RUNNING) & (state.evaluations < limit)

        def iterate(state, losses):
            state = self._iterate(value_and_gradient, state)
            row = tf.stack([tf.cast(state.evaluations, tf.float32), state.loss])
            return state, losses.write(losses.size(), row)

        losses = tf.TensorArray(tf.float32, size=0, dynamic_size=True, element_shape=[2])
        state, losses = tf.while_loop(running, iterate, (state, losses))
        _, parts = objective(state.image, targets)
        return state._replace(parts=parts), losses.stack()

    def _iterate(self, value_and_gradient, state):
        old = state.results

        begun = tf.cond(
            state.fresh, lambda: self._begin(value_and_gradient, old.position), lambda: old
        )
        results = tfp.optimizer.lbfgs_minimize(
            value_and_gradient,
            initial_position=None,
            previous_optimizer_results=begun,
            num_correction_pairs=self.history,
            tolerance=self.tolerance,
            max_iterations=begun.num_iterations + 1,
        )
        counted = tf.where(state.fresh, 0, old.num_objective_evaluations)
        finite = tf.math.is_finite(results.objective_value)
        failure = tf.where(finite, base.LINE_SEARCH_FAILED, base.NOT_FINITE)
        status = tf.where(results.failed & (state.fresh | ~finite), failure, base.RUNNING)
        return state._replace(
            image=tf.reshape(results.position, tf.shape(state.image)),
            loss=results.objective_value,
            results=results,
            fresh=results.failed,
            evaluations=state.evaluations + results.num_objective_evaluations - counted,
            status=tf.where(results.converged, base.CONVERGED, status),
        )

    def _begin(self, value_and_gradient, position):
        return tfp.optimizer.lbfgs_minimize(
            value_and_gradient,
            initial_position=position,
            num_correction_pairs=self.history,
            tolerance=self.tolerance,
            max_iterations=0,
        )
