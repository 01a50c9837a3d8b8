"""Between a style and a content: how far features are from both."""

from typing import Any

from tfstyle.statistics.base import EPSILON, Statistic


class Between:
    """The weighted mean of a criterion's distances from a style and from a content.

    Where the distance is W2 it is least at the barycentre (Agueh & Carlier 2011): every feature
    has moved a part of its way. A blend of both would be a mixture, with places that are all style
    beside others that are all photograph.

    For `StyleLoss`, in the place of the criterion. A target is a pair of its targets, of the style
    and of the content; both distances are relative to the size of the style.

    Args:
        criterion: of the distances; one that is not trained.
        strength: weight of the style, from 0 to 1; the content has the rest.
    """

    def __init__(self, criterion: Any, strength: float):
        self.criterion, self.strength = criterion, strength

    def seeded(self, seed):
        return Between(self.criterion.seeded(seed), self.strength)

    def loss(self, features, target, *weights):
        if type(self.criterion).loss is Statistic.loss:  # measured once for both
            return self.relative(self.measure(features, *weights), target)
        return self._mean(
            lambda seen, aim: self.criterion.loss(seen, aim, *weights), features, target
        )

    def scaled(self, change, target):
        scaled = getattr(self.criterion, "scaled", None)
        return change if scaled is None else scaled(change, target[0])

    # Of a `Statistic` that is measured in parts.

    def measure(self, features, *weights):
        return self.criterion.measure(features, *weights)

    def nothing(self, target):
        return self.criterion.nothing(target[0])

    def relative(self, measured, target):
        return self._mean(self.criterion.relative, measured, target)

    def _mean(self, distance, seen, target):
        from_style, from_content = (distance(seen, each) for each in target)
        if isinstance(self.criterion, Statistic):  # whose losses are relative to their targets
            style, content = (self.criterion.size(each) for each in target)
            from_content *= content / (style + EPSILON)
        return self.strength * from_style + (1 - self.strength) * from_content
