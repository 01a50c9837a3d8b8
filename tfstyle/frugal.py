"""Minimising within a given memory: whole images or blocks, long or short histories.

Light to import: TensorFlow is loaded when something is computed.
"""

import dataclasses
import logging
from typing import Any

from tfstyle import cost, optimizers, registry
from tfstyle import features as networks
from tfstyle.features import architectures

log = logging.getLogger("tfstyle")


@dataclasses.dataclass
class Frugal:
    """An objective and an optimiser that take no more memory than there is.

    Attributes:
        objective: a `tfstyle.losses.Objective`.
        optimizer: as it was asked for.
        load: a `tfstyle.cost.Load`; `None` for a network without a table, which is taken whole.
    """

    objective: Any
    optimizer: Any
    load: Any

    def ways(self, levels, memory):
        """The `tfstyle.cost.Way` of each level.

        Args:
            levels: with a height and a width.
            memory: see `tfstyle.cost.budget`.

        Raises:
            ValueError: too little memory, or blocks that the statistic does not allow.
        """
        budget = cost.budget(memory)
        if self.load is None:
            return [cost.Way()] * len(levels)
        ways = self.load.ways(levels, budget)
        if any(way.side for way in ways) and not self._divisible():
            name = type(self.objective.style_loss.statistic).__name__
            raise ValueError(
                "statistic: expected a mean over positions such as gram, since "
                f"{budget / 1e9:.1f}GB of memory hold this size in blocks only, received {name}"
            )
        return ways

    def minimize(self, way, image, measure, evaluations, callback):
        """Yields a `Result`; where memory ran out another, which goes on in smaller blocks.

        Args:
            way: how to begin.
            image: the start, float32 `[1, H, W, 3]`.
            measure: grid of blocks or `None` -> `tfstyle.targets.Targets`.
            evaluations: budget of all results together.
            callback: see `tfstyle.optimizers.base.Optimizer.minimize`.
        """
        from tfstyle.optimizers import base

        made = 0
        while way and made < evaluations:
            smaller = self._smaller(way, max(image.shape[1:3]))
            try:
                optimizer, objective = self._optimizer(way), self._objective(way)
                result = optimizer.minimize(
                    objective,
                    image,
                    measure(self._grid(way)),
                    evaluations - made,
                    shifted(callback, made),
                )
            except base.EXHAUSTED:  # before this result had an image of its own
                if smaller is None and not made:
                    raise
            else:
                yield result
                if result.outcome != base.OUT_OF_MEMORY:
                    return
                image, made = result.image, made + result.evaluations
            if smaller:
                side = self._grid(smaller).side
                log.warning("out of memory: going on in blocks of %d pixels", side)
            way = smaller

    def _grid(self, way):
        return self.load and self.load.grid(way)

    def _divisible(self):
        style_loss = self.objective.style_loss
        return self.load is not None and (style_loss is None or style_loss.statistic.mixes)

    def _smaller(self, way, long_side):
        side = (way.side or long_side) // 2
        possible = self._divisible() and side >= cost.SMALLEST_SIDE
        return way._replace(side=side) if possible else None

    def _objective(self, way):
        if way.side is None:
            return self.objective
        from tfstyle import blocks

        return blocks.Blocked(self.objective, self._grid(way))

    def _optimizer(self, way):
        """The one that was asked for, or one that needs less memory."""
        if way.optimizer is None:
            return self.optimizer
        options = {"history": way.pairs} if way.pairs else {}
        return registry.get(optimizers.OPTIMIZERS, way.optimizer, "optimizer")(**options)


def load(features, layers, style_layers, options, optimizer):
    """The `tfstyle.cost.Load` of such settings, or `None` for a network without a table."""
    architecture = registry.get(networks.FEATURES, features, "features")
    if not isinstance(architecture, architectures.Architecture):
        return None
    from tfstyle.features import precision

    dtype = precision.policy(options["precision"]).removeprefix("mixed_")
    return cost.Load(architecture, layers, tuple(style_layers), dtype, optimizer)


def shifted(callback, done):
    """The callback with the evaluations that were done before added to its count; or `None`."""
    if callback is None:
        return None
    return lambda progress: callback(progress._replace(evaluations=progress.evaluations + done))
