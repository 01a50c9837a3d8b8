"""Feature networks: image -> {layer: activations}."""

import functools
from collections.abc import Callable, Collection
from typing import Any

from tfstyle import registry
from tfstyle.features.architectures import Architecture
from tfstyle.features.steerable_pyramid import SteerablePyramid
from tfstyle.levels import OPEN, Tiling
from tfstyle.messages import did_you_mean, shown
from tfstyle.registry import FEATURES as FEATURES
from tfstyle.registry import REPRESENTATIONS
from tfstyle.settings import DEFAULTS
from tfstyle.settings.base import checked_fields


def get(
    identifier: Any,
    layers: Collection[str],
    *,
    weights: str | None = DEFAULTS.weights,
    pooling: str = DEFAULTS.pooling,
    padding: str = DEFAULTS.padding,
    precision: str = DEFAULTS.precision,
    tiled: tuple[bool, bool] = OPEN.axes,
) -> Callable:
    """The feature network of that name, with its weights.

    Args:
        identifier: a name in `REPRESENTATIONS`, an `Architecture`, or a ready model, which is
            returned as it is: any callable from RGB `[1, H, W, 3]` in [0, 1] to
            `{layer: [1, h, w, C]}`.
        layers: the activations wanted, e.g. `["block1_conv1", "block4_conv2"]`.
        weights: a file (see `tfstyle.features.weights.read`), "imagenet" (VGG19 only) or "bundled"
            (the compact network only); `None` takes the network's own default.
        pooling: "average" (smoother, Gatys et al. 2015) or "max" (as VGG was trained).
        padding: "reflect" (no visible frame) or "zeros" (as VGG was trained).
        precision: of the network's arithmetic, "float32", "bfloat16", or "auto": bfloat16 where the
            processor computes in it.
        tiled: whether the first row follows the last, and the first column the last one.

    Returns:
        A `keras.Model` from RGB float32 `[batch, H, W, 3]` in [0, 1] to
        `{layer: [batch, h, w, C]}`, in the order of depth; h and w are H and W over 1, 2, 4, 8, 16.

    Raises:
        ValueError: an unknown name or layer; weights that are missing or do not fit.
    """
    architecture = registry.get(REPRESENTATIONS, identifier, "features")
    if not isinstance(architecture, Architecture | SteerablePyramid):
        return architecture
    checked_fields(type(DEFAULTS), pooling=pooling, padding=padding, precision=precision)
    check_layers(architecture, layers)
    if isinstance(architecture, SteerablePyramid):
        if weights is not None:
            raise ValueError(
                "weights: expected nothing for the steerable pyramid, which has none, received "
                f"{shown(weights)}"
            )
        return functools.partial(architecture.seen, layers=tuple(layers))
    # TensorFlow from here on.
    from tfstyle.features import precision as precisions
    from tfstyle.features import vgg
    from tfstyle.features import weights as weight_files

    model = vgg.build(architecture, layers, pooling, padding, precisions.policy(precision), tiled)
    source = weights or architecture.weights
    weight_files.assign(model, weight_files.read(source), source)
    return model


def table(identifier: Any) -> Architecture | SteerablePyramid | None:
    """What tells the costs and strides of a network, by its name or object; `None` if unknown."""
    architecture = registry.get(REPRESENTATIONS, identifier, "features")
    known = isinstance(architecture, Architecture | SteerablePyramid)
    return architecture if known else None


def tiling(settings: Any, identifier: Any) -> Tiling:
    """How the picture of a job is tiled.

    What is made of a steerable pyramid alone is a tile, asked for or not: the pyramid continues it
    at its other side. Only a content picture that is none keeps its margin.

    Args:
        settings: of the job, whose layers have been checked.
        identifier: of the network, see `check_settings`.

    Raises:
        ValueError: the network is a ready one.
    """
    axes, architecture = settings.chosen("tile"), table(identifier)
    if isinstance(architecture, SteerablePyramid):
        axes = axes or ("" if settings.compared_layers() else "xy")
        return Tiling("y" in axes, "x" in axes)
    if axes is None:
        return OPEN
    if architecture is None:
        raise ValueError(
            "tile: expected nothing beside a ready network, which continues a picture beyond its "
            f"borders in its own way, received {shown(axes)}: name one in features"
        )
    return Tiling("y" in axes, "x" in axes, max(map(architecture.stride, settings.layers())))


def check_layers(identifier: Any, layers: Collection[str], name: str = "layers") -> None:
    """Raises `ValueError`, naming `name`, unless the network has all of `layers`."""
    architecture = table(identifier)
    if architecture is None:
        return
    for layer in layers:
        if layer not in architecture.layers:
            known = ", ".join(architecture.layers)
            hint = did_you_mean(layer, architecture.layers)
            raise ValueError(f"{name}: expected layers out of {known}; received {layer!r}{hint}")


def check_settings(settings: Any, identifier: Any) -> None:
    """Raises `ValueError` unless the network has the layers that the settings name.

    Args:
        settings: of a job.
        identifier: of the network, which may be an object in the place of the settings' name.
    """
    for name in ("layer", "content_layers", "style_layers"):
        if name in settings.fields():
            check_layers(identifier, settings.chosen(name), name)
