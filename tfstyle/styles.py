"""What is remembered of styles at a level: targets of their statistics."""

from typing import Any, NamedTuple

import tensorflow as tf

from tfstyle import levels, palette, resampling
from tfstyle.blocks import measure
from tfstyle.blocks.grid import Grid
from tfstyle.caches import Cache
from tfstyle.statistics.base import Learner

# What is kept from one call to the next: targets at one scale; a run has at most seven scales.
KEPT, KEPT_BYTES = 8, 100e6


class Example(NamedTuple):
    """A picture of a style at a level.

    Attributes:
        picture: `[1, h, w, 3]` in [0, 1].
        part: in the blend.
        mask: where it counts, `[1, h, w, 1]`, or `None`.
        number: of the style; its turns have the same.
    """

    picture: Any
    part: float = 1.0
    mask: Any = None
    number: int = 0


class Styles:
    """Styles as a network sees them.

    Args:
        network: feature network.
        statistic: what is measured on each of `layers`; `None` where there are none.
        layers: names of its layers.
        regions: a `tfstyle.regions.Regions`.
        color: whose colours styles have, see `tfstyle.palette`.
        strength: how much of them is taken; the content has the rest.
    """

    def __init__(self, network, statistic, layers, regions, color, strength):
        self._network, self._statistic, self.layers = network, statistic, layers
        self._regions, self._color, self._strength = regions, color, strength
        self._kept = Cache(KEPT, _bytes, KEPT_BYTES)

    @property
    def need_content(self) -> bool:
        """Whether what is remembered of a style depends on the content."""
        return self._color in palette.RECOLOURED or self._strength < 1

    @property
    def describable(self) -> bool:
        """Whether what is to be known of a style itself is in its statistics, whatever the content.

        It is not for a criterion that is trained, nor in colours that depend on the content.
        """
        return not isinstance(self._statistic, Learner) and self._color not in palette.RECOLOURED

    def description(self, picture, seed) -> dict[str, Any]:
        """What is remembered of a picture of a `describable` style, without any content."""
        return self._measured([(picture, 1.0)], [{}], seed, None)

    def described(self, description, content, seed) -> dict[str, Any]:
        """The targets from a `description`, beside a content where that has a part.

        Args:
            description: of the style.
            content: as the network sees it at the level, where they `need_content`.
            seed: of the description.
        """
        if self._strength == 1:
            return description
        photograph = self.description(content, seed)
        return {layer: (description[layer], photograph[layer]) for layer in description}

    def targets(
        self, examples: list[Example], seed, grid=None, content=None, by_region: bool = False
    ) -> dict[str, Any]:
        """What is remembered of styles.

        They have the colours that `color` asks for. With a strength below 1 it is a pair for each
        layer, of the style and of the content (see `Between`), but for a criterion that is trained:
        that takes the content for one of the styles.

        Args:
            examples: pictures of the size that they have at a level.
            seed: the level's.
            grid: blocks in which they are measured.
            content: as the network sees it at the level, where they `need_content`.
            by_region: whether each style has a region of its own, in the place of a blend.
        """
        if not self.layers:
            return {}
        photograph = None
        if self._strength < 1 and not isinstance(self._statistic, Learner):
            photograph = self._measured([(content, 1.0)], [{}], seed, grid)
        if not by_region:
            return self._blend(examples, seed, grid, content, photograph)
        apart = []
        for number in dict.fromkeys(each.number for each in examples):
            turns = [each for each in examples if each.number == number]
            whole = sum(turn.part for turn in turns)
            turns = [turn._replace(part=turn.part / whole) for turn in turns]
            apart.append(self._blend(turns, seed, grid, content, photograph))
        return {layer: tuple(each[layer] for each in apart) for layer in self.layers}

    def _blend(self, examples, seed, grid, content, photograph):
        """What is remembered of a blend, beside that of the content, `photograph`, if it counts."""
        recolour = palette.RECOLOURED.get(self._color, lambda picture, _: picture)
        styles = [(recolour(each.picture, content), each.part) for each in examples]
        weights = [self._regions.of_picture(each.mask) for each in examples]
        if self._strength == 1:
            return self._measured(styles, weights, seed, grid)
        if photograph is None:
            parts = [(picture, self._strength * part) for picture, part in styles]
            kept = slice(None) if self._strength else slice(0)
            mixture = [*parts[kept], (content, 1 - self._strength)]
            return self._measured(mixture, [*weights[kept], {}], seed, grid)
        style = self._measured(styles, weights, seed, grid)
        return {layer: (style[layer], photograph[layer]) for layer in style}

    def _measured(self, pictures, weights, seed, grid):
        return measure.style(
            self._network, self._statistic, pictures, self.layers, seed, grid, weights
        )

    def kept(
        self, styles, level, seed: int, grid: Grid | None, content=None, by_region: bool = False
    ) -> dict[str, Any]:
        """The same for `tfstyle.inputs.Style`s; remembered, unless it depends on a content."""

        def make():
            pictures = [style_at(style.picture, style.long_side, level) for style in styles]
            examples = [
                Example(picture, style.part, mask_at(style.region, picture), style.number)
                for style, picture in zip(styles, pictures)
            ]
            return self.targets(examples, seed, grid, content, by_region)

        if self.need_content:
            return make()
        key = tuple(style.key for style in styles)
        drawn = seed if self._statistic is not None and self._statistic.draws else None
        return self._kept.get((key, level.shrink, drawn, grid, by_region), make)


def style_at(picture, long_side, level) -> tf.Tensor:
    """A style picture as it is beside a result at a level.

    Args:
        picture: `[1, H, W, 3]` in [0, 1].
        long_side: of the picture beside a result of the full size.
        level: a `tfstyle.levels.Level`.
    """
    side = levels.maximum(levels.divide(long_side, level.shrink), 1)
    height, width = picture.shape[1:3]
    if height is None or width is None:
        height, width = tf.unstack(tf.shape(picture)[1:3])
    return resampling.resize(picture, *levels.fit(height, width, side))


def mask_at(mask, picture):
    """The mask of a picture as it was given, `[1, H, W, 1]` or `None`, in the picture's size."""
    if mask is None:
        return None
    return resampling.resize(mask, *tf.unstack(tf.shape(picture)[1:3]), method="bilinear")


def _bytes(nest):
    return sum(tensor.dtype.size * tensor.shape.num_elements() for tensor in tf.nest.flatten(nest))
