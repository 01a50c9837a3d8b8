"""Gibbs sampling of FRAME: many pixels at once, and yet exactly.

The distribution of a pixel, given all others, depends on the responses of filters that see it. Two
pixels that no filter sees together are independent of each other, given the rest. So all pixels of
a lattice as wide as the largest filter are drawn at once, which changes nothing in the distribution
that the chain ends in (Geman & Geman 1984, section 11).
"""

import numpy as np
import tensorflow as tf

from tfstyle.random_field.energy import BINS, Energy


class Gibbs:
    """A sampler.

    Args:
        energy: of the pictures.

    Attributes:
        step: there is none to adapt, as of a sampler that moves.
    """

    def __init__(self, energy: Energy):
        self.energy, self.step = energy, tf.constant(0.0)
        taps, rows, self._index = _taps(energy)
        self._taps, self._rows = tf.constant(taps, tf.int32), tf.constant(rows, tf.int32)
        self._ys, self._xs = (_classes(n, energy.side) for n in (energy.height, energy.width))

    def sweep(self, pictures: tf.Tensor, multipliers: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws every pixel of each picture anew, at least once.

        Args:
            pictures: int32 `[B, H, W]`, of levels.
            multipliers: float32 `[K, BINS]`.
            seed: int32 `[2]`; the same seed draws the same.

        Returns:
            Pictures such as the given ones.
        """
        shape = tf.shape(pictures)
        responses = tf.transpose(self.energy.responses(pictures), [0, 3, 1, 2])
        drawn = _sweep(
            tf.reshape(pictures, [-1]),
            tf.reshape(responses, [-1]),
            self._taps,
            self._rows,
            tf.gather(tf.reshape(multipliers, [-1]), self._index),
            self._ys,
            self._xs,
            tf.stack([shape[0], shape[1], shape[2], len(self.energy.features)]),
            seed,
        )
        return tf.reshape(drawn, shape)


def _classes(length, side):
    """Rows (or columns) that are drawn at once, int32 `[classes, n]`, at least `side` apart."""
    count = length // side
    starts = np.arange(count) * length // count
    widest = -(-length // count)
    return tf.constant((starts + np.arange(widest)[:, np.newaxis]) % length, tf.int32)


def _taps(energy):
    """Where a pixel acts, and what its levels cost there.

    Returns:
        int `[4, T]`: for each coefficient that is not 0 the filter, its place relative to the
        middle, and the coefficient; int `[T]`: the row of a table for the response 0 without the
        pixel; int `[rows, L]`: a table of the bins for each of the pixel's levels, of which rows
        are shared by equal coefficients of a filter.
    """
    taps, rows, tables, end = [], [], [], 0
    for number, (filter, lowest, bins) in enumerate(energy.features):
        kernel, begin = filter.kernel, {}
        for coefficient in np.unique(kernel[kernel != 0]):
            begin[coefficient] = end - lowest
            rest = np.arange(len(bins))[:, np.newaxis] + coefficient * np.arange(energy.levels)
            tables.append(bins[np.clip(rest, 0, len(bins) - 1)] + number * BINS)
            end += len(bins)
        for y, x in np.argwhere(kernel):
            place = y - kernel.shape[0] // 2, x - kernel.shape[1] // 2
            taps.append((number, *place, kernel[y, x]))
            rows.append(begin[kernel[y, x]])
    return np.transpose(taps), rows, tf.constant(np.concatenate(tables), tf.int32)


_INTS = tf.TensorSpec([None], tf.int32)
_TABLE = tf.TensorSpec([None, None], tf.int32)


# One graph for all numbers of filters: nothing but values and shapes differ.
@tf.function(
    input_signature=[
        *(_INTS, _INTS, _TABLE, _INTS),
        tf.TensorSpec([None, None], tf.float32),
        *(_TABLE, _TABLE, tf.TensorSpec([4], tf.int32), tf.TensorSpec([2], tf.int32)),
    ],
    autograph=False,
)
def _sweep(pictures, responses, taps, rows, costs, ys, xs, shape, seed):
    """A sweep; pictures `[B * H * W]`, responses `[B * K * H * W]`, costs `[rows, L]`."""
    batch, height, width, filters = tf.unstack(shape)
    of_filter, tap_y, tap_x, coefficients = tf.unstack(taps, num=4)
    pixels, levels = height * width, tf.shape(costs)[1]
    firsts, columns = tf.range(batch), tf.shape(xs)[0]

    def update(number, pictures, responses):
        y, x = ys[number // columns], xs[number % columns]
        # [B, n], and [B, n, T]: the pixels, and the responses that each of them changes.
        places = _sums(firsts * pixels, y * width, x)
        seen_y = (y[:, tf.newaxis] - tap_y) % height * width
        seen_x = (x[:, tf.newaxis] - tap_x) % width + of_filter * pixels
        seen = _sums(firsts * (filters * pixels), seen_y, seen_x)
        before = tf.gather(pictures, places)
        rest = tf.gather(responses, seen) - coefficients * before[:, tf.newaxis]
        energies = tf.reduce_sum(tf.gather(costs, rows + rest), axis=1)
        after = _drawn(energies, tf.random.fold_in(seed, number), levels)
        change = coefficients * (after - before)[:, tf.newaxis]
        # Four times as fast as a scatter.
        responses += tf.math.unsorted_segment_sum(change, seen, tf.size(responses))
        pictures = tf.tensor_scatter_nd_update(pictures, places[:, tf.newaxis], after)
        return number + 1, pictures, responses

    count = tf.shape(ys)[0] * columns
    start = tf.constant(0), pictures, responses
    return tf.while_loop(lambda n, *_: n < count, update, start, parallel_iterations=1)[1]


def _sums(firsts, rows, columns):
    """All sums of one of each, `[B]`, `[h, ...]` and `[w, ...]` -> `[B * h * w, ...]`."""
    shape = tf.shape(columns)[1:]
    cells = tf.reshape(rows[:, tf.newaxis] + columns, tf.concat([[-1], shape], 0))
    firsts = tf.reshape(firsts, tf.concat([[-1, 1], tf.ones_like(shape)], 0))
    return tf.reshape(firsts + cells, tf.concat([[-1], shape], 0))


def _drawn(energies, seed, levels):
    """Numbers of columns, int32 `[n]`, of probability exp(-energy): the Gumbel-max trick."""
    uniform = tf.random.stateless_uniform([tf.shape(energies)[0], levels], seed, minval=1e-12)
    return tf.argmax(-tf.math.log(-tf.math.log(uniform)) - energies, axis=1, output_type=tf.int32)
