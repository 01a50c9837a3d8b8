"""Pictures from statistics: the only module that joins the others.

Light to import: TensorFlow is loaded when the arguments have been checked.
"""

import dataclasses
from typing import Any

import numpy as np

from tfstyle import checks, images, schedule
from tfstyle import features as feature_networks
from tfstyle import optimizers as optimizer_parts
from tfstyle import statistics as style_statistics

STYLE_LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")
CONTENT_LAYERS = ("block4_conv2",)


def stylize(
    content,
    style,
    *,
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
    optimizer="lbfgs",
    evaluations=225,
    scales=None,
    init="content",
    style_size=None,
    background="white",
    seed=0,
    callback=None,
):
    """Paints the content of one picture in the style of another (Gatys et al. 2016).

    Args:
        content, style: pictures: a path, a PIL image, or an array or tensor `[H, W, 3]` or
            `[1, H, W, 3]`, uint8 or float in [0, 1].
        size: long side of the result in pixels, or its exact `(width, height)`, to which the
            content is stretched.
        content_weight, style_weight, tv_weight: of the three terms, >= 0. The terms are relative
            (see `tfstyle.losses`), so these hold for all layers, networks and sizes.
        content_layers, style_layers: names of VGG layers, block4_conv2 being relu4_2.
        style_layer_weights: one number >= 0 for each of `style_layers`; equal if `None`.
        statistic: a name in `tfstyle.statistics.STATISTICS`, or a `Statistic`.
        features, weights, pooling, padding, precision: the network, see `tfstyle.features.get`.
        optimizer: a name in `tfstyle.optimizers.OPTIMIZERS`, or an `Optimizer`.
        evaluations: budget of loss-and-gradient evaluations over all scales.
        scales: levels of the image pyramid, coarse to fine; `None` starts near 128 pixels, 1 works
            on the full size only.
        init: where the image starts: "content", "noise", or a picture as above.
        style_size: long side of the style picture beside a result of the full size: smaller means
            finer strokes. `None` takes the result's long side, or the style's own if that is less.
        background: colour behind transparent pixels: a name, or "#rrggbb".
        seed: of the noise.
        callback: called with a `tfstyle.optimizers.base.Progress`: once when all is ready, before
            the first evaluation, then about every second.

    Returns:
        A `tfstyle.Result`; its image is float32 NumPy `[1, H, W, 3]` in [0, 1].

    Raises:
        ValueError: an argument is not as described; the message begins with its name.
    """
    behind = images.colour(background)
    content, style = images.load(content, "content", behind), images.load(style, "style", behind)
    size = schedule.output_size(*content.shape[1:3], size)
    levels = schedule.levels(*schedule.with_margin(*size), evaluations, scales)
    content = _with_margin(content, size)
    start = content if _is(init, "content") else _start(init, size, levels[0], seed, behind)
    synthesis = _build(
        {"content": content_weight, "style": style_weight, "tv": tv_weight},
        content_layers,
        _layer_weights(style_layers, style_layer_weights),
        statistic,
        features,
        optimizer,
        {"weights": weights, "pooling": pooling, "padding": padding, "precision": precision},
    )
    return synthesis.run(start, content, style, style_size, size, levels, callback)


def synthesize_texture(
    style,
    *,
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
    optimizer="lbfgs",
    evaluations=300,
    scales=None,
    init="noise",
    style_size=None,
    background="white",
    seed=0,
    callback=None,
):
    """Makes a new picture with the statistics of another, but not its places (Gatys et al. 2015).

    Args:
        style: the texture to be matched, see `stylize`.
        size: side of the square result in pixels, or its `(width, height)`.
        init: where the image starts: "noise", or a picture.
        style_size, and all other arguments: see `stylize`.

    Returns:
        A `tfstyle.Result`; its image is float32 NumPy `[1, H, W, 3]` in [0, 1].

    Raises:
        ValueError: an argument is not as described; the message begins with its name.
    """
    behind = images.colour(background)
    style = images.load(style, "style", behind)
    size = schedule.output_size(1, 1, size)
    levels = schedule.levels(*schedule.with_margin(*size), evaluations, scales)
    start = _start(init, size, levels[0], seed, behind)
    synthesis = _build(
        {"style": 1.0, "tv": tv_weight},
        (),
        _layer_weights(style_layers, style_layer_weights),
        statistic,
        features,
        optimizer,
        {"weights": weights, "pooling": pooling, "padding": padding, "precision": precision},
    )
    return synthesis.run(start, None, style, style_size, size, levels, callback)


