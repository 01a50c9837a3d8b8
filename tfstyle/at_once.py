"""Pictures that networks make at once, for a run that ends there or one that starts from there.

They have the size of the last level, with its margin.
"""

import time
from typing import Any

import numpy as np

from tfstyle import levels
from tfstyle.inputs import Inputs, parts_of
from tfstyle.plan import Plan
from tfstyle.steps import Made, Position
from tfstyle.working import WorkingPictures


def inversion(
    settings: Any, plan: Plan, engine: Any, working: WorkingPictures, targets: Any
) -> Position:
    """The only position of a run that ends with the picture of a decoder, and the loss there."""
    began, strategy = time.perf_counter(), plan.levels[0].strategy
    image = inverted(settings, plan, engine, working)
    loss, parts = engine.minimizer(strategy)[1](image, targets)
    losses = [np.array([[1, loss]], np.float32)]
    return _position(strategy, targets, Made(image, loss, parts, 1), began, losses)


def painting(
    settings: Any, plan: Plan, engine: Any, working: WorkingPictures, inputs: Inputs
) -> Position:
    """The same of a content in a style. Nothing is minimised, and no loss computed."""
    from tfstyle.targets import Targets

    began = time.perf_counter()
    image, masks = transported(settings, plan, engine, working, inputs)
    made = Made(image, float("nan"), {}, 0)
    return _position(plan.levels[0].strategy, Targets({}, {}, 0, masks), made, began, [])


def _position(strategy, targets, made, began, losses):
    seconds = time.perf_counter() - began
    return Position(0, strategy, targets, made, losses=losses, seconds=seconds, resumable=False)


def inverted(settings: Any, plan: Plan, engine: Any, working: WorkingPictures) -> Any:
    """What a decoder makes of the content's features, `[1, H, W, 3]`."""
    from tfstyle.networks import inverter

    (layer,) = settings.layers()
    network = inverter.get(layer, plan.precision)
    return network(working.content, plan.levels[-1].strategy.side)


def transported(
    settings: Any, plan: Plan, engine: Any, working: WorkingPictures, inputs: Inputs
) -> tuple[Any, Any]:
    """The content in the style at once, `[1, H, W, 3]`, and the `Masks` that it is shown with."""
    number = len(plan.levels) - 1
    level, strategy = plan.levels[number].level, plan.levels[number].strategy
    seed, parts = levels.level_seed(settings.seed, number), parts_of(inputs.styles)
    regions = working.style_masks
    styles = engine.chain.styles.kept(
        *(inputs.styles, level, seed, None),
        engine.looked_at(working.content, level),
        regions is not None,
    )
    image = engine.transported(working.content, level, styles, seed, regions, parts, strategy.side)
    return image, engine.regions.masks(level, regions, parts, None, working.photograph)
