"""What is minimised: style transfer and texture synthesis as other programs know them, by Gram
matrices (Gatys et al. 2015, 2016)."""

import pathlib
from typing import Any, NamedTuple

import numpy as np

from tfstyle import device, engine, features, images, levels, losses, optimizers, statistics
from tfstyle.features import precision as precisions
from tfstyle.features import vgg
from tfstyle.inputs import Inputs
from tfstyle.settings import StylizeSettings, TextureSettings
from tfstyle.settings.choices import GATYS
from tfstyle.styles import Example
from tfstyle.working import working_picture
from tfstyle.workload import Workload

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
# What to do, and with what; style transfer starts from its content, a texture from noise.
TASKS = {
    "style transfer": (
        StylizeSettings,
        {
            "content": EXAMPLES / "photos/chelsea.jpg",
            "style": EXAMPLES / "styles/strokes.jpg",
        },
    ),
    "texture": (TextureSettings, {"style": EXAMPLES / "textures/pebbles.jpg"}),
}
CHOICES = GATYS | {"statistic": "gram"}
SETTINGS = StylizeSettings(**CHOICES)
LAYERS = SETTINGS.layers()


class Problem(NamedTuple):
    """An objective, what it compares with, and the image to start from."""

    objective: losses.Objective
    targets: Any
    image: np.ndarray

    def loss(self, image):
        return self.objective(image, self.targets)[0]


def settings(kind, **changes):
    """The settings of a kind of job."""
    return kind(**{name: CHOICES[name] for name in CHOICES if name in kind.fields()} | changes)


def network(name, weights, precision="float32"):
    """The feature network; `weights` as in `Settings.weights_of`: `None` makes random ones."""
    if weights:
        return features.get(name, LAYERS, weights=weights, precision=precision)
    return vgg.build(features.table(name), LAYERS, dtype=precisions.policy(precision))


def precision_names():
    """Those that make sense here: where bfloat16 is emulated it is many times slower."""
    return ("float32", "bfloat16") if device.has_bfloat16() else ("float32",)


def workload(name, precision) -> Workload:
    """What style transfer through that network costs."""
    return Workload(
        representation=features.table(name),
        layers=LAYERS,
        style_layers=tuple(SETTINGS.layer_weights()),
        bytes=2 if precision == "bfloat16" else 4,
        criterion=statistics.get(SETTINGS.chosen("statistic")),
        optimizer=optimizers.get(SETTINGS.chosen("optimizer")),
        name=SETTINGS.chosen("optimizer"),
        settings=SETTINGS,
    )


def square(network, size, job=SETTINGS) -> Problem:
    """Style transfer on a random picture of exactly that size: what a cost is measured on."""
    content = np.random.default_rng(0).random((1, size, size, 3), np.float32)
    return _problem(job, network, content, 1 - content, content)


def full_size(task, network, size) -> Problem:
    """The problem of that name in `TASKS`, as a run of that size ends with it, margin included."""
    kind, pictures = TASKS[task]
    job = settings(kind, size=size)
    inputs = Inputs.load(job, **pictures)
    (style,) = inputs.styles
    content = None
    if inputs.content is None:
        start = images.noise(*levels.with_margin(*inputs.size), job.seed)
    else:
        start = content = working_picture(inputs.content, inputs.size)
    return _problem(job, network, content, style.resized(), start)


def _problem(job, network, content, style, start):
    made = engine.Engine(job, engine.Parts(features=network), job.precision)
    whole = levels.level(0, 1, *start.shape[1:3], job.chosen("evaluations"))
    seen = made.content_targets(content, whole)
    beside = made.styles.targets([Example(style)], job.seed)
    return Problem(made.objective, made.targets(seen, beside, job.seed), start)
