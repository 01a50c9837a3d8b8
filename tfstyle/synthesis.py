"""Pictures from statistics: the only module that joins the others.

Light to import: TensorFlow is loaded when the arguments have been checked.
"""

import dataclasses
import functools
import os
from typing import Any

import numpy as np

from tfstyle import checks, frugal, images, schedule, styles
from tfstyle import features as feature_networks
from tfstyle import optimizers as optimizer_parts
from tfstyle import statistics as style_statistics
from tfstyle.discriminator import Discriminator
from tfstyle.statistics import base

STYLE_LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")
CONTENT_LAYERS = ("block4_conv2",)
# What is kept from one call to the next: networks with their graphs, and, with each of them,
# statistics of styles at one scale; a run has at most seven scales.
SYNTHESES, STYLES = 2, 8


def stylize(
    content,
    style,
    *,
    style_blend=None,
    size=512,
    content_weight=1.0,
    style_weight=100.0,
    tv_weight=0.05,
    content_layers=CONTENT_LAYERS,
    style_layers=STYLE_LAYERS,
    style_layer_weights=None,
    statistic="gram",
    features="vgg19_compact",
    weights=None,
    pooling="average",
    padding="reflect",
    precision="auto",
    optimizer=None,
    evaluations=225,
    scales=None,
    memory=None,
    init="content",
    style_size=None,
    background="white",
    seed=0,
    callback=None,
):
    """Paints the content of one picture in the style of another (Gatys et al. 2016).

    Args:
        content, style: pictures: a path, a PIL image, or an array or tensor `[H, W, 3]` or
            `[1, H, W, 3]`, uint8 or float in [0, 1]. `style` may be a list of pictures: their
            statistics are averaged.
        style_blend: a number >= 0 for each style, of which only the ratios count; equal if `None`.
        size: long side of the result in pixels, or its exact `(width, height)`, to which the
            content is stretched.
        content_weight, style_weight, tv_weight: of the three terms, >= 0. The terms are relative
            (see `tfstyle.losses`), so these hold for all layers, networks and sizes.
        content_layers, style_layers: names of VGG layers, block4_conv2 being relu4_2.
        style_layer_weights: one number >= 0 for each of `style_layers`; equal if `None`.
        statistic: a name in `tfstyle.statistics.ALL`, a `Statistic`, or a
            `tfstyle.discriminator.Discriminator`.
        features, weights, pooling, padding, precision: the network, see `tfstyle.features.get`.
        optimizer: a name in `tfstyle.optimizers.OPTIMIZERS`, or an `Optimizer`; `None` takes lbfgs,
            or adam for the discriminator.
        evaluations: budget of loss-and-gradient evaluations over all scales.
        scales: levels of the image pyramid, coarse to fine; `None` starts near 128 pixels, 1 works
            on the full size only.
        memory: what the run may take, such as "8GB"; `None` is most of the machine's. Levels that
            need more are worked on in blocks, with the same result, and with fewer pairs in the
            history of lbfgs, or with adam.
        init: where the image starts: "content", "noise", or a picture as above.
        style_size: long side of the style picture beside a result of the full size: smaller means
            finer strokes. `None` takes the result's long side, or the style's own if that is less.
        background: colour behind transparent pixels: a name, or "#rrggbb".
        seed: of the noise and of what a statistic draws at random, anew for each scale.
        callback: called with a `tfstyle.optimizers.base.Progress`: once when all is ready, before
            the first evaluation, then about every second.

    Returns:
        A `tfstyle.Result`; its image is float32 NumPy `[1, H, W, 3]` in [0, 1].

    Raises:
        ValueError: an argument is not as described; the message begins with its name.
    """
    behind = images.colour(background)
    content = images.load(content, "content", behind)
    size = schedule.output_size(*content.shape[1:3], size)
    loaded = styles.load(style, style_blend, style_size, size, behind)
    levels = schedule.levels(*schedule.with_margin(*size), evaluations, scales)
    content = _with_margin(content, size)
    start = content if _is(init, "content") else _start(init, size, levels[0], seed, behind)
    synthesis = build(
        {"content": content_weight, "style": style_weight, "tv": tv_weight},
        content_layers,
        layer_weights(style_layers, style_layer_weights),
        statistic,
        features,
        optimizer,
        {"weights": weights, "pooling": pooling, "padding": padding, "precision": precision},
    )
    return synthesis.run(start, content, loaded, size, levels, seed, memory, callback)


