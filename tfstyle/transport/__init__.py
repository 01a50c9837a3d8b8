"""Style transfer in one pass: features are moved onto the style's statistics in closed form."""

from typing import Any

from tfstyle import networks, registry
from tfstyle.settings import Settings
from tfstyle.settings.choices import GATYS_LAYERS


def is_asked(settings: Settings) -> bool:
    """Whether a picture is made so: the result, or that from which an optimization starts."""
    return "transport" in (settings.chosen("method"), settings.chosen("init"))


def check_settings(settings: Settings, objects: dict[str, Any], checkpoint: Any = None) -> None:
    """Raises `ValueError` where pictures are asked for that cannot be made so.

    Args:
        settings: of a job.
        objects: in the place of settings, `{name: object or None}`.
        checkpoint: path, or whatever a run shall be resumed from.
    """
    alone = settings.chosen("method") == "transport"
    if not alone and (settings.chosen("init") != "transport" or objects.get("init") is not None):
        return
    asked = "method=transport" if alone else "init=transport"
    networks.check_seen(settings, objects, asked)
    statistic = objects.get("statistic") or settings.chosen("statistic")
    if not isinstance(statistic, str) or statistic not in registry.TRANSPORTS:
        name = statistic if isinstance(statistic, str) else type(statistic).__name__
        raise ValueError(
            f"statistic: expected one of {', '.join(registry.TRANSPORTS)} for {asked}, which moves "
            f"features in closed form, received {name}"
        )
    layers = settings.layer_weights()  # type: ignore[attr-defined]
    known = "pixels", *GATYS_LAYERS
    if not set(layers) <= set(known) or not any(layers.get(layer) for layer in GATYS_LAYERS):
        raise ValueError(
            f"style_layers: expected layers out of {', '.join(known)}, at least one of them with a "
            f"decoder, for {asked}, received {', '.join(layers)}"
        )
    if not alone:
        return
    if objects.get("init") is not None or settings.chosen("init") != "content":
        raise ValueError(f"init: expected content for {asked}, received another start")
    if objects.get("content_mask") is not None or settings.chosen("content_mask"):
        raise ValueError(
            f"content_mask: expected none for {asked}, which has no content loss to be masked; "
            "take style_mask"
        )
    if checkpoint:
        raise ValueError(
            f"checkpoint: expected none for {asked}, which has nothing to resume, received "
            f"{checkpoint}"
        )
