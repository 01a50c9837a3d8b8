"""A photograph in a style at once: encode, move, decode, from the deepest layer to the shallowest.

Li et al. 2017, "Universal Style Transfer via Feature Transforms", section 3.3, with a change: the
picture itself is not replaced by what a decoder makes of its moved features. It gets the difference
between that and what the decoder makes of the features as they are. So what a decoder cannot say,
such as a face at the fifth layer, comes from the photograph; and features that are not moved leave
it as it is to the bit.
"""

import functools
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tfstyle import features
from tfstyle.blocks.block import Block, counts_of, means_of, sums_of
from tfstyle.blocks.grid import Grid
from tfstyle.caches import Cache
from tfstyle.features import vgg
from tfstyle.features.architectures import VGG19_NARROW
from tfstyle.features.precision import policy
from tfstyle.levels import OPEN, Tiling
from tfstyle.losses import apart
from tfstyle.networks import decoders
from tfstyle.regions import Regions
from tfstyle.settings.choices import GATYS_LAYERS
from tfstyle.styles import Styles
from tfstyle.transport import maps

# How far the deepest features go to the style's unless asked for: all the way, cats' eyes are lost.
DEEPEST = 0.5
KEPT = 3  # sets of networks, from one job to the next


class Difference:
    """What a decoder makes of features, less what it makes of others.

    Its last convolution is linear, and is applied once, to the difference of what it is given; in
    bfloat16 too, since that difference is of rounded numbers.

    Args:
        layer, dtype, tiled: see `decoders.get`.
    """

    def __init__(self, layer: str, dtype: str | None, tiled: tuple[bool, bool]):
        model = decoders.get(layer, dtype, tiled)
        self.weights = model.weights
        self._kernel = model.get_layer(f"{layer}_out").kernel
        self._border = vgg.Border(tiled=tiled, dtype=dtype)
        self._body = keras.Model(model.input, model.get_layer(f"{layer}_out_pad").input)

    def __call__(self, features, others):
        """RGB float32 `[1, h s, w s, 3]` of two `[1, h, w, C]`, see `decoders.build`."""
        given = [tf.cast(each, self._body.compute_dtype) for each in (features, others)]
        first, second = tf.split(self._body(tf.concat(given, axis=0)), 2)
        change = self._border(first - second)
        kernel = tf.cast(self._kernel, change.dtype)
        return tf.cast(tf.nn.conv2d(change, kernel, 1, "VALID"), tf.float32)


class Trained(NamedTuple):
    """Networks with their weights.

    Attributes:
        network: picture -> the features of all layers.
        encoders: for each layer what comes before it, picture -> `{layer: features}`.
        decoders: two features -> the difference of their pictures.
    """

    network: Any
    encoders: dict[str, Any]
    decoders: dict[str, Any]


def trained(layers: tuple[str, ...], precision: str, tiled: tuple[bool, bool]) -> Trained:
    """The networks of these layers; the latest are kept."""

    def make():
        network: Any = features.get(VGG19_NARROW, layers, precision=precision, tiled=tiled)
        dtype = policy(precision)
        return Trained(
            network,
            {layer: keras.Model(network.input, {layer: network.output[layer]}) for layer in layers},
            {layer: Difference(layer, dtype, tiled) for layer in layers},
        )

    return _kept.get((layers, precision, tiled), make)


_kept = Cache(KEPT)


