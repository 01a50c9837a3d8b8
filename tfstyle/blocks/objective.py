"""Loss and gradient of a large image by overlapping blocks: exact, in bounded memory.

The idea is that of Galerne, Raad, Lezama & Morel (2024), "Scaling Painting Style Transfer". A
statistic that is a mean over positions is measured block by block. The derivative of the loss with
respect to the statistic of the whole image then tells each block by itself what its gradient is.
So every block is seen twice, and never more than one at a time.

Convolutions see beyond a block: it is cut out with a halo as wide as the receptive field, and only
features of its interior count. At the picture's own border the block ends where the picture ends,
or goes on at its other side where the picture is tiled.
"""

import dataclasses

import tensorflow as tf

from tfstyle import losses
from tfstyle.blocks.block import Block, counts_of, crop, means_of, positions_of, sums_of
from tfstyle.blocks.grid import Grid


@dataclasses.dataclass(frozen=True)
class Blocked:
    """An objective that never sees more of the image than a block.

    Attributes:
        objective: a `tfstyle.losses.Objective`, whose statistic must be one that `mixes`.
        grid: the blocks, for all layers of the objective's network.
    """

    objective: losses.Objective
    grid: Grid

    @property
    def names(self) -> tuple[str, ...]:
        """Of the terms that a call reports."""
        return self.objective.names

    def __call__(self, image, targets):
        return self.value_and_gradient(image, targets)[:2]

    def scaled(self, change, targets):
        """See `Objective.scaled`: of the whole image."""
        return self.objective.scaled(change, targets)

    def value_and_gradient(self, image, targets):
        """Loss, its parts, and its gradient with respect to the image, as from the whole image."""
        sums, positions, sizes = self._survey(image, targets)
        parts, slopes = self._style(sums, positions, targets)
        whole = positions_of(image), positions_of(image, tf.where(self.grid.tiled, 0, 1))

        def step(block, gradient, parts):
            unknown = block.cut(image)
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(unknown)
                region = self._shown(block, unknown, targets)
                features = self.objective.network(region)
                shares = self._shares(block, region, features, targets, sizes, whole)
                pull = _inner_product(slopes, self._sums(block, features, targets))
                total = sum(shares.values()) + pull
            gradient = block.add(gradient, tape.gradient(total, unknown))
            return gradient, {name: parts[name] + share for name, share in shares.items()}

        height, width, channels = tf.unstack(tf.shape(image)[1:])
        shared = [name for name in ("content", "tv") if name in self.objective.weights]
        zeros = dict.fromkeys([*shared, "range"], tf.zeros([]))
        gradient, shares = self._loop(image, step, (tf.zeros([height, width * channels]), zeros))
        parts |= shares
        parts = {name: parts[name] for name in self.names}
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
            features = self.objective.network(self._shown(block, block.cut(image), targets))
            own = {layer: block.own(features, layer) for layer in positions}
            counts = counts_of(own, block.parts(targets.masks.style))
            here = self._sums(block, features, targets)
            return *tf.nest.map_structure(tf.add, (sums, positions), (here, counts)), sizes

        style = targets.style if "style" in self.objective.weights else {}
        content = targets.content if "content" in self.objective.weights else {}
        regions = targets.masks.style
        zeros = {layer: tf.zeros(regions[layer].shape[-1:] if regions else []) for layer in style}
        start = {layer: self._nothing(target, regions) for layer, target in style.items()}
        return self._loop(image, step, (start, zeros, dict.fromkeys(content, tf.zeros([]))))

    def _nothing(self, target, regions):
        nothing = self.objective.style_loss.statistic.nothing
        return tuple(map(nothing, target)) if regions else nothing(target)

    def _shown(self, block, part, targets):
        """A part of the image over that of the photograph, where there is one."""
        masks = targets.masks
        if isinstance(masks.photograph, tuple):
            return part
        cut = {name: block.cut(getattr(masks, name)) for name in ("photograph", "cover")}
        return masks._replace(**cut).shown(part)

    def _sums(self, block, features, targets):
        """The statistics of the interior times the number of its positions, `{layer: nest}`."""
        if "style" not in self.objective.weights:
            return {}
        statistic = self.objective.style_loss.statistic.seeded(targets.seed)
        own = {layer: block.own(features, layer) for layer in targets.style}
        return sums_of(statistic, own, block.parts(targets.masks.style))

    def _style(self, sums, positions, targets):
        """The style's part of the loss, and its derivative with respect to the sums."""
        if not sums:
            return {}, {}
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(sums)
            means, areas = means_of(sums, positions), ()
            if regions := targets.masks.style:
                areas = {
                    layer: tf.unstack(sum_ / positions_of(regions[layer]))
                    for layer, sum_ in positions.items()
                }
            loss = self.objective.style_loss.measured(means, targets.style, targets.seed, areas)
            part = self.objective.weights["style"] * loss
        return {"style": part}, tape.gradient(part, sums, unconnected_gradients="zero")

    def _content(self, block, targets):
        """The block's own part of the content targets."""
        if "content" not in self.objective.weights:
            return {}
        return {
            layer: block.inner(target, block.stride(layer))
            for layer, target in targets.content.items()
        }

    def _shares(self, block, region, features, targets, sizes, whole):
        """What the block adds to the terms that are sums over positions, `{term: scalar}`."""
        objective, weights = self.objective, self.objective.weights
        inner = block.inner(region, origin=block.low)
        shares = {}
        if content := self._content(block, targets):
            own = {layer: block.own(features, layer) for layer in content}
            mask = block.parts(targets.masks.content)
            error = objective.content_error(own, content, mask, sizes=sizes)
            shares["content"] = weights["content"] * error
        if "tv" in weights:
            # Slopes to the right and down need one pixel more, where there is one.
            slopes = crop(region, block.begin - block.low, block.with_next().end - block.low)
            part = positions_of(slopes, 1) / whole[1]
            shares["tv"] = weights["tv"] * part * objective.total_variation(slopes)
        part = positions_of(inner) / whole[0]
        shares["range"] = objective.RANGE_WEIGHT * part * objective.range_penalty(inner)
        return shares


def _inner_product(a, b):
    pairs = zip(tf.nest.flatten(a), tf.nest.flatten(b))
    return sum((tf.reduce_sum(x * y) for x, y in pairs), tf.zeros([]))
