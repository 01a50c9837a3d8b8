"""What the losses compare an image with."""

from typing import NamedTuple


class Targets(NamedTuple):
    """Data for the losses: a nest of tensors that is handed to an objective with every image.

    Attributes:
        content: activations of the content picture, `{layer: [1, h, w, C]}`.
        style: statistics of the style picture, `{layer: what the statistic measures}`.
    """

    content: dict
    style: dict


def measure(network, statistic, content, style, content_layers, style_layers) -> Targets:
    """Measures the targets.

    Args:
        network: feature network, image -> `{layer: activations}`.
        statistic: a `tfstyle.statistics.base.Statistic`.
        content: picture `[1, H, W, 3]` in [0, 1], or `None` where there are no content layers.
        style: picture `[1, H', W', 3]` in [0, 1].
        content_layers, style_layers: names of layers of `network`.

    Raises:
        ValueError: the network lacks one of the layers.
    """
    seen = _activations(network, style, style_layers)
    statistics = {layer: statistic.measure(features) for layer, features in seen.items()}
    return Targets(_activations(network, content, content_layers), statistics)


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
