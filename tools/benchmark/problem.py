"""What is minimised: style transfer and texture synthesis, with the library's default weights."""

import inspect
import pathlib
from typing import Any, NamedTuple

import numpy as np

from tfstyle import features, images, losses, schedule, statistics, styles, synthesis, targets
from tfstyle.features import precision as precisions
from tfstyle.features import vgg

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
# What makes the picture, from what; style transfer starts from its content, a texture from noise.
TASKS = {
    "style transfer": (
        synthesis.stylize,
        {
            "content": EXAMPLES / "photos/chelsea.jpg",
            "style": EXAMPLES / "styles/strokes.jpg",
        },
    ),
    "texture": (synthesis.synthesize_texture, {"style": EXAMPLES / "textures/pebbles.jpg"}),
}
LAYERS = (*synthesis.CONTENT_LAYERS, *synthesis.STYLE_LAYERS)


class Problem(NamedTuple):
    """An objective, what it compares with, and the image to start from."""

    objective: losses.Objective
    targets: Any
    image: np.ndarray

    def loss(self, image):
        return self.objective(image, self.targets)[0]


def network(name, weights, precision="float32"):
    """The feature network; `weights` as in `Settings.weights_of`: `None` makes random ones."""
    if weights:
        return features.get(name, LAYERS, weights=weights, precision=precision)
    return vgg.build(features.FEATURES[name], LAYERS, dtype=precisions.policy(precision))


def precision_names():
    """Those that make sense here: where bfloat16 is emulated it is many times slower."""
    return ("float32", "bfloat16") if precisions.has_bfloat16() else ("float32",)


def square(network, size) -> Problem:
    """Style transfer on a random picture of exactly that size: what a cost is measured on."""
    content = np.random.default_rng(0).random((1, size, size, 3), np.float32)
    return _problem(synthesis.stylize, network, content, 1 - content, content)


def full_size(task, network, size) -> Problem:
    """The problem of that name in `TASKS`, as a run of that size ends with it, margin included."""
    function, pictures = TASKS[task]
    content = images.load(pictures["content"]) if "content" in pictures else None
    shape = schedule.output_size(*(1, 1) if content is None else content.shape[1:3], size)
    (style,) = styles.load(pictures["style"], None, None, shape, images.colour("white"))
    if content is None:
        start = images.noise(*schedule.with_margin(*shape), seed=0)
    else:
        border = (schedule.margin(*shape),) * 2
        content = images.resize(content, *shape)
        start = content = np.pad(content, ((0, 0), border, border, (0, 0)), mode="reflect")
    return _problem(function, network, content, style.at(1.0), start)


def _problem(function, network, content, style, start):
    defaults = inspect.signature(function).parameters
    weights = {
        term: defaults[f"{term}_weight"].default
        for term in ("content", "style", "tv")
        if f"{term}_weight" in defaults
    }
    statistic = statistics.get("gram")
    style_loss = losses.StyleLoss(statistic, dict.fromkeys(synthesis.STYLE_LAYERS, 1.0))
    content_layers = () if content is None else synthesis.CONTENT_LAYERS
    aims = targets.measure(
        network, statistic, content, [(style, 1.0)], content_layers, synthesis.STYLE_LAYERS
    )
    # A texture's style has no weight of its own.
    return Problem(losses.Objective(network, style_loss, {"style": 1.0} | weights), aims, start)
