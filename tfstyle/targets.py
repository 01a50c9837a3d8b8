"""What the losses compare an image with."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from tfstyle.statistics.base import Criterion


class Targets(NamedTuple):
    """Data for the losses: a nest of tensors that is handed to an objective with every image.

    Attributes:
        content: what is remembered of the content, `{layer: tensor}`: its activations
            `[1, h, w, C]`, or their relative distances `[G, K, K]` (see `tfstyle.losses`).
        style: what is remembered of the style, `{layer: nest}` (see `Criterion.target`).
        seed: int32 scalar with which the style was measured (see `Criterion.seeded`).
    """

    content: dict[str, tf.Tensor]
    style: dict[str, Any]
    seed: tf.Tensor


def activations(network: Callable, picture, layers: Collection[str]) -> dict[str, tf.Tensor]:
    """The activations of a picture `[1, H, W, 3]` in [0, 1], `{layer: [1, h, w, C]}`.

    Raises:
        ValueError: the network lacks one of the layers.
    """
    if not layers:
        return {}
    features = network(picture)
    if not isinstance(features, Mapping):
        raise ValueError(
            "features: expected a network that returns {layer: activations}, received one that "
            f"returns {type(features).__name__}"
        )
    missing = [layer for layer in layers if layer not in features]
    if missing:
        raise ValueError(
            f"features: expected a network with {', '.join(layers)}; it lacks {', '.join(missing)}"
        )
    return {layer: features[layer] for layer in layers}


def style(
    network: Callable,
    statistic: Criterion,
    styles: list[tuple[Any, float]],
    layers: Collection[str],
    seed,
) -> dict[str, Any]:
    """What is remembered of styles, `{layer: nest}`.

    Args:
        network: feature network, image -> `{layer: activations}`.
        statistic: what tells what is remembered.
        styles: list of (picture `[1, H, W, 3]` in [0, 1], its part in the blend); parts add to 1.
        layers: names of layers of `network`.
        seed: of what the statistic draws at random, int32.
    """
    seen = [activations(network, picture, layers) for picture, _ in styles]
    parts = [part for _, part in styles]
    seeded = statistic.seeded(tf.cast(seed, tf.int32))
    return {layer: seeded.target([each[layer] for each in seen], parts) for layer in layers}
