"""Loss and gradient of a large image by overlapping blocks: exact, in bounded memory.

The idea is that of Galerne, Raad, Lezama & Morel (2024), "Scaling Painting Style Transfer". A
statistic that is a mean over positions is measured block by block. The derivative of the loss with
respect to the statistic of the whole image then tells each block by itself what its gradient is.
So every block is seen twice, and never more than one at a time.

Convolutions see beyond a block: it is cut out with a halo as wide as the receptive field, and only
features of its interior count. At the picture's own border the block ends where the picture ends.
"""

import dataclasses
from typing import NamedTuple

import tensorflow as tf

from tfstyle import losses, targets
from tfstyle.features.architectures import stride
from tfstyle.grid import Grid
from tfstyle.statistics.base import blend


class Block(NamedTuple):
    """One block: ends of its interior and of what is cut out, (y, x) in pixels, int32 `[2]`."""

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
        low, high = tf.maximum(begin - grid.halo, 0), tf.minimum(end + grid.halo, shape)
        return cls(begin, end, low, high, shape)

    def cut(self, image):
        """The block with its halo out of the picture `[1, H, W, C]`."""
        return _slice(image, self.low, self.high)

    def inner(self, values, step=1, origin=0):
        """The interior out of a map `[1, h, w, C]`.

        Args:
            step: pixels from one position of the map to the next.
            origin: the pixel (y, x) at which the map begins.
        """
        last = tf.where(self.end == self.shape, tf.shape(values)[1:3], (self.end - origin) // step)
        return _slice(values, (self.begin - origin) // step, last)

    def own(self, features, layer):
        """The interior's part of the features of what was cut out, `[1, h, w, C]`."""
        return self.inner(features[layer], stride(layer), self.low)

    def add(self, whole, part):
        """The sum of a picture as rows `[H, W C]` and of a part `[1, h, w, C]` cut out of one."""
        beside = [[0, 0], [self.low[1], self.shape[1] - self.high[1]], [0, 0]]
        rows = tf.reshape(tf.pad(part[0], beside), [-1, tf.shape(whole)[1]])
        numbers = tf.range(self.low[0], self.high[0])[:, None]
        return tf.tensor_scatter_nd_add(whole, numbers, rows)  # in place


def _slice(values, first, last):
    channels = values.shape[-1]
    size = tf.concat([[1], last - first, [channels]], axis=0)
    part = tf.slice(values, tf.pad(first, [[1, 1]]), size)
    return tf.ensure_shape(part, [1, None, None, channels])


def _positions(values, less=0):
    """Their number in a map, or in one whose sides are `less` shorter; float32."""
    return tf.cast(tf.reduce_prod(tf.shape(values)[1:3] - less), tf.float32)


@dataclasses.dataclass(frozen=True)
class Blocked:
    """An objective that never sees more of the image than a block.

    Attributes:
        objective: a `tfstyle.losses.Objective`, whose statistic must be one that `mixes`.
        grid: the blocks, for all layers of the objective's network.
    """

    objective: losses.Objective
    grid: Grid

    def __call__(self, image, targets):
        return self.value_and_gradient(image, targets)[:2]

    def value_and_gradient(self, image, targets):
        """Loss, its parts, and its gradient with respect to the image, as from the whole image."""
        sums, positions, sizes = self._survey(image, targets)
        parts, slopes = self._style(sums, positions, targets)
        whole = _positions(image), _positions(image, 1)

        def step(block, gradient, parts):
            region = block.cut(image)
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(region)
                features = self.objective.network(region)
                shares = self._shares(block, region, features, targets, sizes, whole)
                pull = _inner_product(slopes, self._sums(block, features, targets))
                total = sum(shares.values()) + pull
            gradient = block.add(gradient, tape.gradient(total, region))
            return gradient, {name: parts[name] + share for name, share in shares.items()}

        height, width, channels = tf.unstack(tf.shape(image)[1:])
        shared = [name for name in ("content", "tv") if name in self.objective.weights]
        zeros = dict.fromkeys([*shared, "range"], tf.zeros([]))
        gradient, shares = self._loop(image, step, (tf.zeros([height, width * channels]), zeros))
        parts |= shares
        parts = {name: parts[name] for name in self.objective.names}
        return sum(parts.values()), parts, tf.reshape(gradient, tf.shape(image))

    def _loop(self, image, step, state):
        """`step(block, *state) -> state` for every block, one after another."""
        shape = tf.shape(image)[1:3]

        def body(number, state):
            return number + 1, step(Block.of(self.grid, number, shape), *state)

        count, start = tf.reduce_prod(self.grid.count(shape)), (tf.constant(0), state)
        _, state = tf.while_loop(lambda n, _: n < count, body, start, parallel_iterations=1)
        return state

    def _survey(self, image, targets):
        """What a block must know of the whole image and of the whole target.

        Returns:
            The style statistics' sums over all positions and the numbers of those, and the content
            targets' sums of squares, each `{layer: ...}`.
        """

        def step(block, sums, positions, sizes):
            content = self._content(block, targets)
            sizes = {layer: sizes[layer] + losses.size(part) for layer, part in content.items()}
            if not sums:
                return sums, positions, sizes
            features = self.objective.network(block.cut(image))
            counts = {layer: _positions(block.own(features, layer)) for layer in positions}
            here = self._sums(block, features, targets)
            return *tf.nest.map_structure(tf.add, (sums, positions), (here, counts)), sizes

        style = targets.style if "style" in self.objective.weights else {}
        content = targets.content if "content" in self.objective.weights else {}
        zeros = (dict.fromkeys(layers, tf.zeros([])) for layers in (style, content))
        start = (tf.nest.map_structure(tf.zeros_like, style), *zeros)
        return self._loop(image, step, start)

    def _sums(self, block, features, targets):
        """The statistics of the interior times the number of its positions, `{layer: nest}`."""
        if "style" not in self.objective.weights:
            return {}
        statistic = self.objective.style_loss.statistic.seeded(targets.seed)
        return _sums(statistic, {layer: block.own(features, layer) for layer in targets.style})

    def _style(self, sums, positions, targets):
        """The style's part of the loss, and its derivative with respect to the sums."""
        if not sums:
            return {}, {}
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(sums)
            means = {layer: blend([sums[layer]], [1 / positions[layer]]) for layer in sums}
            loss = self.objective.style_loss.measured(means, targets.style, targets.seed)
            part = self.objective.weights["style"] * loss
        return {"style": part}, tape.gradient(part, sums, unconnected_gradients="zero")

    def _content(self, block, targets):
        """The block's own part of the content targets."""
        if "content" not in self.objective.weights:
            return {}
        return {
            layer: block.inner(target, stride(layer)) for layer, target in targets.content.items()
        }

    def _shares(self, block, region, features, targets, sizes, whole):
        """What the block adds to the terms that are sums over positions, `{term: scalar}`."""
        objective, weights = self.objective, self.objective.weights
        inner = block.inner(region, origin=block.low)
        shares = {}
        if content := self._content(block, targets):
            own = {layer: block.own(features, layer) for layer in content}
            shares["content"] = weights["content"] * objective.content_loss(own, content, sizes)
        if "tv" in weights:
            # Slopes to the right and down need one pixel more, where there is one.
            steps = block._replace(end=tf.minimum(block.end + 1, block.shape))
            slopes = _slice(region, block.begin - block.low, steps.end - block.low)
            part = _positions(slopes, 1) / whole[1]
            shares["tv"] = weights["tv"] * part * objective.total_variation(slopes)
        part = _positions(inner) / whole[0]
        shares["range"] = objective.RANGE_WEIGHT * part * objective.range_penalty(inner)
        return shares


def _inner_product(a, b):
    pairs = zip(tf.nest.flatten(a), tf.nest.flatten(b))
    return sum((tf.reduce_sum(x * y) for x, y in pairs), tf.zeros([]))


def measure(network, statistic, content, styles, content_layers, style_layers, seed, grid):
    """`tfstyle.targets.measure`, with a grid block by block, for a statistic that `mixes`."""
    if grid is None:
        return targets.measure(
            network, statistic, content, styles, content_layers, style_layers, seed
        )
    seen = [_statistics(network, statistic, picture, style_layers, grid) for picture, _ in styles]
    parts = [part for _, part in styles]
    return targets.Targets(
        content=_activations(network, content, content_layers, grid) if content_layers else {},
        style={layer: blend([each[layer] for each in seen], parts) for layer in style_layers},
        seed=tf.constant(seed, tf.int32),
    )


def _activations(network, picture, layers, grid):
    shape = picture.shape[1:3]
    down, across = (int(grid.count(length)) for length in shape)
    rows = []
    for first in range(0, down * across, across):
        row = [Block.of(grid, first + number, tf.constant(shape)) for number in range(across)]
        seen = [_own(network, block, picture, layers) for block in row]
        rows.append({layer: tf.concat([own[layer] for own in seen], axis=2) for layer in layers})
    return {layer: tf.concat([row[layer] for row in rows], axis=1) for layer in layers}


def _statistics(network, statistic, picture, layers, grid):
    shape = picture.shape[1:3]
    sums, positions = None, dict.fromkeys(layers, 0.0)
    for number in range(int(grid.count(shape[0]) * grid.count(shape[1]))):
        own = _own(network, Block.of(grid, number, tf.constant(shape)), picture, layers)
        here = _sums(statistic, own)
        sums = tf.nest.map_structure(tf.add, sums, here) if sums else here
        positions = {layer: positions[layer] + _positions(part) for layer, part in own.items()}
    return {layer: blend([sums[layer]], [1 / positions[layer]]) for layer in layers}


def _own(network, block, picture, layers):
    features = network(block.cut(picture))
    return {layer: block.own(features, layer) for layer in layers}


def _sums(statistic, own):
    """Statistics of parts of feature maps times the numbers of their positions, by layer."""
    return {layer: blend([statistic.measure(x)], [_positions(x)]) for layer, x in own.items()}