def _layer_weights(layers, layer_weights):
    checks.layer_names("style_layers", layers)
    layer_weights = [1.0] * len(layers) if layer_weights is None else list(layer_weights)
    if len(layer_weights) != len(layers):
        raise ValueError(
            f"style_layer_weights: expected one for each of the {len(layers)} style layers, "
            f"received {len(layer_weights)}"
        )
    for value in layer_weights:
        checks.number("style_layer_weights", value)
    if not sum(layer_weights) > 0:
        raise ValueError("style_layer_weights: expected at least one above 0, received only 0")
    return dict(zip(layers, layer_weights))


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


def _build(term_weights, content_layers, layer_weights, statistic, features, optimizer, options):
    for term, weight in term_weights.items():
        checks.number(f"{term}_weight", weight)
    if term_weights.get("content", 0) == term_weights["style"] == 0:
        raise ValueError("style_weight: expected a number above 0, where content_weight is 0 too")
    if "content" in term_weights:
        checks.layer_names("content_layers", content_layers)
    feature_networks.check_layers(features, content_layers, "content_layers")
    feature_networks.check_layers(features, layer_weights, "style_layers")
    if not term_weights.get("content"):
        content_layers = ()
    statistic = style_statistics.get(statistic)
    optimizer = optimizer_parts.get(optimizer)
    network = feature_networks.get(features, [*content_layers, *layer_weights], **options)

    import keras

    from tfstyle import losses

    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"features: expected Keras on TensorFlow, received {keras.backend.backend()}; "
            "set KERAS_BACKEND=tensorflow"
        )
    style_loss = losses.StyleLoss(statistic, layer_weights)
    objective = losses.Objective(network, style_loss, term_weights)
    return _Synthesis(objective, optimizer, tuple(content_layers))


@dataclasses.dataclass
class _Synthesis:
    """An objective and an optimiser, taken through the levels of the pyramid."""

    objective: Any
    optimizer: Any
    content_layers: tuple

    def run(self, image, content, style, style_size, size, levels, callback):
        """Always returns an image of that size, also when the run ends early."""
        from tfstyle.optimizers import base

        results = []
        if style_size is None:
            style_size = min(max(size), max(style.shape[1:3]))
        checks.integer("style_size", style_size, 1, int(images.MAX_PIXELS**0.5))
        if callback:
            callback(base.Progress(0, float("nan"), {}, image))
        try:
            for level in levels:
                if not level.evaluations:  # fewer evaluations than levels
                    continue
                image = images.resize(image, level.height, level.width)
                targets = self._targets(content, style, style_size, level)
                done = sum(result.evaluations for result in results)
                result = self.optimizer.minimize(
                    self.objective, image, targets, level.evaluations, _shifted(callback, done)
                )
                results.append(result)
                image = np.clip(result.image, 0, 1)
                if result.outcome in (base.INTERRUPTED, base.OUTCOMES[base.NOT_FINITE]):
                    break
        except KeyboardInterrupt:  # between two levels
            if not results:
                raise
            results[-1] = dataclasses.replace(results[-1], outcome=base.INTERRUPTED)
        whole = images.resize(image, levels[-1].height, levels[-1].width)
        margin = schedule.margin(*size)
        inside = slice(margin, margin + size[0]), slice(margin, margin + size[1])
        return _joined(results, whole[:, inside[0], inside[1]])

    def _targets(self, content, style, style_size, level):
        from tfstyle import targets

        height, width = schedule.fit(*style.shape[1:3], max(1, round(style_size * level.scale)))
        return targets.measure(
            self.objective.network,
            self.objective.style_loss.statistic,
            images.resize(content, level.height, level.width) if self.content_layers else None,
            images.resize(style, height, width),
            self.content_layers,
            tuple(self.objective.style_loss.layer_weights),
        )


def _shifted(callback, done):
    """Counts the evaluations of the levels before."""
    if callback is None:
        return None
    return lambda progress: callback(progress._replace(evaluations=progress.evaluations + done))


def _joined(results, image):
    """One result for all levels: the parts and outcome of the last, sums of the rest."""
    counts = np.cumsum([0, *(result.evaluations for result in results)])
    losses = [result.losses + [count, 0] for result, count in zip(results, counts)]
    return dataclasses.replace(
        results[-1],
        image=image,
        losses=np.concatenate(losses).astype(np.float32),
        evaluations=int(counts[-1]),
        seconds=sum(result.seconds for result in results),
    )
