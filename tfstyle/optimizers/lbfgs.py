"""L-BFGS that spends one evaluation of the loss and its gradient on an iteration.

The direction comes from the compact representation (Byrd, Nocedal & Schnabel 1994, "Representations
of quasi-Newton matrices", theorem 2.2): two passes over the history, and the rest is algebra on
matrices as small as the history is long. The line search starts from the full step, which is nearly
always accepted, and backtracks (Armijo); pairs without positive curvature are left out.

An objective may have units of its own, a linear map `scaled(change, targets)` that is its own
adjoint: the steps are then made in these, in which it is about as steep in all directions.
"""

from typing import NamedTuple

import tensorflow as tf

from tfstyle.optimizers import base
from tfstyle.settings import DEFAULTS

SUFFICIENT_DECREASE = 1e-4  # Armijo's constant
MIN_CURVATURE = 1e-6  # cosine of the angle between a step and its change of gradient
MIN_STEP = 1e-6  # relative to the full step; below it the search restarts along the gradient


class State(NamedTuple):
    """Everything that a run needs to continue. n unknowns, m pairs in the history.

    Attributes:
        image, loss, parts, gradient: at the last accepted point.
        direction, step: the next evaluation is at image + step * direction. Gradient, direction
            and history are in the objective's units.
        steepest: whether `direction` is the scaled gradient, so that nothing is left to try.
        history: `[2 m, n]`: m steps, then m changes of the gradient, both as rings.
        products: `[2 m, 2 m]` float64, inner products of the history.
        age: `[m]`, number of the pair in each slot; -1 where there is none.
        evaluations, status: see `base`.
    """

    image: tf.Tensor
    loss: tf.Tensor
    parts: dict
    gradient: tf.Tensor
    direction: tf.Tensor
    step: tf.Tensor
    steepest: tf.Tensor
    history: tf.Tensor
    products: tf.Tensor
    age: tf.Tensor
    evaluations: tf.Tensor
    status: tf.Tensor


class LBFGS(base.Optimizer):
    """Limited-memory BFGS with one evaluation an iteration.

    Args:
        history: pairs kept; memory is 8 bytes for each of them and each value of the image.
        first_step: the largest change of any value in a steepest-descent step, for unknowns of the
            order of 1 such as pixels.
        tolerance: the run has converged where no value of the gradient is larger.
    """

    def __init__(
        self,
        history: int = DEFAULTS.chosen("lbfgs_history"),
        first_step: float = DEFAULTS.lbfgs_first_step,
        tolerance: float = DEFAULTS.lbfgs_tolerance,
    ):
        super().__init__()
        self.history, self.first_step, self.tolerance = history, first_step, tolerance

    @property
    def images(self):
        return 14 + 4.2 * self.history

    def start(self, image, parts, targets):
        size, pairs = tf.size(image), self.history
        return State(
            image=image,
            loss=tf.constant(float("inf")),  # any finite loss is accepted: the first evaluation
            parts=parts,
            gradient=tf.zeros([size]),
            direction=tf.zeros([size]),
            step=tf.constant(1.0),
            steepest=tf.constant(True),
            history=tf.zeros([2 * pairs, size]),
            products=tf.zeros([2 * pairs, 2 * pairs], tf.float64),
            age=tf.fill([pairs], -1),
            evaluations=tf.constant(0),
            status=tf.constant(base.RUNNING),
        )

    def advance(self, objective, state, targets, limit):
        scaled = getattr(objective, "scaled", lambda change, targets: change)

        def step(state):
            direction = tf.reshape(state.direction, tf.shape(state.image))
            image = state.image + state.step * scaled(direction, targets)
            loss, parts, gradient = base.evaluate(objective, image, targets)
            gradient = scaled(gradient, targets)
            return self._update(state, image, loss, parts, tf.reshape(gradient, [-1])), loss

        return base.loop(step, state, limit)

    def _update(self, state, image, loss, parts, gradient):
        """The state after one evaluation, accepted or not."""
        slope = _dot(state.gradient, state.direction)
        # Not a number compares false: a step into it is shortened like any other bad one.
        accepted = (loss <= state.loss + SUFFICIENT_DECREASE * state.step * slope) & tf.reduce_all(
            tf.math.is_finite(gradient)
        )
        step = _shorter(state.step, loss - state.loss, slope)
        exhausted = ~accepted & (step < MIN_STEP)
        # Branches hand tensors on, where `tf.where` would copy them: an image may be very large.
        history, products, age = tf.cond(
            accepted,
            lambda: self._remember(state, gradient),
            lambda: (state.history, state.products, state.age),
        )
        age = tf.where(exhausted, -1, age)
        best = tf.cond(accepted, lambda: gradient, lambda: state.gradient)
        largest = tf.reduce_max(tf.abs(best))
        moved = accepted | exhausted
        direction, steepest = tf.cond(
            moved,
            lambda: self._turn(history, products, age, best, largest),
            lambda: (state.direction, state.steepest),
        )
        failure = tf.where(tf.math.is_finite(loss), base.LINE_SEARCH_FAILED, base.NOT_FINITE)
        status = tf.where(exhausted & state.steepest, failure, base.RUNNING)
        return State(
            image=tf.cond(accepted, lambda: image, lambda: state.image),
            loss=tf.where(accepted, loss, state.loss),
            parts={name: tf.where(accepted, parts[name], state.parts[name]) for name in parts},
            gradient=best,
            direction=direction,
            step=tf.where(moved, 1.0, step),
            steepest=steepest,
            history=history,
            products=products,
            age=tf.where(moved & steepest, -1, age),
            evaluations=state.evaluations + 1,
            status=tf.where(accepted & (largest <= self.tolerance), base.CONVERGED, status),
        )

    def _turn(self, history, products, age, gradient, largest):
        """The next direction, and whether it is that of steepest descent."""
        newton = _direction(history, products, age, gradient)
        steepest = ~tf.reduce_any(age >= 0) | ~(_dot(newton, gradient) < 0)
        scale = self.first_step / tf.maximum(largest, 1e-30)
        return tf.cond(steepest, lambda: -gradient * scale, lambda: newton), steepest

    def _remember(self, state, gradient):
        """Puts the step just taken in the place of the oldest pair."""
        slot = tf.argmin(state.age, output_type=tf.int32)
        rows = tf.stack([slot, self.history + slot])
        pair = tf.stack([state.step * state.direction, gradient - state.gradient])
        history = tf.tensor_scatter_nd_update(state.history, rows[:, None], pair)
        dots = tf.cast(tf.matmul(history, pair, transpose_b=True), tf.float64)
        products = tf.tensor_scatter_nd_update(state.products, rows[:, None], tf.transpose(dots))
        products = tf.transpose(
            tf.tensor_scatter_nd_update(tf.transpose(products), rows[:, None], tf.transpose(dots))
        )
        steps, changes = tf.unstack(tf.gather(products, rows))
        curvature = steps[rows[1]]
        curved = curvature > MIN_CURVATURE * tf.sqrt(steps[rows[0]] * changes[rows[1]])
        newest = tf.reduce_max(state.age) + 1
        age = tf.tensor_scatter_nd_update(state.age, [[slot]], [tf.where(curved, newest, -1)])
        return history, products, age


