"""What the losses compare an image with."""

from typing import NamedTuple

import tensorflow as tf


class Targets(NamedTuple):
    """Data for the losses: a nest of tensors that is handed to an objective with every image.

    Attributes:
        content: activations of the content picture, `{layer: [1, h, w, C]}`.
        style: what is remembered of the style, `{layer: nest}` (see `Criterion.target`).
        seed: int32 scalar with which the style was measured (see `Criterion.seeded`).
    """

    content: dict
    style: dict
    seed: tf.Tensor


def measure(network, statistic, content, styles, content_layers, style_layers, seed=0) -> Targets:
    """Measures the targets.

    Args:
        network: feature network, image -> `{layer: activations}`.
        statistic: a `tfstyle.statistics.base.Criterion`; `None` where there are no style layers.
        content: picture `[1, H, W, 3]` in [0, 1]; `None` where there are no content layers.
        styles: list of (picture `[1, H', W', 3]` in [0, 1], its part in the blend); parts add to 1.
        content_layers, style_layers: names of layers of `network`.
        seed: of what the statistic draws at random, int32.

    Raises:
        ValueError: the network lacks one of the layers.
    """
    seed = tf.cast(seed, tf.int32)
    seen = [_activations(network, picture, style_layers) for picture, _ in styles]
    parts = [part for _, part in styles]
    return Targets(
        content=_activations(network, content, content_layers),
        style={
            layer: statistic.seeded(seed).target([features[layer] for features in seen], parts)
            for layer in style_layers
        },
        seed=seed,
    )


def _activations(network, image, layers):
    if not layers:
        return {}
    features = network(image)
    missing = [layer for layer in layers if layer not in features]
    if missing:
        raise ValueError(
            f"features: expected a network with {', '.join(layers)}; it lacks {', '.join(missing)}"
        )
    return {layer: features[layer] for layer in layers}
