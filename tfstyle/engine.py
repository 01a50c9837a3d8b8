"""What is computed on one level: targets, start, steps, image. TensorFlow operations only.

Two drivers take an engine through the levels: `tfstyle.run.Run`, in Python, level by level; and
`tfstyle.serving.module.Stylizer`, in a graph, in a `while_loop`. Sizes are integers of Python for
one and tensors for the other (see `tfstyle.levels`).
"""

import os
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tfstyle import features, levels, losses, optimizers, registry, resampling, statistics
from tfstyle.blocks import measure
from tfstyle.blocks.grid import Grid
from tfstyle.blocks.objective import Blocked
from tfstyle.caches import Cache
from tfstyle.device import Device
from tfstyle.inputs import digest
from tfstyle.optimizers.alternating import Alternating
from tfstyle.settings import PICTURES, Settings
from tfstyle.targets import Targets
from tfstyle.workload import Strategy, Workload

# What is kept from one call to the next: engines with their graphs, and with each of them the
# targets of styles at one scale; a run has at most seven scales.
ENGINES, STYLES, STYLE_BYTES = 2, 8, 100e6
# Settings that neither graph nor targets of a style depend on.
OF_A_RUN = ("evaluations", "scales", "method", "memory", "max_evaluations")


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
    """

    def __init__(self, settings: Any, parts: Parts, precision: str):
        if keras.backend.backend() != "tensorflow":
            raise ValueError(
                f"features: expected Keras on TensorFlow, received {keras.backend.backend()}; "
                "set KERAS_BACKEND=tensorflow"
            )
        identifier = settings.chosen("features") if parts.features is None else parts.features
        layer_weights = settings.layer_weights()
        self.layers = settings.layers()
        self.content_layers = settings.compared_layers()
        options = settings.select(("weights", "pooling", "padding"))
        self.network = features.get(identifier, self.layers, precision=precision, **options)
        self.statistic = _statistic(settings, parts) if layer_weights else None
        style_loss = losses.StyleLoss(self.statistic, layer_weights) if layer_weights else None
        content_loss = _content_loss(settings)
        self.objective = losses.Objective(
            self.network, style_loss, settings.terms(), settings.tv_exponent(), content_loss
        )
        name = None if parts.optimizer else _optimizer_name(settings, self.statistic)
        self.optimizer = optimizers.get(parts.optimizer or name, settings)
        if self.objective.is_trained:
            name = name if name == "adam" else None
            self.optimizer = Alternating(self.optimizer, self.objective.style_loss.statistic.every)
        self.workload = _workload(self, settings, features.table(identifier), precision, name)
        self._styles = Cache(STYLES, _bytes, STYLE_BYTES)

    def content_targets(self, content, level, grid: Grid | None = None) -> dict[str, tf.Tensor]:
        """What is remembered of the content at a level."""
        if not self.content_layers:
            return {}
        picture = resampling.resize(content, level.height, level.width)
        seen = measure.activations(self.network, picture, self.content_layers, grid)
        return self.objective.content_loss.target(seen)

    def style_targets(
        self, pictures: list[tuple[Any, float]], seed, grid: Grid | None = None
    ) -> dict[str, Any]:
        """What is remembered of styles, pictures of the size that they have at a level.

        Args:
            pictures: list of (picture, part in the blend).
            seed: the level's.
            grid: blocks in which they are measured.
        """
        if self.statistic is None:
            return {}
        layers = tuple(self.objective.style_loss.layer_weights)
        return measure.style(self.network, self.statistic, pictures, layers, seed, grid)

    def kept_style_targets(self, styles, level, seed: int, grid: Grid | None) -> dict[str, Any]:
        """The same for `tfstyle.inputs.Style`s, remembered for the next call."""

        def make():
            pictures = [
                (style_at(style.picture, style.long_side, level), style.part) for style in styles
            ]
            return self.style_targets(pictures, seed, grid)

        key = tuple((digest(style.picture), *style[1:]) for style in styles)
        return self._styles.get((key, level.shrink, seed, grid), make)

    def targets(self, content: dict, style: dict, seed, learned=()) -> Targets:
        """The targets of a level, with what was learned at the level before."""
        aims = Targets(content, style, tf.cast(seed, tf.int32))
        return self.objective.with_learned(aims, learned) if learned else aims

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


def get(settings: Settings, parts: Parts, device: Device) -> Engine:
    """The engine of a job; the latest are kept, unless they hold objects of the caller's."""
    precision = device.precision(settings.precision)  # type: ignore[attr-defined]
    if any(part is not None for part in parts):  # which may have changed since the last call
        return Engine(settings, parts, precision)
    key = _key(settings), precision, _written(settings.weights)  # type: ignore[attr-defined]
    return _engines.get(key, lambda: Engine(settings, parts, precision))


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


def _statistic(settings, parts):
    return statistics.get(parts.statistic or settings.statistic, settings)


def _content_loss(settings):
    """By name; jobs without the setting compare features."""
    name = settings.chosen("content_loss")
    return registry.get(registry.CONTENT_LOSSES, name, "content_loss")


def _optimizer_name(settings, statistic):
    """An object as statistic has a say in the default, like one that is named."""
    return settings.optimizer or getattr(statistic, "optimizer", None) or "lbfgs"


def _workload(engine, settings, representation, precision, name):
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
    )


def _key(settings):
    fields = settings.fields().items()
    named = {
        name: settings.chosen(name)
        for name, field in fields
        if field.metadata["group"] != PICTURES and name not in OF_A_RUN and settings.applies(name)
    }
    return type(settings), tuple(named.items())


def _written(weights):
    """When the file of weights was written."""
    return os.path.getmtime(weights) if weights and os.path.exists(weights) else None


def _bytes(nest):
    return sum(tensor.dtype.size * tensor.shape.num_elements() for tensor in tf.nest.flatten(nest))
