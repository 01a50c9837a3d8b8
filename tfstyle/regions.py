"""Masks of a picture as weights of the positions of a network's layers.

Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style Transfer", section 3. A mask goes
down the network by its own pooling, so it lies exactly over the map of a layer. A feature sees
further than its own position: where a border is hard, those that see both of its sides have no say,
so that no region takes up what is in another.

What counts as seen is a little more than half of the receptive field's radius: weights of the outer
half are so small that features there hardly answer to it (Luo et al. 2016, "Understanding the
Effective Receptive Field"). Where another picture begins beyond the border, features that are left
change by at most 0.4 % of what they differ by in that picture (mean square, on any layer of
vgg19_narrow); with no erosion it is 38 to 196 %. With the whole radius, 70 pixels on the fifth
block, it would be 0, but a band along each border then has no style but that of shallow layers.
"""

import functools
import math
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import tensorflow as tf

from tfstyle import resampling
from tfstyle.masks import WHITE
from tfstyle.targets import Masks

PROBE = 129  # pixels of a picture by which the poolings of an unknown network are counted
LEAST = 0.1  # of its weight is left to a region, or else its borders stay where they are
SEEN = 0.5  # of the radius of a receptive field
SOFT = 0.5  # of a mask's largest value; a border is soft where no feature sees more change


class Descent(NamedTuple):
    """How a mask gets from a picture to the positions of a layer.

    Attributes:
        poolings: on the way, each to a half.
        padding: of the poolings, "SAME" or "VALID".
        radius: positions on each side that count as seen by a feature; 0 if that is not known.
    """

    poolings: int
    padding: str
    radius: int

    def pooled(self, masks: tf.Tensor, pool: Callable = tf.nn.avg_pool2d) -> tf.Tensor:
        """Masks `[1, H, W, N]` over the map of the layer, `[1, h, w, N]`."""
        for _ in range(self.poolings):
            masks = pool(masks, 2, 2, self.padding)
        return masks

    def eroded(self, masks: tf.Tensor, tiled: tuple[bool, bool] = (False, False)) -> tf.Tensor:
        """The same without features that see both sides of a hard border.

        A weight stays where a feature sees the mask change by half of its largest value or less,
        and is gone where it sees the mask change from 0 to that. A region that would lose nearly
        all of its weight keeps its borders: a style that is told nothing by a layer is worse than
        one told a little too much. Small regions on deep layers are the case, above all at coarse
        scales.

        Args:
            masks: of the picture.
            tiled: whether it continues at its other side, of rows, of columns.
        """
        pooled = self.pooled(masks)
        if not self.radius:
            return pooled
        sides = tf.concat([masks, -masks], axis=-1)
        extremes = _greatest_near(self.pooled(sides, tf.nn.max_pool2d), self.radius, tiled)
        change = tf.add_n(tf.split(extremes, 2, axis=-1))
        change = tf.math.divide_no_nan(change, tf.reduce_max(masks, axis=[0, 1, 2]))
        kept = pooled * tf.clip_by_value((1 - change) / (1 - SOFT), 0, 1)
        here, before = (tf.reduce_sum(x, axis=[0, 1, 2]) for x in (kept, pooled))
        return tf.where(here < LEAST * before, pooled, kept)


def _greatest_near(values, radius, tiled):
    """The greatest value within a radius of each position of a map."""
    reach, shape = tf.where(tiled, radius, 0), tf.shape(values)[1:3]
    wide = resampling.wrap(values, -reach, shape + reach)
    greatest = tf.nn.max_pool2d(wide, 2 * radius + 1, 1, "SAME")
    inside = tf.slice(greatest, [0, *tf.unstack(reach), 0], [1, *tf.unstack(shape), -1])
    return tf.ensure_shape(inside, [1, None, None, values.shape[-1]])  # a graph has forgotten it


