"""Style statistics: feature maps -> numbers that do not depend on where things are."""

from tfstyle import registry

STATISTICS = {"gram": "tfstyle.statistics.moments:Gram"}


def get(identifier):
    """The statistic of that name, or the object given (see `tfstyle.statistics.base.Statistic`)."""
    statistic = registry.get(STATISTICS, identifier, "statistic")
    return statistic() if isinstance(statistic, type) else statistic
