"""What is computed on one level: targets, start, steps, image. TensorFlow operations only.

Two drivers take an engine through the levels: `tfstyle.run.Run`, in Python, level by level; and
`tfstyle.serving.module.Stylizer`, in a graph, in a `while_loop`. Sizes are integers of Python for
one and tensors for the other (see `tfstyle.levels`).
"""

import functools
import os
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tfstyle import (
    features,
    levels,
    losses,
    optimizers,
    palette,
    regions,
    registry,
    resampling,
    statistics,
)
from tfstyle.blocks import measure
from tfstyle.blocks.grid import Grid
from tfstyle.blocks.objective import Blocked
from tfstyle.caches import Cache
from tfstyle.device import Device
from tfstyle.features.together import Together, TogetherTable
from tfstyle.masks import WHITE
from tfstyle.optimizers.alternating import Alternating
from tfstyle.settings import Settings
from tfstyle.settings.choices import PICTURES
from tfstyle.statistics.between import Between
from tfstyle.targets import Masks, Targets
from tfstyle.workload import Strategy, Workload

# What is kept from one call to the next: engines with their graphs, and with each of them the
# targets of styles at one scale; a run has at most seven scales.
ENGINES, STYLES, STYLE_BYTES = 2, 8, 100e6
# Settings that neither graph nor targets of a style depend on, and those about pictures that the
# graph does depend on.
OF_A_RUN = ("evaluations", "scales", "method", "memory", "max_evaluations")
OF_THE_GRAPH = ("tile",)


class Parts(NamedTuple):
    """Objects in the place of the names in the settings, or `None` for each."""

    features: Any = None
    statistic: Any = None
    optimizer: Any = None


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


