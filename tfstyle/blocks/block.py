"""One block of a picture, cut out with its surroundings, in a graph."""

from typing import NamedTuple

import tensorflow as tf

from tfstyle import resampling
from tfstyle.blocks.grid import Grid
from tfstyle.statistics.base import EPSILON, blend


class Block(NamedTuple):
    """One block: ends of its interior and of what is cut out, (y, x) in pixels, int32 `[2]`.

    Along tiled axes the latter may lie outside the picture, which is continued there.
    """

    grid: Grid
    begin: tf.Tensor
    end: tf.Tensor
    low: tf.Tensor
    high: tf.Tensor
    shape: tf.Tensor

    @classmethod
    def of(cls, grid, number, shape):
        """Block `number` of a picture of `shape`; all have the same side, but for a stride."""
        counts, units = grid.count(shape), shape // grid.stride
        place = tf.stack([number // counts[1], number % counts[1]])
        begin = place * units // counts * grid.stride
        end = (place + 1) * units // counts * grid.stride
        end = tf.where(place + 1 == counts, shape, end)
        low, high = begin - grid.halo, end + grid.halo
        low = tf.where(grid.tiled, low, tf.maximum(low, 0))
        high = tf.where(grid.tiled, high, tf.minimum(high, shape))
        return cls(grid, begin, end, low, high, shape)

    def stride(self, layer):
        """Pixels from one position of a layer to the next."""
        return dict(self.grid.strides)[layer]

    def cut(self, image):
        """The block with its halo out of the picture `[1, H, W, C]`."""
        if any(self.grid.tiled):
            return resampling.wrap(image, self.low, self.high)
        return crop(image, self.low, self.high)

    def with_next(self):
        """The block with one row and one column more, where there are any."""
        end = tf.where(self.grid.tiled, self.end + 1, tf.minimum(self.end + 1, self.shape))
        return self._replace(end=end)

    def inner(self, values, step=1, origin=0):
        """The interior out of a map `[1, h, w, C]`.

        Args:
            step: pixels from one position of the map to the next.
            origin: the pixel (y, x) at which the map begins.
        """
        at_border = (self.end == self.shape) & ~tf.constant(self.grid.tiled)
        last = tf.where(at_border, tf.shape(values)[1:3], (self.end - origin) // step)
        return crop(values, (self.begin - origin) // step, last)

    def own(self, features, layer):
        """The interior's part of the features of what was cut out, `[1, h, w, C]`."""
        return self.inner(features[layer], self.stride(layer), self.low)

    def parts(self, maps):
        """The interior's part of maps of the whole picture, `{layer: [1, h, w, C]}`, or nothing."""
        if not maps:
            return ()
        return {layer: self.inner(each, self.stride(layer)) for layer, each in maps.items()}

    def add(self, whole, part):
        """The sum of a picture as rows `[H, W C]` and of a part `[1, h, w, C]` cut out of one."""
        (height, width), first = tf.unstack(self.shape), self.low[1] % self.shape[1]
        length = self.high[1] - self.low[1]
        beside = [[0, 0], [first, -(first + length) % width], [0, 0]]
        rows = tf.pad(part[0], beside)
        if self.grid.tiled[1]:  # what lies beyond the picture belongs to its other side
            rows = tf.reshape(rows, [tf.shape(rows)[0], -1, width, tf.shape(rows)[2]])
            rows = tf.reduce_sum(rows, axis=1)
        rows = tf.reshape(rows, [-1, tf.shape(whole)[1]])
        numbers = tf.range(self.low[0], self.high[0]) % height
        return tf.tensor_scatter_nd_add(whole, numbers[:, None], rows)  # in place


def crop(values, first, last):
    """The part of a map `[1, h, w, C]` from a place (y, x) to another."""
    channels = values.shape[-1]
    size = tf.concat([[1], last - first, [channels]], axis=0)
    part = tf.slice(values, tf.pad(first, [[1, 1]]), size)
    return tf.ensure_shape(part, [1, None, None, channels])


def positions_of(values, less=0):
    """Their number in a map, or in one whose sides are `less` shorter, all or each; float32."""
    return tf.cast(tf.reduce_prod(tf.shape(values)[1:3] - less), tf.float32)


def sums_of(statistic, own, weights=()):
    """Statistics of parts of feature maps times the numbers of their positions, by layer.

    With `weights` `[1, h, w, N]` of a layer, a tuple: each times the sum of its weights.
    """
    return {
        layer: _sums(statistic, x, weights[layer])
        if weights
        else blend([statistic.measure(x)], [positions_of(x)])
        for layer, x in own.items()
    }


def counts_of(own, weights=()):
    """Numbers of positions by layer, or the sums of their weights `[N]`."""
    if weights:
        return {layer: tf.reduce_sum(weights[layer], axis=[0, 1, 2]) for layer in own}
    return {layer: positions_of(x) for layer, x in own.items()}


def means_of(sums, counts):
    """The statistics of whole maps from the sums of those of their parts, by layer."""
    return {layer: _means(each, counts[layer]) for layer, each in sums.items()}


def _sums(statistic, features, weights):
    masks = tf.split(weights, weights.shape[-1], axis=-1)
    return tuple(
        blend([statistic.measure(features, mask)], [tf.reduce_sum(mask)]) for mask in masks
    )


def _means(sums, count):
    if not count.shape.rank:
        return blend([sums], [1 / count])
    counts = tf.unstack(tf.maximum(count, EPSILON))
    return tuple(blend([each], [1 / number]) for each, number in zip(sums, counts))


def assembled(picture, grid: Grid, make) -> tf.Tensor:
    """What a function makes of a picture, block by block, as a picture of the same size.

    Args:
        picture: `[1, H, W, C]`, eager.
        grid: the blocks, whose halo is as far as `make` looks.
        make: from a part with its halo, `[1, h, w, C]`, to a picture of the same size.
    """
    shape = tf.shape(picture)[1:3]
    down, across = (int(grid.count(length)) for length in picture.shape[1:3])
    rows = []
    for first in range(0, down * across, across):
        row = [Block.of(grid, first + number, shape) for number in range(across)]
        inner = [block.inner(make(block.cut(picture)), 1, block.low) for block in row]
        rows.append(tf.concat(inner, axis=2))
    return tf.concat(rows, axis=1)