def descents(
    network: Callable, table: Any, layers: Collection[str], padding: str
) -> dict[str, Descent]:
    """How masks get to the layers of a network.

    Args:
        network: image -> `{layer: activations}`.
        table: what tells its strides and radii, see `Architecture`; `None` if nothing does: then
            the network is tried out.
        layers: their names.
        padding: of the network that the table describes, "reflect" or "zeros".
    """
    if table is None:
        return _tried(network, layers)
    pooling_padding = "VALID" if padding == "zeros" else "SAME"
    strides = {layer: table.stride(layer) for layer in layers}
    return {
        layer: Descent(
            int(math.log2(stride)),
            pooling_padding,
            int(SEEN * table.radius([layer]) / stride) + 1,
        )
        for layer, stride in strides.items()
    }


def _tried(network, layers):
    features = network(tf.zeros([1, PROBE, PROBE, 3]))
    sides = {layer: int(features[layer].shape[1]) for layer in layers}
    poolings = {layer: round(math.log2(PROBE / side)) for layer, side in sides.items()}
    return {
        layer: Descent(count, "SAME" if sides[layer] * 2**count >= PROBE else "VALID", 0)
        for layer, count in poolings.items()
    }


class Regions:
    """Masks as weights of what a network sees.

    Args:
        network, table, padding: see `descents`.
        tiled: whether the result continues at its other side, of rows, of columns.
        style_layers, content_layers: those that are compared.
    """

    def __init__(self, network, table, padding, tiled, style_layers, content_layers):
        self._tiled, self._content_layers = tiled, content_layers
        self._style_layers = style_layers
        self._descents = functools.partial(descents, network, table, padding=padding)

    @functools.cached_property
    def _of_style(self):
        return self._descents(layers=self._style_layers)

    @functools.cached_property
    def _of_content(self):
        return self._descents(layers=self._content_layers)

    def of_picture(self, mask) -> dict[str, tf.Tensor]:
        """Weights of a style's picture, `{style layer: [1, h, w, 1]}`; all the same for `None`."""
        if mask is None:
            return {}
        return {layer: descent.eroded(mask) for layer, descent in self._of_style.items()}

    def pooled(self, layer: str, masks: tf.Tensor) -> tf.Tensor:
        """Masks `[1, H, W, N]` of the image over the map of a style layer, `[1, h, w, N]`."""
        return self._of_style[layer].pooled(masks)

    def at(self, level, style, parts) -> tf.Tensor:
        """The regions of N styles, `[1, H, W, N]`, brought to a level."""
        style = self._at(style, (level.height, level.width), "bilinear")
        return tf.ensure_shape(style, [1, None, None, len(parts)])

    def masks(self, level, style=None, parts=(), content=None, photograph=None) -> Masks:
        """Where what counts at a level.

        Args:
            level: a `tfstyle.levels.Level`.
            style: the regions of N styles, `[1, H, W, N]`, adding to at most 1; `None`: no regions.
            parts: of the N styles in the strength; they add to 1.
            content: the content's mask, `[1, H, W, 1]`, or `None`.
            photograph: what stays where no style is, or `None` where there are styles everywhere.
        """
        size = level.height, level.width
        masks = Masks()
        if style is not None:
            style = self.at(level, style, parts)
            if photograph is not None:
                cover = tf.minimum(tf.reduce_sum(style, axis=-1, keepdims=True) / WHITE, 1.0)
                kept = self._at(photograph, size, "lanczos3")
                masks = masks._replace(photograph=kept, cover=cover)
            strengths = tf.constant([part * len(parts) for part in parts], tf.float32)
            weights = {
                layer: strengths * descent.eroded(style, self._tiled)
                for layer, descent in self._of_style.items()
            }
            masks = masks._replace(style=weights)
        if content is not None and self._content_layers:
            content = self._at(content, size, "bilinear")
            content = tf.ensure_shape(content, [1, None, None, 1])
            pooled = {layer: each.pooled(content) for layer, each in self._of_content.items()}
            masks = masks._replace(content=pooled)
        return masks

    def _at(self, picture, size, method):
        return resampling.resize(picture, *size, self._tiled, method)