def synthesize_texture(
    style,
    *,
    style_blend=None,
    size=512,
    tv_weight=0.001,
    style_layers=STYLE_LAYERS,
    style_layer_weights=None,
    statistic="gram",
    features="vgg19_compact",
    weights=None,
    pooling="average",
    padding="reflect",
    precision="auto",
    optimizer=None,
    evaluations=300,
    scales=None,
    memory=None,
    init="noise",
    style_size=None,
    background="white",
    seed=0,
    callback=None,
):
    """Makes a new picture with the statistics of another, but not its places (Gatys et al. 2015).

    Args:
        style: the texture to be matched, or a list of several, see `stylize`.
        size: side of the square result in pixels, or its `(width, height)`.
        init: where the image starts: "noise", or a picture.
        style_size, and all other arguments: see `stylize`.

    Returns:
        A `tfstyle.Result`; its image is float32 NumPy `[1, H, W, 3]` in [0, 1].

    Raises:
        ValueError: an argument is not as described; the message begins with its name.
    """
    behind = images.colour(background)
    size = schedule.output_size(1, 1, size)
    loaded = styles.load(style, style_blend, style_size, size, behind)
    levels = schedule.levels(*schedule.with_margin(*size), evaluations, scales)
    start = _start(init, size, levels[0], seed, behind)
    synthesis = build(
        {"style": 1.0, "tv": tv_weight},
        (),
        layer_weights(style_layers, style_layer_weights),
        statistic,
        features,
        optimizer,
        {"weights": weights, "pooling": pooling, "padding": padding, "precision": precision},
    )
    return synthesis.run(start, None, loaded, size, levels, seed, memory, callback)


def invert(
    content,
    *,
    layer=("block4_conv2",),
    size=256,
    tv_weight=1.0,
    tv_beta=2.0,
    features="vgg19_compact",
    weights=None,
    pooling="average",
    padding="reflect",
    precision="auto",
    optimizer=None,
    evaluations=300,
    scales=None,
    memory=None,
    init="noise",
    background="white",
    seed=0,
    callback=None,
):
    """Rebuilds a picture from the feature maps of one or several layers alone.

    Mahendran & Vedaldi 2015, "Understanding Deep Image Representations by Inverting Them": the
    error relative to the features' own size (equation 3), total variation with an exponent, and a
    penalty on values outside [0, 1].

    Args:
        content: the picture, see `stylize`.
        layer: name of a VGG layer, or a list of names; their errors are averaged.
        size: long side of the result in pixels, or its exact `(width, height)`.
        tv_weight: of the total variation, >= 0; that of the features is 1.
        tv_beta: exponent of the total variation, >= 1: 1 keeps edges, 2 is smoother (section 3).
        init: where the image starts: "noise", or a picture.
        background, and all other arguments: see `stylize`.

    Returns:
        A `tfstyle.Result`; its image is float32 NumPy `[1, H, W, 3]` in [0, 1].

    Raises:
        ValueError: an argument is not as described; the message begins with its name.
    """
    layers = (layer,) if isinstance(layer, str) else layer
    checks.layer_names("layer", layers)
    feature_networks.check_layers(features, layers, "layer")
    behind = images.colour(background)
    content = images.load(content, "content", behind)
    size = schedule.output_size(*content.shape[1:3], size)
    levels = schedule.levels(*schedule.with_margin(*size), evaluations, scales)
    start = _start(init, size, levels[0], seed, behind)
    synthesis = build(
        {"content": 1.0, "tv": tv_weight},
        layers,
        {},
        None,
        features,
        optimizer,
        {"weights": weights, "pooling": pooling, "padding": padding, "precision": precision},
        tv_beta,
    )
    content = _with_margin(content, size)
    return synthesis.run(start, content, [], size, levels, seed, memory, callback)


def layer_weights(layers, weights) -> dict:
    """`{layer: weight}` of the style layers; `None` weighs them equally."""
    checks.layer_names("style_layers", layers)
    weights = checks.weights("style_layer_weights", weights, len(layers), "style layers")
    return dict(zip(layers, weights))


def _is(init, name):
    return isinstance(init, str) and init == name


def _with_margin(image, size):
    border = (schedule.margin(*size),) * 2
    return np.pad(images.resize(image, *size), ((0, 0), border, border, (0, 0)), mode="reflect")


def _start(init, size, level, seed, background):
    checks.integer("seed", seed, 0)
    if _is(init, "noise"):
        return images.noise(level.height, level.width, seed)
    return _with_margin(images.load(init, "init", background), size)


def build(
    term_weights,
    content_layers,
    layer_weights,
    statistic,
    features,
    optimizer,
    options,
    tv_beta=1.0,
):
    """The objective and the optimiser that such settings describe, as a `_Synthesis`."""
    for term, weight in term_weights.items():
        checks.number(f"{term}_weight", weight)
    checks.number("tv_beta", tv_beta, 1)
    if term_weights.get("content", 0) == term_weights.get("style", 0) == 0:
        raise ValueError("style_weight: expected a number above 0, where content_weight is 0 too")
    if "content" in term_weights:
        checks.layer_names("content_layers", content_layers)
    feature_networks.check_layers(features, content_layers, "content_layers")
    feature_networks.check_layers(features, layer_weights, "style_layers")
    if not term_weights.get("content"):
        content_layers = ()
    parts = statistic, features, optimizer
    numbers = tuple(term_weights.items()), tv_beta
    layers = tuple(content_layers), tuple(layer_weights.items())
    weights = options["weights"]
    # An object of the caller's may have changed since the last call, and so may a file.
    build = _kept if all(map(_is_fixed, parts)) else _assemble
    written = os.path.getmtime(weights) if weights and os.path.exists(weights) else None
    return build(*parts, *numbers, *layers, tuple(options.items()), written)


