"""Style statistics: feature maps -> numbers that do not depend on where things are."""

from tfstyle import registry

STATISTICS = {
    "gram": "tfstyle.statistics.moments:Gram",
    "mean": "tfstyle.statistics.moments:Mean",
    "mean_covariance": "tfstyle.statistics.moments:MeanCovariance",
    "channel_moments": "tfstyle.statistics.moments:ChannelMoments",
    "gaussian_w2": "tfstyle.statistics.gaussian_w2:GaussianW2",
    "sliced_wasserstein": "tfstyle.statistics.sliced_wasserstein:SlicedWasserstein",
}
# Those that learn while the image changes.
LEARNERS = {"discriminator": "tfstyle.discriminator:Discriminator"}
ALL = STATISTICS | LEARNERS


def get(identifier):
    """The statistic of that name, or the object given (see `tfstyle.statistics.base.Criterion`)."""
    statistic = registry.get(ALL, identifier, "statistic")
    return statistic() if isinstance(statistic, type) else statistic