class Chain:
    """Encoders, maps and decoders of the layers of a job.

    Args:
        settings: of the job; see `tfstyle.networks.check_settings`.
        precision: of the networks, "float32" or "bfloat16".
        tiling: of the result.
        color: whose colours it has, see `tfstyle.palette`.

    Attributes:
        styles: what is remembered of styles, see `tfstyle.styles.Styles`.
        regions: masks as weights of the layers.
    """

    def __init__(self, settings: Any, precision: str, tiling: Tiling, color: str):
        self.parts = parts(settings)
        layers = tuple(self.parts)
        self.transport = maps.get(settings.chosen("statistic"), settings)
        self._tiled = tiling.axes
        self._trained = trained(layers, precision, tiling.axes)
        seeing = trained(layers, precision, OPEN.axes).network
        self.regions = Regions(seeing, VGG19_NARROW, "reflect", tiling.axes, layers, ())
        self.styles = Styles(seeing, self.transport, layers, self.regions, color, 1.0)
        self._graphs = {
            layer: tf.function(functools.partial(self._changed, layer), autograph=False)
            for layer in layers
        }

    @property
    def weights(self) -> list:
        """Of all networks."""
        models = self._trained.network, *self._trained.decoders.values()
        return [weight for model in models for weight in model.weights]

    def __call__(self, image, style, seed, amounts, weights=None, side=None) -> tf.Tensor:
        """The photograph in the style.

        While a graph is made, this becomes part of it; otherwise it has graphs of its own, which
        are made once for all sizes.

        Args:
            image: the photograph, float32 `[1, H, W, 3]` in [0, 1].
            style: what `styles` remembers, `{layer: nest}`, or a tuple of nests, one per region.
            seed: int32, with which the style was measured.
            amounts: how far each style goes, `[1, H, W, N]` in [0, 1], or a number without regions.
            weights: of positions in the regions, `{layer: [1, h, w, N]}`.
            side: of the blocks it is worked on in; `None`, and while a graph is made: whole.

        Returns:
            The picture, of the same shape, in [0, 1].
        """
        change = self._way(side)
        seed, amounts = tf.cast(seed, tf.int32), tf.convert_to_tensor(amounts)
        for layer in self.parts:
            weight = weights[layer] if weights else ()
            image = change(layer, image, style[layer], seed, amounts, weight)
        return image

    def _way(self, side):
        """By which a picture is changed at a layer."""
        if tf.inside_function():
            return self._changed
        return self._run if side is None else functools.partial(self._in_blocks, side)

    def _run(self, layer, *given, here=()):
        nest = tf.nest.map_structure(tf.convert_to_tensor, (*given, here))
        specs = tf.nest.map_structure(_of_any_size, nest)
        return self._graphs[layer].get_concrete_function(*specs)(*nest)

    def _in_blocks(self, side, layer, image, target, seed, amounts, weights):
        """All blocks by the map that is right for the whole."""
        grid, shape = self._grid(layer, side), tf.shape(image)[1:3]
        down, across = (int(grid.count(length)) for length in image.shape[1:3])
        blocks = [Block.of(grid, number, shape) for number in range(down * across)]
        here, rows = self._measured(layer, image, blocks, weights), []
        for first in range(0, down * across, across):
            row = []
            for block in blocks[first : first + across]:
                amount = block.cut(amounts) if amounts.shape.rank else amounts
                given = block.cut(image), target, seed, amount, ()
                row.append(block.inner(self._run(layer, *given, here=here), 1, block.low))
            rows.append(tf.concat(row, axis=2))
        return tf.concat(rows, axis=1)

    def _measured(self, layer, image, blocks, weights):
        """What the map must know of the whole content; one for each region."""
        whole = ()
        for block in blocks:
            own = {layer: block.own(self._trained.encoders[layer](block.cut(image)), layer)}
            mask = block.parts({layer: weights}) if len(weights) else ()
            part = sums_of(self.transport, own, mask), counts_of(own, mask)
            whole = tf.nest.map_structure(tf.add, whole, part) if whole else part
        return means_of(*whole)[layer]

    def _grid(self, layer, side):
        """Blocks that see all that their pixels depend on."""
        step = VGG19_NARROW.stride(layer)
        seen = VGG19_NARROW.radius([layer]) + decoders.radius(layer)
        halo = -(-seen // step) * step
        return Grid(max(1, side // step) * step, step, halo, ((layer, step),), self._tiled)

    def _changed(self, layer, image, target, seed, amounts, weights, here=()):
        """The picture after its features at one layer have been moved."""
        seen = tf.cast(self._trained.encoders[layer](image)[layer], tf.float32)
        moved = self._moved(layer, seen, target, seed, amounts, weights, here)
        change = self._trained.decoders[layer](moved, seen)
        change = change[:, : tf.shape(image)[1], : tf.shape(image)[2]]
        return tf.clip_by_value(image + change, 0, 1)

    def _moved(self, layer, seen, target, seed, amounts, weights, here):
        """Features on their way to those of the style, or of each style in its region."""
        transport, part = self.transport.seeded(seed), self.parts[layer]
        if not amounts.shape.rank:
            return seen + part * amounts * (transport.move(seen, target, here=here) - seen)
        shares = apart(self.regions.pooled(layer, amounts))
        weights = apart(weights) if tf.is_tensor(weights) else [None] * len(shares)
        here = here or [()] * len(shares)
        moves = [
            share * (transport.move(seen, *each) - seen)
            for share, *each in zip(shares, target, weights, here)
        ]
        return seen + part * tf.add_n(moves)


def parts(settings: Any) -> dict[str, float]:
    """How far the features of each layer go, in (0, 1], `{layer: part}`, deepest first."""
    weights = settings.layer_weights()
    if settings.style_layer_weights is None:
        weights = weights | {GATYS_LAYERS[-1]: DEEPEST}
    asked = [layer for layer in reversed(GATYS_LAYERS) if layer in settings.layer_weights()]
    most = max(weights[layer] for layer in asked)
    return {layer: weights[layer] / most for layer in asked if weights[layer] > 0}


def _of_any_size(tensor):
    """What a graph is told of a tensor: maps may have any size."""
    shape = tensor.shape
    shape = [1, None, None, shape[-1]] if shape.rank == 4 else shape
    return tf.TensorSpec(shape, tensor.dtype)
