"""Networks that make pictures: they answer at once what an optimization searches for."""

from typing import Any

from tfstyle.settings import DEFAULTS, Settings
from tfstyle.settings.choices import GATYS_LAYERS

# What they were trained on; the compact network's heads are made of the narrow one's maps.
SEEN = {
    "features": ("vgg19_compact", "vgg19_narrow"),
    "weights": (None, "bundled"),
    "pooling": (DEFAULTS.pooling,),
    "padding": (DEFAULTS.padding,),
}


def check_settings(settings: Settings, objects: dict[str, Any], checkpoint: Any) -> None:
    """Raises `ValueError` where a method that takes a network cannot do what is asked.

    Args:
        settings: of a job; those without a method pass.
        objects: in the place of settings, `{name: object or None}`.
        checkpoint: path, or whatever a run shall be resumed from.
    """
    method = settings.chosen("method") or "optimization"
    if method not in ("network", "both"):
        return
    layers = settings.chosen("layer")
    if len(layers) != 1 or layers[0] not in GATYS_LAYERS:
        raise ValueError(
            f"layer: expected one of {', '.join(GATYS_LAYERS)} for method={method}, "
            f"received {', '.join(layers)}"
        )
    check_seen(settings, objects, f"method={method}")
    if objects.get("init") is not None or settings.chosen("init") != "noise":
        raise ValueError(f"init: expected none for method={method}, received a picture")
    if method == "network" and checkpoint:
        raise ValueError(
            "checkpoint: expected none for method=network, which has nothing to resume, "
            f"received {checkpoint}"
        )


def check_seen(settings: Settings, objects: dict[str, Any], asked: str) -> None:
    """Raises `ValueError` unless the features are those that the decoders were trained on.

    Args:
        settings, objects: as there.
        asked: the setting for which they have to be.
    """
    for name, values in SEEN.items():
        value = objects.get(name) or settings.chosen(name)
        if value not in values:
            expected = " or ".join(str(known) for known in values if known)
            raise ValueError(
                f"{name}: expected {expected} for {asked}, received {value}: take "
                "method=optimization"
            )
