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
    """
    seen = network(style)
    statistics = {layer: statistic.measure(seen[layer]) for layer in style_layers}
    activations = network(content) if content_layers else {}
    return Targets({layer: activations[layer] for layer in content_layers}, statistics)