def _is_fixed(part):
    if isinstance(part, Discriminator):
        return isinstance(part.seed, int)  # and not a tensor, which is no key
    return part is None or isinstance(part, str)


def _assemble(statistic, features, optimizer, terms, tv_beta, content, style, options, written):
    """Network, objective and optimiser; mappings come as pairs, because this may be a key.

    `written`, the time of the file of weights, is only that.
    """
    layer_weights = dict(style)
    statistic = style_statistics.get(statistic)
    optimizer = optimizer or getattr(statistic, "optimizer", "lbfgs")
    learns = isinstance(statistic, base.Learner)
    named = optimizer if optimizer == "adam" or isinstance(optimizer, str) and not learns else None
    optimizer = optimizer_parts.get(optimizer)
    if learns:
        from tfstyle.optimizers.alternating import Alternating

        optimizer = Alternating(optimizer, statistic.every)
    network = feature_networks.get(features, [*content, *layer_weights], **dict(options))

    import keras

    from tfstyle import losses

    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"features: expected Keras on TensorFlow, received {keras.backend.backend()}; "
            "set KERAS_BACKEND=tensorflow"
        )
    style_loss = losses.StyleLoss(statistic, layer_weights) if layer_weights else None
    objective = losses.Objective(network, style_loss, dict(terms), tv_beta)
    load = frugal.load(features, (*content, *layer_weights), layer_weights, dict(options), named)
    return _Synthesis(objective, optimizer, content, load)


_kept = functools.lru_cache(SYNTHESES)(_assemble)


@dataclasses.dataclass
class _Synthesis:
    """An objective and an optimiser, taken through the levels of the pyramid."""

    objective: Any
    optimizer: Any
    content_layers: tuple
    load: Any
    _styles: dict = dataclasses.field(default_factory=dict)

    def run(self, image, content, loaded, size, levels, seed, memory, callback):
        """Always returns an image of that size, also when the run ends early."""
        from tfstyle.optimizers.base import ENDED_EARLY, EXHAUSTED, Progress, ended_by

        worker = frugal.Frugal(self.objective, self.optimizer, self.load)
        ways, results = worker.ways(levels, memory), []
        if callback:
            callback(Progress(0, float("nan"), {}, image))
        try:
            for number, (level, way) in enumerate(zip(levels, ways)):
                if not level.evaluations:  # fewer evaluations than levels
                    continue
                image = images.resize(image, level.height, level.width)
                drawn = schedule.level_seed(seed, number)

                def measure(grid, level=level, drawn=drawn):
                    targets = self._targets(content, loaded, level, drawn, grid)
                    if results and results[-1].learned:
                        learned = self.objective.learned(results[-1].learned)
                        targets = self.objective.taught(targets, learned)
                    return targets

                done = sum(result.evaluations for result in results)
                for result in worker.minimize(
                    way, image, measure, level.evaluations, frugal.shifted(callback, done)
                ):
                    results.append(result)
                image = np.clip(result.image, 0, 1)
                if result.outcome in ENDED_EARLY:
                    break
        except (KeyboardInterrupt, *EXHAUSTED) as error:  # before a level had an image of its own
            if not results:
                raise
            results[-1] = dataclasses.replace(results[-1], outcome=ended_by(error))
        whole = images.resize(image, levels[-1].height, levels[-1].width)
        margin = schedule.margin(*size)
        inside = slice(margin, margin + size[0]), slice(margin, margin + size[1])
        return _joined(results, whole[:, inside[0], inside[1]])

    def _targets(self, content, loaded, level, seed, grid):
        from tfstyle import blocks

        network, style_loss = self.objective.network, self.objective.style_loss
        if self.content_layers:
            content = images.resize(content, level.height, level.width)
        measured = blocks.measure(network, None, content, [], self.content_layers, (), seed, grid)
        if style_loss is None:
            return measured
        key = tuple(style.key() for style in loaded), level.scale, int(seed), grid
        kept = self._styles.get(key)
        if kept is None:
            styles = [(style.at(level.scale), style.part) for style in loaded]
            layers, statistic = tuple(style_loss.layer_weights), style_loss.statistic
            kept = blocks.measure(network, statistic, None, styles, (), layers, seed, grid)
            if len(self._styles) >= STYLES:
                self._styles.clear()
            self._styles[key] = kept
        return measured._replace(style=kept.style)


def _joined(results, image):
    """One result for all levels: the parts and outcome of the last, sums of the rest."""
    counts = np.cumsum([0, *(result.evaluations for result in results)])
    losses = [result.losses.copy() for result in results]
    for each, count in zip(losses, counts):
        each[:, 0] += count
    return dataclasses.replace(
        results[-1],
        image=image,
        losses=np.concatenate(losses).astype(np.float32),
        evaluations=int(counts[-1]),
        seconds=sum(result.seconds for result in results),
        learned=None,
    )