class Engine:
    """An objective and an optimiser, at any level.

    Args:
        settings: of the job.
        parts: objects in the place of names.
        precision: of the network, "float32" or "bfloat16".
        count: pictures that are made together, as an image `[1, H, W, 3 count]`.
    """

    def __init__(self, settings: Any, parts: Parts, precision: str, count: int = 1):
        if keras.backend.backend() != "tensorflow":
            raise ValueError(
                f"features: expected Keras on TensorFlow, received {keras.backend.backend()}; "
                "set KERAS_BACKEND=tensorflow"
            )
        identifier = settings.chosen("features") if parts.features is None else parts.features
        layer_weights = settings.layer_weights()
        self.layers = settings.layers()
        self.content_layers = settings.compared_layers()
        self.tiling = features.tiling(settings, identifier)
        options = settings.select(("weights", "pooling", "padding"))
        network = features.get(
            identifier, self.layers, precision=precision, tiled=self.tiling.axes, **options
        )
        # Jobs without these settings take all from the style, and its colours.
        self.color = settings.chosen("color") or "style"
        self.strength = 1.0 if settings.chosen("strength") is None else settings.strength
        self.network, self.style_network = (
            self._seeing(each, count) for each in (network, _untiled(network, self.tiling))
        )
        self.statistic = _statistic(settings, parts) if layer_weights else None
        style_loss = _style_loss(self.statistic, layer_weights, self.strength)
        content_loss = _content_loss(settings)
        self.objective = losses.Objective(
            self.network,
            style_loss,
            settings.terms(),
            settings.tv_exponent(),
            content_loss,
            self.tiling.axes,
        )
        name = None if parts.optimizer else _optimizer_name(settings, self.statistic)
        self.optimizer = optimizers.get(parts.optimizer or name, settings)
        if self.objective.is_trained:
            name = name if name == "adam" else None
            self.optimizer = Alternating(self.optimizer, self.objective.style_loss.statistic.every)
        table = features.table(identifier)
        representation = TogetherTable(table, count) if table and count > 1 else table
        self.workload = _workload(self, settings, representation, precision, name, count)
        self._descents = functools.cache(
            lambda layers: regions.descents(self.network, table, layers, settings.padding)
        )
        self._styles = Cache(STYLES, _bytes, STYLE_BYTES)

    def _seeing(self, network, count):
        network = Together(network, count) if count > 1 else network
        return palette.Grey(network) if self.color == "luminance" else network

    def resized(self, image, height, width, method="lanczos3") -> tf.Tensor:
        """An image of this job, or a mask over it, brought to a height and width."""
        return resampling.resize(image, height, width, self.tiling.axes, method)

    def content_targets(self, content, level, grid: Grid | None = None) -> dict[str, tf.Tensor]:
        """What is remembered of the content at a level."""
        if not self.content_layers:
            return {}
        picture = self.looked_at(content, level)
        seen = measure.activations(self.network, picture, self.content_layers, grid)
        return self.objective.content_loss.target(seen)

    @property
    def _style_layers(self):
        return tuple(self.objective.style_loss.layer_weights) if self.statistic else ()

    @property
    def sees_places(self) -> bool:
        """Whether features tell what is in one place from what is in another."""
        return self.workload is None or self.workload.representation.local

    @property
    def sees_styles_alone(self) -> bool:
        """Whether what is remembered of a style does not depend on the content."""
        return self.color not in palette.RECOLOURED and self.strength == 1

    def style_targets(
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
            content: as the network sees it at the level (see `looked_at`); it counts unless
                `sees_styles_alone`.
            by_region: whether each style has a region of its own, in the place of a blend.
        """
        layers = self._style_layers
        if not layers:
            return {}
        if not by_region:
            return self._measured(examples, layers, seed, grid, content)
        apart = []
        for number in dict.fromkeys(each.number for each in examples):
            turns = [each for each in examples if each.number == number]
            whole = sum(turn.part for turn in turns)
            turns = [turn._replace(part=turn.part / whole) for turn in turns]
            apart.append(self._measured(turns, layers, seed, grid, content))
        return {layer: tuple(each[layer] for each in apart) for layer in layers}

    def _measured(self, examples, layers, seed, grid, content):
        """What is remembered of a blend."""
        recolour = palette.RECOLOURED.get(self.color, lambda picture, _: picture)
        styles = [(recolour(each.picture, content), each.part) for each in examples]
        weights = [
            {} if each.mask is None else self._weights(each.mask, layers) for each in examples
        ]

        def measured(pictures, weights):
            return measure.style(
                self.style_network, self.statistic, pictures, layers, seed, grid, weights
            )

        if self.strength == 1:
            return measured(styles, weights)
        if self.objective.is_trained:
            parts = [(picture, self.strength * part) for picture, part in styles]
            kept = slice(None) if self.strength else slice(0)
            return measured([*parts[kept], (content, 1 - self.strength)], [*weights[kept], {}])
        style, photograph = measured(styles, weights), measured([(content, 1.0)], [{}])
        return {layer: (style[layer], photograph[layer]) for layer in style}

    def kept_style_targets(
        self, styles, content, level, seed: int, grid: Grid | None, by_region: bool = False
    ) -> dict[str, Any]:
        """The same for `tfstyle.inputs.Style`s beside a content, remembered for the next call."""

        def make():
            pictures = [style_at(style.picture, style.long_side, level) for style in styles]
            examples = [
                Example(picture, style.part, mask_at(style.region, picture), style.number)
                for style, picture in zip(styles, pictures)
            ]
            seen = None if self.sees_styles_alone else self.looked_at(content, level)
            return self.style_targets(examples, seed, grid, seen, by_region)

        if not self.sees_styles_alone:
            return make()
        key = tuple(style.key for style in styles)
        drawn = seed if self.statistic is not None and self.statistic.draws else None
        return self._styles.get((key, level.shrink, drawn, grid, by_region), make)

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
            style = self.resized(style, *size, method="bilinear")
            style = tf.ensure_shape(style, [1, None, None, len(parts)])
            if photograph is not None:
                cover = tf.minimum(tf.reduce_sum(style, axis=-1, keepdims=True) / WHITE, 1.0)
                kept = self.resized(photograph, *size)
                masks = masks._replace(photograph=kept, cover=cover)
            strengths = tf.constant([part * len(parts) for part in parts], tf.float32)
            weights = self._weights(style, self._style_layers, self.tiling.axes)
            masks = masks._replace(style={name: strengths * x for name, x in weights.items()})
        if content is not None and self.content_layers:
            content = self.resized(content, *size, method="bilinear")
            content = tf.ensure_shape(content, [1, None, None, 1])
            descents = self._descents(tuple(self.content_layers))
            pooled = {layer: descent.pooled(content) for layer, descent in descents.items()}
            masks = masks._replace(content=pooled)
        return masks

    def _weights(self, masks, layers, tiled=(False, False)):
        descents = self._descents(layers)
        return {layer: each.eroded(masks, tiled) for layer, each in descents.items()}

    def check_masks(self, style: bool, content: bool) -> None:
        """Raises `ValueError` where what is compared knows no weights of positions.

        Args:
            style, content: whether there are masks of styles, in them or in the result, and of the
                content.
        """
        if (style or content) and not self.sees_places:
            raise ValueError(
                "features: expected a network such as vgg19_narrow beside style_mask, "
                "style_region, content_mask or a style with transparency, since every pixel has "
                "its part in all of a steerable pyramid, received steerable_pyramid"
            )
        if style and not getattr(self.statistic, "weighs", False):
            raise ValueError(
                "statistic: expected one that weighs positions, such as gaussian_w2, beside "
                "style_mask, style_region or a style with transparency, received "
                f"{type(self.statistic).__name__}"
            )
        if content and not self.objective.content_loss.in_parts:
            raise ValueError(
                "content_loss: expected features, which are compared position by position, since "
                "content_mask is given, received self_similarity"
            )

    def targets(self, content: dict, style: dict, seed, learned=(), masks=None) -> Targets:
        """The targets of a level, with what was learned at the level before."""
        aims = Targets(content, style, tf.cast(seed, tf.int32), masks or Masks())
        return self.objective.with_learned(aims, learned) if learned else aims

    def start(self, image, content, level) -> tf.Tensor:
        """What a level begins with: the image brought to its size, in grey where it stays grey.

        With a strength below 1 a part of the content's detail comes with it, as far as the image
        was too small for that.

        Args:
            image: of the level before, or what the run starts with.
            content: with its margin, of any size; `None` where there is none.
            level: the one that begins.
        """
        size = level.height, level.width
        start = self.resized(image, *size)
        if self.strength < 1:
            fine = self.resized(content, *size)
            smaller = tf.minimum(tf.shape(image)[1:3], tf.shape(fine)[1:3])
            coarse = self.resized(self.resized(fine, *tf.unstack(smaller)), *size)
            start = tf.clip_by_value(start + (1 - self.strength) * (fine - coarse), 0, 1)
            start = tf.ensure_shape(start, [1, None, None, 3])  # which a graph has forgotten
        return palette.grey(start) if self.color == "luminance" else start

    def shown(self, image, content, has_grey_styles: bool) -> tf.Tensor:
        """An image as it is shown: in the content's colours where these are asked for.

        What is made of grey pictures only is grey.

        Args:
            image: `[1, H, W, 3]` in [0, 1].
            content: of the same size, or `None`.
            has_grey_styles: whether no style has a colour.
        """
        if self.strength == 0:
            return content
        if self.color in ("keep", "luminance"):
            image = palette.with_chroma(image, content)
        if self.color == "style" and not has_grey_styles:
            return image
        is_grey = content is None or palette.is_grey(content)
        return tf.cond(is_grey, lambda: palette.grey(image), lambda: image)

    def looked_at(self, content, level):
        """The content at a level, as the network sees it."""
        picture = self.resized(content, level.height, level.width)
        return palette.grey(picture) if self.color == "luminance" else picture

    def minimizer(self, strategy: Strategy) -> tuple[Any, Any]:
        """The optimiser and the objective of a strategy."""
        if self.workload is None:
            return self.optimizer, self.objective
        grid = self.workload.grid(strategy.side)
        objective = Blocked(self.objective, grid) if grid else self.objective
        if strategy.optimizer is None:
            return self.optimizer, objective
        return self.workload.replacement(strategy), objective

    def learned(self, state: Any) -> Any:
        """What the objective has learned, out of a state; nothing if it does not learn."""
        return self.objective.learned(state.targets) if self.objective.is_trained else ()

    # A state without targets that can be measured again: what is kept, sent and resumed.

    def packed(self, state: Any) -> Any:
        """The state with what was learned in the place of its targets."""
        return state._replace(targets=self.learned(state)) if self.objective.is_trained else state

    def unpacked(self, state: Any, targets: Targets) -> Any:
        """The state that was packed, beside targets that were measured again."""
        if not self.objective.is_trained:
            return state
        return state._replace(targets=self.objective.with_learned(targets, state.targets))


def get(settings: Settings, parts: Parts, device: Device, count: int = 1) -> Engine:
    """The engine of a job; the latest are kept, unless they hold objects of the caller's."""
    precision = device.precision(settings.precision)  # type: ignore[attr-defined]
    if any(part is not None for part in parts):  # which may have changed since the last call
        return Engine(settings, parts, precision, count)
    written = _written(settings.weights)  # type: ignore[attr-defined]
    key = _key(settings), precision, written, count
    return _engines.get(key, lambda: Engine(settings, parts, precision, count))


def forget() -> None:
    """Frees the engines that are kept."""
    _engines.clear()


_engines = Cache(ENGINES, limit=float("inf"))


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


def _untiled(network, tiling):
    """The network for styles: they do not continue at their other side.

    For the steerable pyramid every picture does.
    """
    if not any(tiling.axes) or not isinstance(network, keras.Model):
        return network
    from tfstyle.features import vgg

    return vgg.untiled(network)


def _statistic(settings, parts):
    return statistics.get(parts.statistic or settings.chosen("statistic"), settings)


def _style_loss(statistic, layer_weights, strength):
    if not layer_weights:
        return None
    if strength < 1 and not getattr(statistic, "trains", False):
        statistic = Between(statistic, strength)
    return losses.StyleLoss(statistic, layer_weights)


def _content_loss(settings):
    """By name; jobs without the setting compare features."""
    name = settings.chosen("content_loss")
    return registry.get(registry.CONTENT_LOSSES, name, "content_loss")


def _optimizer_name(settings, statistic):
    """An object as statistic has a say in the default, like one that is named."""
    return settings.optimizer or getattr(statistic, "optimizer", None) or "lbfgs"


def _workload(engine, settings, representation, precision, name, count):
    if representation is None:
        return None
    style_layers = tuple(engine.objective.style_loss.layer_weights) if engine.statistic else ()
    size = 2 if precision == "bfloat16" else 4
    return Workload(
        representation,
        tuple(engine.layers),
        style_layers,
        size,
        engine.statistic,
        engine.optimizer,
        name,
        settings,
        engine.objective.content_loss,
        tuple(engine.content_layers),
        tiling=engine.tiling,
        count=count,
    )


def _key(settings):
    named = {
        name: settings.chosen(name)
        for name, field in settings.fields().items()
        if (field.metadata["group"] != PICTURES or name in OF_THE_GRAPH)
        and name not in OF_A_RUN
        and settings.applies(name)
    }
    return type(settings), tuple(named.items())


def _written(weights):
    """When the file of weights was written."""
    return os.path.getmtime(weights) if weights and os.path.exists(weights) else None


def _bytes(nest):
    return sum(tensor.dtype.size * tensor.shape.num_elements() for tensor in tf.nest.flatten(nest))
