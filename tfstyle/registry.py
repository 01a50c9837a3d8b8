"""The interchangeable parts by name, and how they are looked up.

A part is given as "module:attribute" and imported when it is used: to list the names needs no
TensorFlow. A new part is one class and one line here.
"""

import importlib
from collections.abc import Mapping
from typing import Any

FEATURES = {
    "vgg19_compact": "tfstyle.features.architectures:VGG19_COMPACT",
    "vgg19_narrow": "tfstyle.features.architectures:VGG19_NARROW",
    "vgg19": "tfstyle.features.architectures:VGG19",
}
# Networks, and what takes pictures apart without weights.
REPRESENTATIONS = FEATURES | {
    "steerable_pyramid": "tfstyle.features.steerable_pyramid:STEERABLE_PYRAMID"
}
STATISTICS = {
    "gram": "tfstyle.statistics.moments:Gram",
    "mean": "tfstyle.statistics.moments:Mean",
    "mean_covariance": "tfstyle.statistics.moments:MeanCovariance",
    "channel_moments": "tfstyle.statistics.moments:ChannelMoments",
    "gaussian_w2": "tfstyle.statistics.gaussian_w2:GaussianW2",
    "sliced_wasserstein": "tfstyle.statistics.sliced_wasserstein:SlicedWasserstein",
    "nearest": "tfstyle.statistics.nearest:Nearest",
    "long_range": "tfstyle.statistics.long_range:LongRange",
}
# Those of a picture itself, which it takes apart; too many numbers for the maps of a network.
PICTURE_STATISTICS = {
    "portilla_simoncelli": "tfstyle.statistics.portilla_simoncelli:PortillaSimoncelli"
}
CONTENT_LOSSES = {
    "features": "tfstyle.losses:ContentLoss",
    "self_similarity": "tfstyle.losses:SelfSimilarity",
}
# Those that learn while the image changes.
LEARNERS = {"discriminator": "tfstyle.discriminator:Discriminator"}
CRITERIA = STATISTICS | PICTURE_STATISTICS | LEARNERS
# Those that features are moved onto in closed form.
TRANSPORTS = {
    "channel_moments": "tfstyle.transport.maps:Channels",
    "mean_covariance": "tfstyle.transport.maps:Whitening",
    "gaussian_w2": "tfstyle.transport.maps:Optimal",
    "sliced_wasserstein": "tfstyle.transport.maps:Sliced",
}
OPTIMIZERS = {
    "lbfgs": "tfstyle.optimizers.lbfgs:LBFGS",
    "tfp_lbfgs": "tfstyle.optimizers.tfp_lbfgs:TFPLBFGS",
    "adam": "tfstyle.optimizers.adam:Adam",
}


def get(
    table: Mapping[str, str], identifier: Any, kind: str, parameters: Mapping | None = None
) -> Any:
    """Returns the part of that name, and any other object unchanged.

    Args:
        table: one of the tables above.
        identifier: a name in `table`, or a ready object.
        kind: the setting that is looked up ("features", "optimizer"), for the message.
        parameters: of a part that is a class; an instance is made with them.

    Raises:
        ValueError: a name that `table` does not hold.
    """
    if not isinstance(identifier, str):
        return identifier
    if identifier not in table:
        raise ValueError(f"{kind}: expected one of {', '.join(table)}, received {identifier!r}")
    module, attribute = table[identifier].split(":")
    part = getattr(importlib.import_module(module), attribute)
    return part(**(parameters or {})) if isinstance(part, type) else part
