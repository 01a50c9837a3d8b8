"""Style statistics: feature maps -> numbers that do not depend on where things are."""

from typing import Any

from tfstyle import registry
from tfstyle.registry import CRITERIA, LEARNERS, STATISTICS
from tfstyle.settings import DEFAULTS
from tfstyle.statistics.base import Criterion

__all__ = ["CRITERIA", "LEARNERS", "STATISTICS", "get"]


def get(identifier: Any, settings=DEFAULTS) -> Criterion:
    """The statistic of that name with its settings, or the object given (see `Criterion`)."""
    parameters = settings.parameters(identifier) if isinstance(identifier, str) else {}
    return registry.get(CRITERIA, identifier, "statistic", parameters)
