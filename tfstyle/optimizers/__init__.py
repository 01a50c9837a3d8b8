"""Optimisers of an image, all behind one contract (see `tfstyle.optimizers.base.Optimizer`)."""

from typing import Any

from tfstyle import registry
from tfstyle.registry import OPTIMIZERS
from tfstyle.settings import DEFAULTS

__all__ = ["OPTIMIZERS", "get"]


def get(identifier: Any, settings=DEFAULTS, **parameters: Any):
    """The optimiser of that name with its settings, or the object given.

    Args:
        identifier: a name in `OPTIMIZERS`, or an `Optimizer`.
        settings: those of a run.
        parameters: in the place of those in the settings.
    """
    if isinstance(identifier, str):
        parameters = settings.parameters(identifier) | parameters
    return registry.get(OPTIMIZERS, identifier, "optimizer", parameters)
