"""What the losses compare an image with."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfstyle.statistics.base import Criterion


class Masks(NamedTuple):
    """Where what counts; of a picture without masks all is empty.

    Attributes:
        style: weights of positions in the region of each of N styles, `{layer: [1, h, w, N]}`.
        content: weights of the content's positions, in [0, 1], `{layer: [1, h, w, 1]}`.
        photograph: what stays where no style is, `[1, H, W, 3]`.
        cover: how much of the image takes its place, in [0, 1], `[1, H, W, 1]`.
    """

    style: Any = ()
    content: Any = ()
    photograph: Any = ()
    cover: Any = ()

    def shown(self, image):
        """The image over the photograph, where there is one; both `[1, H, W, 3]`."""
        if isinstance(self.photograph, tuple):
            return image
        return self.photograph + self.cover * (image - self.photograph)


class Targets(NamedTuple):
    """Data for the losses: a nest of tensors that is handed to an objective with every image.

    Attributes:
        content: what is remembered of the content, `{layer: tensor}`: its activations
            `[1, h, w, C]`, or their relative distances `[G, K, K]` (see `tfstyle.losses`).
        style: what is remembered of the style, `{layer: nest}` (see `Criterion.target`); with
            regions a tuple of nests, one for each.
        seed: int32 scalar with which the style was measured (see `Criterion.seeded`).
        masks: the regions.
    """

    content: dict[str, tf.Tensor]
    style: dict[str, Any]
    seed: tf.Tensor
    masks: Masks = Masks()


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
    weights: Sequence[dict] | None = None,
) -> dict[str, Any]:
    """What is remembered of styles, `{layer: nest}`.

    Args:
        network: feature network, image -> `{layer: activations}`.
        statistic: what tells what is remembered.
        styles: list of (picture `[1, H, W, 3]` in [0, 1], its part in the blend); parts add to 1.
        layers: names of layers of `network`.
        seed: of what the statistic draws at random, int32.
        weights: of the positions of each style, `{layer: [1, h, w, 1]}`, or nothing; only a
            statistic that `weighs` takes any.
    """
    seen = [activations(network, picture, layers) for picture, _ in styles]
    parts = [part for _, part in styles]
    seeded = statistic.seeded(tf.cast(seed, tf.int32))
    if not any(weights or ()):
        return {layer: seeded.target([each[layer] for each in seen], parts) for layer in layers}
    return {
        layer: seeded.target(
            [each[layer] for each in seen], parts, [each.get(layer) for each in weights or ()]
        )
        for layer in layers
    }