def _dot(a, b):
    return tf.reduce_sum(a * b)


def _shorter(step, change, slope):
    """The minimum of the parabola through what is known, between a tenth and half of the step."""
    parabola = -0.5 * slope * step**2 / (change - slope * step)
    parabola = tf.where(tf.math.is_finite(parabola), parabola, 0.0)
    return tf.clip_by_value(parabola, 0.1 * step, 0.5 * step)


def _direction(history, products, age, gradient):
    """Minus the inverse Hessian times the gradient, `[n]` (Byrd et al. 1994, theorem 2.2)."""
    pairs = tf.size(age)
    order = tf.argsort(age)  # oldest first
    valid = tf.cast(tf.gather(age, order) >= 0, tf.float64)
    both = tf.concat([order, pairs + order], axis=0)
    mask = tf.concat([valid, valid], axis=0)
    dots = tf.linalg.matvec(history, gradient)
    dots = mask * tf.gather(tf.cast(dots, tf.float64), both)
    inner = mask[:, None] * mask * tf.gather(tf.gather(products, both), both, axis=1)
    step_change, change_change = inner[:pairs, pairs:], inner[pairs:, pairs:]
    triangle = tf.linalg.band_part(step_change, 0, -1) + tf.linalg.diag(1 - valid)
    curvature = tf.linalg.diag_part(step_change)
    # The newest pair gives the scale of the initial Hessian.
    scale = tf.math.divide_no_nan(curvature[-1], change_change[-1, -1])
    solved = tf.linalg.triangular_solve(triangle, dots[:pairs, None], lower=False)
    middle = curvature[:, None] * solved + scale * (change_change @ solved - dots[pairs:, None])
    steps = tf.linalg.triangular_solve(triangle, middle, lower=False, adjoint=True)
    weights = tf.concat([steps, -scale * solved], axis=0)[:, 0] * mask
    rows = tf.tensor_scatter_nd_update(tf.zeros_like(weights), both[:, None], weights)
    combined = tf.linalg.matvec(history, tf.cast(rows, tf.float32), transpose_a=True)
    return -(tf.cast(scale, tf.float32) * gradient + combined)
