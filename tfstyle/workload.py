"""What an evaluation costs in time and memory, and the strategies that fit into a memory."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from tfstyle import optimizers
from tfstyle.blocks.grid import Grid
from tfstyle.levels import OPEN, Tiling

# Fitted to runs on a CPU, at 256 to 4096 pixels.
ACTIVATION_COPIES, BASE_BYTES = 1.5, 0.9e9
MEASURING_COPIES = 2.0  # of all activations, where a style is measured
BYTES_A_SECOND = 0.04  # of the optimiser's memory, for each FLOP of convolutions in float32
# How often an evaluation takes the time of its network's FLOPs by the probe of `tfstyle.device`:
# padding and activations come on top; in blocks there is one more pass forward, too.
PASSES, BLOCK_PASSES = 1.3, 2.0
FEWER = (5, 3)  # pairs in the history where memory is short
SIDES = (None, 2048, 1024, 512)  # smaller ones take far longer, and save little beside the rest
SMALLEST_SIDE = 128  # where memory runs out nevertheless


class Strategy(NamedTuple):
    """How a level is worked on.

    Attributes:
        side: of the blocks in pixels; `None` for the whole image.
        optimizer: name of one that takes the place of what was asked for, or `None`.
        history: pairs in the history of that one.
    """

    side: int | None = None
    optimizer: str | None = None
    history: int | None = None


@dataclasses.dataclass(frozen=True)
class Workload:
    """What the cost of a run depends on besides sizes.

    Attributes:
        representation: what tells the costs of the network, see `Architecture`.
        layers: all that are looked at.
        style_layers: those of them whose statistics are compared.
        bytes: of a number in the network's precision.
        criterion: what is compared on the style layers; `None` where there are none.
        optimizer: the object.
        name: of the optimiser where it may be replaced by one that needs less memory, or `None`.
        settings: of the job, for the optimisers that take its place.
        content_loss: the object, on the layers `content_layers`.
        regions: those of styles in the image, each with statistics of its own; 0: no masks.
        tiling: that of the image; styles are not tiled.
        count: pictures that are made together.
    """

    representation: Any
    layers: tuple[str, ...]
    style_layers: tuple[str, ...]
    bytes: int
    criterion: Any
    optimizer: Any
    name: str | None
    settings: Any
    content_loss: Any = None
    content_layers: tuple[str, ...] = ()
    regions: int = 0
    tiling: Tiling = OPEN
    count: int = 1

    def grid(self, side: int | None) -> Grid | None:
        """Blocks of that side for the image."""
        if not side:
            return None
        return Grid.of(self.representation, self.layers, side, self.tiling.axes)

    def style_grid(self, side: int | None) -> Grid | None:
        """Blocks of that side for the styles."""
        return Grid.of(self.representation, self.style_layers, side) if side else None

    @property
    def divisible(self) -> bool:
        """Whether an image can be worked on in blocks."""
        return self.representation.local and self._style_divisible and self._content_divisible

    @property
    def _content_divisible(self):
        return not self.content_layers or self.content_loss.in_parts

    @property
    def _style_divisible(self):
        return self.criterion is None or self.criterion.mixes

    def flops(self, height: int, width: int) -> float:
        """FLOPs of the loss and its gradient; those with respect to the weights are not needed."""
        style = self._style(lambda *shape: self.criterion.work(*shape), height, width)
        network = 2 * self.representation.flops(self.layers, height, width)
        return network + max(1, self.regions) * style

    def work(self, height: int, width: int, strategy: Strategy) -> tuple[float, float]:
        """FLOPs of an evaluation in the network's precision, and what costs as much in float32.

        In blocks there is one more pass forward, overlap, and less that is done at once. The
        optimiser counts by its memory.
        """
        grid, passes = self.grid(strategy.side), PASSES
        seen = height, width
        if grid:
            seen, passes = (grid.covered(height), grid.covered(width)), BLOCK_PASSES
        network = 2 * passes * self.representation.flops(self.layers, *seen)
        style = passes / PASSES * self._style(lambda *shape: self.criterion.work(*shape), *seen)
        style *= max(1, self.regions)
        if self.criterion is not None and self.criterion.trains:
            network += self.representation.flops(self.style_layers, *seen) / self.criterion.every
        images = self._images(height, width, strategy) / BYTES_A_SECOND
        images += self._content("work", height, width)
        images += passes / PASSES * self.representation.memory_work(self.layers, *seen)
        if self.criterion is not None and self.criterion.in_float32:
            return network, style + images
        return network + style, images

    def memory(self, height: int, width: int, strategy: Strategy) -> float:
        """Estimated peak memory of a level, in bytes.

        The activations that the gradient needs, of a block or of the whole image; the targets of
        the content, put together from blocks; images of the optimiser and around it; and what the
        process takes before it has seen an image.
        """
        grid = self.grid(strategy.side)
        seen = (grid.longest(height), grid.longest(width)) if grid else (height, width)
        numbers = ACTIVATION_COPIES * self.representation.activations(self.layers, *seen)
        content = [layer for layer in self.layers if layer not in self.style_layers]
        numbers += 2 * sum(
            math.prod(self.representation.shape(layer, height, width)) for layer in content
        )
        style = self._style(lambda *shape: self.criterion.numbers(*shape), *seen)
        if self.regions:  # each weighs all features of its own
            style = self.regions * (style + self._style(lambda *shape: math.prod(shape), *seen))
        style += self._content("numbers", height, width)
        images = self._images(height, width, strategy)
        return self.bytes * numbers + 4 * style + images + BASE_BYTES

    def measuring(self, sizes: Sequence[tuple[int, int]], side: int | None) -> float:
        """Estimated peak memory while the styles are measured, in bytes.

        One style goes through the network at a time, but the maps of all stay until the last.
        """
        grid, pixels = self.style_grid(side), sum(map(math.prod, sizes))
        if grid:
            sizes = [(grid.longest(height), grid.longest(width)) for height, width in sizes]
        network = max(self.representation.activations(self.style_layers, *size) for size in sizes)
        kept = sum(
            math.prod(self.representation.shape(layer, *size))
            for size in sizes
            for layer in self.style_layers
        )
        style = max(
            self._style(lambda *shape: self.criterion.numbers(*shape), *size) for size in sizes
        )
        numbers = MEASURING_COPIES * network + (kept if len(sizes) > 1 else 0)
        return BASE_BYTES + 36 * self.count * pixels + self.bytes * numbers + 4 * style

    def judging(self, height: int, width: int, styles: Sequence[tuple[int, int]]) -> float:
        """Estimated peak memory of the judge, which sees the result and the styles in float32."""
        sizes = [(height, width), *styles]
        activations = sum(self.representation.activations(self.layers, *size) for size in sizes)
        largest = max(height * width for height, width in sizes)
        return BASE_BYTES + 4 * (MEASURING_COPIES * activations + 8 * 128 * largest)

    def choose(self, height: int, width: int, budget: float) -> Strategy:
        """The first that fits: whole before large blocks before small, long history first.

        Raises:
            ValueError: none does.
        """
        strategies = [Strategy(side, *kind) for kind in self._kinds() for side in SIDES]
        needs = {strategy: self.memory(height, width, strategy) for strategy in strategies}
        fitting = [strategy for strategy in strategies if needs[strategy] <= budget]
        if not fitting:
            raise ValueError(
                f"memory: expected at least {_gigabytes(min(needs.values()))} for an image of "
                f"{width}x{height} with its margin, received {budget / 1e9:.1f}GB"
            )
        if fitting[0].side:
            self._check_divisible(budget)
        return fitting[0]

    def choose_style_side(
        self, sizes: Sequence[tuple[int, int]], budget: float
    ) -> tuple[int | None, float]:
        """Side of the blocks in which the styles are measured, and the memory that this takes.

        Raises:
            ValueError: no side fits.
        """
        if not sizes or not self.style_layers:
            return None, 0.0
        divisible = self.representation.local and self._style_divisible
        for side in SIDES if divisible else SIDES[:1]:
            need = self.measuring(sizes, side)
            if need <= budget:
                return side, need
        height, width = max(sizes, key=math.prod)
        raise ValueError(
            f"style_size: expected one for which {budget / 1e9:.1f}GB of memory are enough, "
            f"received a style of {width}x{height}, which needs {_gigabytes(need)}: "
            "choose a smaller one"
        )

    def smaller(self, strategy: Strategy, long_side: int) -> Strategy | None:
        """What is tried where memory ran out nevertheless; `None` where nothing is left."""
        side = (strategy.side or long_side) // 2
        possible = self.divisible and side >= SMALLEST_SIDE
        return strategy._replace(side=side) if possible else None

    def replacement(self, strategy: Strategy) -> Any:
        """The optimiser that a strategy names, with the settings of the job."""
        history = {"history": strategy.history} if strategy.history else {}
        return optimizers.get(strategy.optimizer, self.settings, **history)

    def _check_divisible(self, budget):
        if not self._content_divisible:
            raise ValueError(
                "content_loss: expected features, more memory or a smaller size, since "
                f"{budget / 1e9:.1f}GB of memory hold this size in blocks only, received "
                "self_similarity"
            )
        if not self.representation.local:
            raise ValueError(
                "features: expected a network such as vgg19_narrow, more memory or a smaller size, "
                f"since {budget / 1e9:.1f}GB of memory hold this size in blocks only, received "
                "steerable_pyramid"
            )
        if not self.divisible:
            name = type(self.criterion).__name__
            raise ValueError(
                "statistic: expected a mean over positions such as gram, since "
                f"{budget / 1e9:.1f}GB of memory hold this size in blocks only, received {name}"
            )

    def _kinds(self):
        """Optimisers and their histories, as in a `Strategy`."""
        if self.name in (None, "adam"):
            return [(None, None)]
        shorter = FEWER if hasattr(self.optimizer, "history") else ()
        return [(None, None), *((self.name, pairs) for pairs in shorter), ("adam", None)]

    def _optimizer(self, strategy):
        return self.optimizer if strategy.optimizer is None else self.replacement(strategy)

    def _images(self, height, width, strategy):
        """Bytes of the optimiser's images."""
        return self._optimizer(strategy).images * 12 * self.count * height * width

    def _style(self, cost, height, width):
        """The sum of a cost over the style layers."""
        return self._sum(cost, self.style_layers, height, width)

    def _content(self, cost, height, width):
        """The sum of a cost of that name over the content layers."""
        return self._sum(getattr(self.content_loss, cost, None), self.content_layers, height, width)

    def _sum(self, cost, layers, height, width):
        return sum(cost(*self.representation.shape(layer, height, width)) for layer in layers)


def _gigabytes(bytes_):
    return f"{math.ceil(bytes_ / 1e8) / 10:.1f}GB"
