"""What a run will do and what that costs: pure arithmetic, done once, read by everyone."""

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from tfstyle import levels
from tfstyle.device import Device
from tfstyle.inputs import Inputs
from tfstyle.levels import Level
from tfstyle.settings.kinds import bytes_of
from tfstyle.workload import Strategy, Workload

FREE_SHARE = 0.8  # of the memory, for a run that was given no number


class LevelPlan(NamedTuple):
    """What is done on one level.

    Attributes:
        level: its size and its evaluations.
        strategy: how it is worked on.
        work: of one evaluation, in FLOPs of convolutions (in the network's precision, in float32).
        memory: bytes at the peak.
    """

    level: Level
    strategy: Strategy
    work: tuple[float, float]
    memory: float


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a run will do.

    Attributes:
        size: height and width of the result.
        levels: those of the pyramid, coarse to fine.
        precision: "float32" or "bfloat16".
        budget: bytes that the run may take.
        style_side: of the blocks in which the styles are measured, in pixels; `None`: whole.
        memory: bytes at the peak of the run; 0 if the network is not known.
        device: the name of the device.
        workload: what costs depend on; `None` for a network that does not tell its costs.
    """

    size: tuple[int, int]
    levels: tuple[LevelPlan, ...]
    precision: str
    budget: float
    style_side: int | None
    memory: float
    device: str
    workload: Workload | None

    @classmethod
    def of(
        cls,
        settings: Any,
        inputs: Inputs,
        device: Device,
        workload: Workload | None,
        judged: bool = False,
    ) -> "Plan":
        """Plans a run.

        Args:
            settings: of the job.
            inputs: its pictures; their sizes count.
            device: what it runs on.
            workload: of the job's network, statistic and optimiser; `None` if the network does not
                tell its costs: then nothing is known of memory, and all is worked on whole.
            judged: whether a judge looks at the result.

        Raises:
            ValueError: too many scales, or too little memory.
        """
        size = inputs.size
        tiling = workload.tiling if workload else levels.OPEN
        height, width = levels.with_margin(*size, tiling)
        work = settings.chosen("evaluations"), settings.chosen("scales")
        pyramid = levels.levels(height, width, *work, tiling)
        asked = getattr(settings, "memory", None)  # with an export it is the server's
        budget = bytes_of(asked) if asked else FREE_SHARE * device.memory
        precision = device.precision(settings.precision)
        make = functools.partial(cls, size=size, precision=precision, device=device.name)
        if workload is None:
            whole = (LevelPlan(level, Strategy(), (0.0, 0.0), 0.0) for level in pyramid)
            return make(
                levels=tuple(whole), budget=budget, style_side=None, memory=0.0, workload=None
            )
        if inputs.style_masks is not None:
            regions = inputs.style_masks.shape[-1]
            workload = dataclasses.replace(workload, regions=regions)
        kept, styles = 12.0 * inputs.pixels, [style.size for style in inputs.styles]
        if styles and (settings.chosen("strength") or 1) < 1:
            styles.append((height, width))  # the content is measured too
        # The finest first: it needs the most, and so a message names the whole picture.
        fine_to_coarse = [_plan_level(level, workload, budget - kept) for level in pyramid[::-1]]
        planned = tuple(fine_to_coarse[::-1])
        side, measuring = workload.choose_style_side(styles, budget - kept)
        peaks = [measuring, *(each.memory for each in planned)]
        if judged:
            peaks.append(workload.judging(*size, styles))
        return make(
            levels=planned,
            budget=budget,
            style_side=side,
            memory=kept + max(peaks),
            workload=workload,
        )

    def with_budgets(self, budgets: Sequence[int]) -> "Plan":
        """The same with other numbers of evaluations for the levels."""
        planned = (
            each._replace(level=each.level._replace(evaluations=budget))
            for each, budget in zip(self.levels, budgets)
        )
        return dataclasses.replace(self, levels=tuple(planned))

    @property
    def budgets(self) -> tuple[int, ...]:
        """The evaluations of the levels."""
        return tuple(each.level.evaluations for each in self.levels)

    def fraction(self, number: int, evaluations: int) -> float:
        """The part of the work that is done after so many evaluations of level `number`."""
        costs = [sum(each.work) or each.level.height * each.level.width for each in self.levels]
        total = sum(cost * budget for cost, budget in zip(costs, self.budgets))
        before = sum(cost * budget for cost, budget in zip(costs[:number], self.budgets))
        return min(1.0, (before + costs[number] * evaluations) / total)

    def seconds(self, speed: float, float32_speed: float) -> float:
        """Estimated time of all evaluations.

        Args:
            speed: FLOPs a second in the network's precision.
            float32_speed: the same in float32.
        """
        return sum(
            each.level.evaluations * (each.work[0] / speed + each.work[1] / float32_speed)
            for each in self.levels
        )

    def announcement(self, features: str, seconds: float) -> str:
        """Device, network, sizes, memory and time to be expected, on one line."""
        count, side = len(self.levels), self.levels[-1].strategy.side
        scales = f"{self.size[1]}x{self.size[0]}, {count} scale{'s' if count > 1 else ''}"
        blocks = f", the last in blocks of {side}" if side else ""
        line = f"{self.device}, {self.precision} | {features} | {scales}{blocks}"
        if self.workload is None:
            return line
        return f"{line} | about {self.memory / 1e9:.1f} GB, {max(1, math.ceil(seconds)):.0f} s"


def _plan_level(level, workload, budget):
    strategy = workload.choose(level.height, level.width, budget)
    size = level.height, level.width, strategy
    return LevelPlan(level, strategy, workload.work(*size), workload.memory(*size))
