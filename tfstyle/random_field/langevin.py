"""Langevin sampling of densities of real numbers: exact, by accepting or rejecting each move.

The Metropolis adjusted Langevin algorithm, MALA (Roberts & Tweedie 1996, "Exponential convergence
of Langevin distributions and their discrete approximations", section 1.4.2): a step down the slope
of the energy and noise beside it, taken with the probability that leaves exp(-energy) as it is.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

ACCEPTED = 0.574  # share at which the chain goes farthest (Roberts & Rosenthal 1998)
ADAPTED = 0.1  # by how much, at most about, one move changes the logarithm of the step

Energy = Callable[[tf.Tensor], tf.Tensor]


class Langevin:
    """A sampler.

    Args:
        energy: an object with `value(places, multipliers)`, the energies `[B]` of places
            `[B, ...]`, differentiable.
        step: the first step; it is adapted until `adapts` is False.
        moves: in a sweep.

    Attributes:
        travelled: sum of the steps of the last sweep's moves, of those that were taken.
    """

    def __init__(self, energy: Any, step: float, moves: int):
        self.energy, self.moves = energy, moves
        self.step, self.adapts, self.travelled = tf.constant(step), True, tf.constant(0.0)
        # One graph for all sweeps.
        self._walk = tf.function(self._walked, autograph=False)

    def sweep(self, places: tf.Tensor, multipliers: Any, seed: tf.Tensor) -> tf.Tensor:
        """Moves each place, `moves` times.

        Args:
            places: float32 `[B, ...]`.
            multipliers: of the energy.
            seed: int32 `[2]`; the same seed draws the same.

        Returns:
            Places such as the given ones.
        """
        rate = ADAPTED if self.adapts else 0.0
        places, self.step, self.travelled = self._walk(
            places, multipliers, self.step, tf.constant(rate), seed
        )
        return places

    def _walked(self, places, multipliers, step, rate, seed):
        def energy(places):
            return self.energy.value(places, multipliers)

        def move(number, step, travelled, *state):
            state, chances = moved(energy, state, step, tf.random.fold_in(seed, number))
            taken = tf.reduce_mean(chances)
            changed = step * tf.exp(rate * (taken - ACCEPTED))
            return number + 1, changed, travelled + step * taken, *state

        start = tf.constant(0), step, tf.constant(0.0), places, *_value_and_slope(energy, places)
        _, step, travelled, places, _, _ = tf.while_loop(
            lambda number, *_: number < self.moves, move, start, parallel_iterations=1
        )
        return places, step, travelled


def moved(
    energy: Energy, state: tuple[tf.Tensor, ...], step: tf.Tensor, seed: tf.Tensor
) -> tuple[tuple[tf.Tensor, ...], tf.Tensor]:
    """A move, taken or not.

    Args:
        energy: places `[B, ...]` -> `[B]`.
        state: places, their energies `[B]`, and the slopes there, of the places' shape.
        step: scalar; noise has the variance 2 step.
        seed: int32 `[2]`.

    Returns:
        The state after it, and the probabilities `[B]` with which it was taken.
    """
    places, values, slopes = state
    of_noise, of_chance = tf.unstack(tf.random.split(seed, 2))
    noise = tf.random.stateless_normal(tf.shape(places), of_noise)
    proposals = places - step * slopes + tf.sqrt(2 * step) * noise
    new = proposals, *_value_and_slope(energy, proposals)
    back = places - proposals + step * new[2]
    # Densities of the two ways, there and back.
    there, back = _squares(noise) / 2, _squares(back) / (4 * step)
    chances = tf.exp(tf.minimum(values - new[1] + there - back, 0))
    taken = tf.random.stateless_uniform(tf.shape(chances), of_chance) < chances
    return tuple(_chosen(taken, a, b) for a, b in zip(new, state)), chances


def _value_and_slope(energy, places):
    with tf.GradientTape() as tape:
        tape.watch(places)
        values = energy(places)
    return values, tape.gradient(values, places)


def _squares(values):
    return tf.reduce_sum(tf.square(values), axis=tf.range(1, tf.rank(values)))


def _chosen(taken, new, old):
    ones = tf.ones([tf.rank(new) - 1], tf.int32)
    return tf.where(tf.reshape(taken, tf.concat([[-1], ones], 0)), new, old)
