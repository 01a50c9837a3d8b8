"""What is computed on one level: targets, start, steps, image. TensorFlow operations only.

Two drivers take an engine through the levels: `tfstyle.run.Run`, in Python, level by level; and
`tfstyle.serving.module.Stylizer`, in a graph, in a `while_loop`. Sizes are integers of Python for
one and tensors for the other (see `tfstyle.levels`).
"""

import functools
import logging
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
from tfstyle.optimizers.alternating import Alternating
from tfstyle.regions import Regions
from tfstyle.settings import Settings
from tfstyle.settings.choices import PICTURES
from tfstyle.statistics.between import Between
from tfstyle.styles import Styles
from tfstyle.targets import Masks, Targets
from tfstyle.transport.chain import Chain
from tfstyle.workload import Strategy, Workload

log = logging.getLogger("tfstyle")

WAVES = 8  # of positions of a layer: as long are waves that its features see
ENGINES = 2  # that are kept from one call to the next, with their graphs
# Settings that neither graph nor targets of a style depend on, and those about pictures that the
# graph does depend on.
OF_A_RUN = ("evaluations", "scales", "method", "memory", "max_evaluations")
OF_THE_GRAPH = ("tile",)


class Parts(NamedTuple):
    """Objects in the place of the names in the settings, or `None` for each."""

    features: Any = None
    statistic: Any = None
    optimizer: Any = None


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
        content_loss = _content_loss(settings, self.tiling)
        axes = self.tiling.axes
        table = features.table(identifier)
        stride = max(map(table.stride, self.content_layers), default=0) if table else 0
        seen = {"long": WAVES * stride} if stride else {}
        terms, beta = settings.terms(), settings.tv_exponent()
        self.objective = losses.Objective(
            self.network, style_loss, terms, beta, content_loss, axes, **seen
        )
        name = None if parts.optimizer else _optimizer_name(settings, self.statistic)
        self.optimizer = optimizers.get(parts.optimizer or name, settings)
        if self.objective.is_trained:
            name = name if name == "adam" else None
            self.optimizer = Alternating(self.optimizer, self.objective.style_loss.statistic.every)
        representation = TogetherTable(table, count) if table and count > 1 else table
        self.workload = _workload(self, settings, representation, precision, name, count)
        self._make_chain = functools.partial(Chain, settings, precision, self.tiling, self.color)
        style_layers = tuple(layer_weights)
        self.regions = Regions(
            self.network, table, settings.padding, axes, style_layers, tuple(self.content_layers)
        )
        self.styles = Styles(
            *(self.style_network, self.statistic, style_layers, self.regions),
            self.color,
            self.strength,
        )

    def _seeing(self, network, count):
        network = Together(network, count) if count > 1 else network
        return palette.Grey(network) if self.color == "luminance" else network

    def resized(self, image, height, width, method="lanczos3") -> tf.Tensor:
        """An image of this job, or a mask over it, brought to a height and width."""
        return resampling.resize(image, height, width, self.tiling.axes, method)

    @functools.cached_property
    def chain(self) -> Chain:
        """What makes a picture at once, of jobs that ask for that (`tfstyle.transport`)."""
        return self._make_chain()

    def transported(
        self, content, level, style, seed, masks=None, parts=(), side: int | None = None
    ) -> tf.Tensor:
        """The content in the style at once, at a level.

        Its margin is not painted, but mirrored again: only an optimisation needs it.

        Args:
            content: with its margin, of any size.
            style: what `chain.styles` remembers, of that seed.
            masks: the regions of N styles, `[1, H, W, N]`, or `None`.
            parts: of the N styles in the strength.
            side: of the blocks in which it is worked on; `None`, and while a graph is made: whole.
        """
        borders = levels.skipped(level, self.tiling)
        height, width = (
            side - 2 * border for side, border in zip((level.height, level.width), borders)
        )
        middle = level._replace(height=height, width=width)
        amounts, weights = self.strength, None
        if masks is not None:
            masks = resampling.without(self.chain.regions.at(level, masks, parts), *borders)
            weights = self.chain.regions.masks(middle, masks, parts).style
            amounts = self.strength * masks * [part / max(parts) for part in parts]
        picture = resampling.without(self.looked_at(content, level), *borders)
        image = self.chain(picture, style, seed, amounts, weights, side)
        image = resampling.reflect(image, *borders)
        return palette.grey(image) if self.color == "luminance" else image

    def content_targets(self, content, level, grid: Grid | None = None) -> dict[str, tf.Tensor]:
        """What is remembered of the content at a level."""
        if not self.content_layers:
            return {}
        picture = self.looked_at(content, level)
        seen = measure.activations(self.network, picture, self.content_layers, grid)
        return self.objective.content_loss.target(seen)

    @property
    def sees_places(self) -> bool:
        """Whether features tell what is in one place from what is in another."""
        return self.workload is None or self.workload.representation.local

    @property
    def takes_masks(self) -> bool:
        """Whether what is compared knows weights of positions, of styles and of the content."""
        weighs = getattr(self.statistic, "weighs", False)
        return self.sees_places and weighs and self.objective.content_loss.in_parts

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

    def beside(self, content, level):
        """The content at a level, for targets of styles that depend on it; else `None`."""
        return self.looked_at(content, level) if self.styles.need_content else None

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

    def smaller(self, strategy: Strategy, level) -> Strategy | None:
        """What takes less memory at a level, or `None`."""
        workload = self.workload
        smaller = workload and workload.smaller(strategy, max(level.height, level.width))
        if smaller:
            side = workload.grid(smaller.side).side
            log.warning("out of memory: the run continues in blocks of %d pixels", side)
        return smaller

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


def _content_loss(settings, tiling):
    """By name; jobs without the setting compare features."""
    name = settings.chosen("content_loss")
    options = {"tiled": tiling.axes} if name == "self_similarity" else {}
    return registry.get(registry.CONTENT_LOSSES, name, "content_loss", options)


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
