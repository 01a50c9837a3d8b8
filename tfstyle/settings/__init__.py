"""What can be asked for: the settings of every job, each of them declared once, here.

`StylizeSettings`, `TextureSettings` and `InvertSettings` are those of `tfstyle.stylize`,
`tfstyle.synthesize_texture` and `tfstyle.invert`; `StylizerSettings` are those of
`tfstyle.Stylizer` and of an export. To add a setting, add a field and use it.
"""

import dataclasses
from typing import ClassVar

from tfstyle import images, registry
from tfstyle.settings.base import Settings, changed, setting
from tfstyle.settings.kinds import (
    Bytes,
    Choice,
    Colour,
    Files,
    Integer,
    Integers,
    Number,
    Numbers,
    Path,
    Size,
    Texts,
)

__all__ = [
    "FileSettings",
    "InvertSettings",
    "Settings",
    "StylizeSettings",
    "StylizerSettings",
    "TextureSettings",
]

PICTURES, FILES, LOSSES = "Pictures", "Files", "Losses"
NETWORK, OPTIMISATION = "Network", "Optimisation"
# Headings of the help, in order.
GROUPS = (
    PICTURES,
    FILES,
    "Jobs",
    "Comparison",
    LOSSES,
    "Sliced Wasserstein, for --statistic=sliced_wasserstein",
    "Portilla & Simoncelli, for --statistic=portilla_simoncelli",
    "Discriminator, for --statistic=discriminator",
    NETWORK,
    OPTIMISATION,
    "L-BFGS, for --optimizer=lbfgs",
    "TensorFlow Probability's L-BFGS, for --optimizer=tfp_lbfgs",
    "Adam, for --optimizer=adam",
    "Interruption",
)
SLICED, PORTILLA, DISCRIMINATOR, LBFGS, TFP_LBFGS, ADAM = (
    next(group for group in GROUPS if group.endswith(f"={name}"))
    for name in (
        *("sliced_wasserstein", "portilla_simoncelli", "discriminator"),
        *("lbfgs", "tfp_lbfgs", "adam"),
    )
)

POOLING = ("average", "max")
PADDING = ("reflect", "zeros")
TILE = ("x", "y", "xy")
COLOR = ("style", "keep", "match", "luminance")
PRECISION = ("auto", "float32", "bfloat16")
PORTILLA_FAMILIES = ("nothing", "marginals", "correlation", "magnitude", "phase", "colour")
LOGIT_FEATURES = ("linear", "quadratic")
IMAGE_LOSSES = ("non_saturating", "minimax", "confusion", "least_squares")
GATYS_LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")
# Weight of the style layer `pixels`, of all others: 1. A twentieth is enough against a mesh, and
# leaves the rows of bricks to deeper layers; a photograph has grain of its own that must go.
PIXELS_ALONE, PIXELS_BESIDE_CONTENT = 0.05, 0.5
# Defaults that depend on what is matched: of statistics in closed form, and of what learns.
MATCHED = {
    "features": "vgg19_narrow",
    "style_layers": ("pixels", *GATYS_LAYERS),
    "content_layers": ("block3_conv1", "block4_conv2"),
    "style_weight": 30.0,
    "statistic": "gaussian_w2",
    "optimizer": "lbfgs",
    "lbfgs_history": 10,
}
# As in Gatys et al. (2016), for --statistic=gram.
GATYS = {
    "features": "vgg19_compact",
    "style_layers": GATYS_LAYERS,
    "content_layers": ("block4_conv2",),
    "style_weight": 100.0,
}
LEARNED = GATYS | {"optimizer": "adam"}
# Of the steerable pyramid, and of the statistic that takes the picture apart by itself.
PYRAMID_BANDS = ("highpass", "scale1", "scale2", "scale3", "scale4", "lowpass")
PYRAMID = MATCHED | {
    "features": "steerable_pyramid",
    "style_layers": PYRAMID_BANDS,
    "content_layers": ("scale2", "scale3", "scale4", "lowpass"),
    "statistic": "portilla_simoncelli",
}
PORTILLA_SIMONCELLI = PYRAMID | {"style_layers": ("image",), "lbfgs_history": 100}
METHODS = ("optimization", "network", "both")
LARGEST_SIDE = int(images.MAX_PIXELS**0.5)
MAX_EVALUATIONS = 1_000_000


def _of_statistic(name, kind, help, group):
    """A setting of which the default is found in the tables above."""
    values = kind.write(MATCHED[name]), kind.write(LEARNED[name])
    return setting(
        None, kind, "{}; default: {}, for the discriminator {}".format(help, *values), group
    )


def _lbfgs(default, kind, help):
    return setting(default, kind, help, LBFGS, of=("optimizer", "lbfgs"))


def _tfp_lbfgs(default, kind, help):
    return setting(default, kind, help, TFP_LBFGS, of=("optimizer", "tfp_lbfgs"))


def _adam(default, kind, help):
    return setting(default, kind, help, ADAM, of=("optimizer", "adam"))


def _sliced(default, kind, help):
    return setting(default, kind, help, SLICED, of=("statistic", "sliced_wasserstein"))


def _portilla(default, kind, help):
    return setting(default, kind, help, PORTILLA, of=("statistic", "portilla_simoncelli"))


def _discriminator(default, kind, help):
    return setting(default, kind, help, DISCRIMINATOR, of=("statistic", "discriminator"))


@dataclasses.dataclass(frozen=True)
class JobSettings(Settings):
    """What every job has: picture, network and optimiser."""

    # Pictures that the job needs, and the names that stand for one to start from.
    pictures: ClassVar[tuple[str, ...]] = ("content", "style")
    inits: ClassVar[tuple[str, ...]] = ("content", "noise")

    init: str = setting(
        "content",
        Path(),
        "where the image starts: content, noise, or a picture, which is shrunk to the first scale: "
        "take --scales=1 to continue from a finished one",
        PICTURES,
    )
    background: str = setting(
        "white", Colour(), "colour behind transparent pixels, a name or #rrggbb", PICTURES
    )
    tv_weight: float = setting(
        0.05, Number(), "weight of the total variation: more for smoother", LOSSES
    )
    features: str | None = setting(
        "vgg19_compact", Choice(tuple(registry.REPRESENTATIONS)), "feature network", NETWORK
    )
    weights: str | None = setting(
        None,
        Path(),
        "file of network weights (.npz, .h5), or imagenet: download VGG19's; default: the "
        "network's own",
        NETWORK,
    )
    pooling: str = setting(
        "average",
        Choice(POOLING),
        "average is smoother, max is what VGG19 was trained with",
        NETWORK,
    )
    padding: str = setting(
        "reflect",
        Choice(PADDING),
        "reflect leaves no frame, zeros is what VGG19 was trained with",
        NETWORK,
    )
    precision: str = setting(
        "auto", Choice(PRECISION), "auto takes bfloat16 where the processor has it", NETWORK
    )
    optimizer: str | None = _of_statistic(
        "optimizer",
        Choice(tuple(registry.OPTIMIZERS)),
        "how the image is changed",
        OPTIMISATION,
    )
    evaluations: int = setting(
        225,
        Integer(1, MAX_EVALUATIONS),
        "budget of loss-and-gradient evaluations, over all scales",
        OPTIMISATION,
    )
    scales: int | None = setting(
        None,
        Integer(1),
        "levels from coarse to fine; default: from about 128 pixels up, 1: full size only",
        OPTIMISATION,
    )
    lbfgs_history: int | None = _lbfgs(
        None,
        Integer(1, 1000),
        "pairs of steps and gradients kept; default: 10, for portilla_simoncelli 100",
    )
    lbfgs_first_step: float = _lbfgs(
        0.02, Number(), "largest change of a pixel in a step of steepest descent"
    )
    lbfgs_tolerance: float = _lbfgs(
        1e-12, Number(), "the run has converged where no value of the gradient is larger"
    )
    tfp_lbfgs_history: int = _tfp_lbfgs(10, Integer(1, 1000), "pairs of steps and gradients kept")
    tfp_lbfgs_tolerance: float = _tfp_lbfgs(
        1e-12, Number(), "the run has converged where no value of the gradient is larger"
    )
    adam_learning_rate: float = _adam(0.02, Number(), "step, for pixels in [0, 1]")
    adam_beta_1: float = _adam(0.9, Number(0, 0.99999), "decay of the mean of the gradient")
    adam_beta_2: float = _adam(0.99, Number(0, 0.99999), "decay of the mean of its square")
    adam_epsilon: float = _adam(1e-12, Number(), "added to the root of the mean square")

    def chosen(self, setting):
        value = super().chosen(setting)
        if value is not None or setting not in self.fields():
            return value
        return self._defaults().get(setting)

    def _defaults(self):
        """Those that depend on other settings."""
        statistic, features = getattr(self, "statistic", None), self.features
        if statistic in registry.LEARNERS:
            return LEARNED
        of_pyramid = features == PYRAMID["features"]
        if statistic == "portilla_simoncelli" or (of_pyramid and statistic is None):
            return PORTILLA_SIMONCELLI if of_pyramid or features is None else MATCHED
        return PYRAMID if of_pyramid else MATCHED

    def matched(self) -> dict[str, float]:
        """Weights of the terms that compare features, `{"content" | "style": weight}`."""
        return {}

    def terms(self) -> dict[str, float]:
        """Weights of all terms of the loss."""
        return {**self.matched(), "tv": self.tv_weight}

    def tv_exponent(self) -> float:
        """Exponent of the total variation."""
        return 1.0

    def compared_layers(self) -> tuple[str, ...]:
        """Layers compared position by position."""
        return ()

    def layer_weights(self) -> dict[str, float]:
        """`{style layer: weight}`."""
        return {}

    def layers(self) -> tuple[str, ...]:
        """All layers that are looked at."""
        return (*self.compared_layers(), *self.layer_weights())


@dataclasses.dataclass(frozen=True)
class OnePicture(Settings):
    """What belongs to one picture; with an export it comes with the request."""

    size: int | tuple[int, int] = setting(
        512,
        Size(),
        "long side in pixels, or WIDTHxHEIGHT, see fit",
        PICTURES,
    )
    fit: str = setting(
        "crop",
        Choice(images.FITS),
        "how a picture of another shape is brought to WIDTHxHEIGHT: cut to its middle, padded with "
        "transparent bars, or stretched",
        PICTURES,
    )
    seed: int = setting(0, Integer(), "of the noise, and of random directions", PICTURES)
    memory: str | None = setting(
        None,
        Bytes(),
        "what the run may take, such as 8GB or 512MB: larger levels are worked on in blocks; "
        "default: most of what the machine has",
        OPTIMISATION,
    )


@dataclasses.dataclass(frozen=True)
class Styled(JobSettings):
    """What every job with a style has."""

    style_blend: tuple[float, ...] | None = setting(
        None,
        Numbers(),
        "one number for each style, of which the ratios count; default: equal",
        PICTURES,
    )
    tile: str | None = setting(
        None,
        Choice(TILE),
        "the result continues without a seam at its other side: x from left to right, y from top "
        "to bottom; a content picture has to be such a tile itself; default: no side does",
        PICTURES,
    )
    style_size: tuple[int, ...] | None = setting(
        None,
        Integers(1, LARGEST_SIDE, least=1),
        "long side of the style picture in pixels, one number for all or one for each: smaller for "
        "finer strokes; default: as the result, or the picture's own if less",
        PICTURES,
    )
    style_rotations: int = setting(
        1,
        Integer(1, 360),
        "turns in which each style is seen, at equal angles: 4 for strokes in all directions, "
        "which a photograph may need",
        PICTURES,
    )
    style_region: tuple[str, ...] | None = setting(
        None,
        Files(distinct=False),
        "a grey picture for each style, laid over it: white where its style is taken, black where "
        "not",
        PICTURES,
    )
    features: str | None = _of_statistic(
        "features", Choice(tuple(registry.REPRESENTATIONS)), "feature network", NETWORK
    )
    statistic: str | None = setting(
        None,
        Choice(tuple(registry.CRITERIA)),
        "what is matched on the style layers; default: gaussian_w2, of the steerable pyramid "
        "portilla_simoncelli",
        LOSSES,
    )
    style_layers: tuple[str, ...] | None = _of_statistic(
        "style_layers", Texts("layer names"), "layers compared by statistics", LOSSES
    )
    style_layer_weights: tuple[float, ...] | None = setting(
        None,
        Numbers(),
        "one number for each style layer; default: equal, for pixels a half of the others, without "
        "a content a twentieth",
        LOSSES,
    )
    sliced_wasserstein_directions: int = _sliced(
        128, Integer(1, 4096), "random directions for each layer"
    )
    sliced_wasserstein_levels: int = _sliced(
        256, Integer(1, 4096), "equal shares over which sorted projections are averaged"
    )
    portilla_simoncelli_scales: int = _portilla(4, Integer(2, 8), "octaves of its pyramid")
    portilla_simoncelli_angles: int = _portilla(4, Integer(2, 16), "directions of its pyramid")
    portilla_simoncelli_reach: int = _portilla(
        3, Integer(1, 15), "neighbours on each side in autocorrelations"
    )
    portilla_simoncelli_without: str = _portilla(
        "nothing", Choice(PORTILLA_FAMILIES), "numbers that are not compared"
    )
    discriminator_hidden: tuple[int, ...] = _discriminator(
        (64,), Integers(1, 4096), "channels of its hidden layers; nothing: logistic regression"
    )
    discriminator_features: str = _discriminator(
        "linear", Choice(LOGIT_FEATURES), "quadratic: products of channels besides the channels"
    )
    discriminator_image_loss: str = _discriminator(
        "non_saturating", Choice(IMAGE_LOSSES), "what the image does to its outputs"
    )
    discriminator_steps: int = _discriminator(
        3, Integer(1, 10_000), "training steps between two steps of the image"
    )
    discriminator_every: int = _discriminator(
        1, Integer(1), "steps of the image between two trainings"
    )
    discriminator_warm_up: int = _discriminator(
        20, Integer(0, 100_000), "more training steps before the first step of the image"
    )
    discriminator_learning_rate: float = _discriminator(0.002, Number(), "of its training by Adam")
    discriminator_positions: int = _discriminator(
        2048, Integer(), "positions of each picture drawn for a step; 0: all"
    )
    discriminator_label_smoothing: float = _discriminator(
        0.0, Number(0, 0.5), "the style is labelled 1 minus this; up to 0.5"
    )
    discriminator_penalty: float = _discriminator(
        1.0, Number(), "weight of its squared gradient at the style's features"
    )

    def __post_init__(self):
        super().__post_init__()
        weights, count = self.style_layer_weights, len(self.chosen("style_layers"))
        if weights is not None and len(weights) != count:
            raise ValueError(
                f"style_layer_weights: expected one for each of the {count} style layers, "
                f"received {len(weights)}"
            )

    def matched(self):
        return {"style": 1.0}

    def layer_weights(self):
        layers = self.chosen("style_layers")
        pixels = PIXELS_BESIDE_CONTENT if self.compared_layers() else PIXELS_ALONE
        default = [pixels if layer == "pixels" else 1.0 for layer in layers]
        return dict(zip(layers, self.style_layer_weights or default))


@dataclasses.dataclass(frozen=True)
class Painted(Styled):
    """What every job with a content and a style has."""

    content_weight: float = setting(1.0, Number(), "weight of the content loss", LOSSES)
    style_weight: float | None = _of_statistic(
        "style_weight", Number(), "weight of the style loss: more for more style", LOSSES
    )
    content_layers: tuple[str, ...] | None = _of_statistic(
        "content_layers", Texts("layer names"), "layers compared position by position", LOSSES
    )
    strength: float = setting(
        1.0,
        Number(0, 1),
        "how much of the style is taken: 0 leaves the photograph as it is",
        LOSSES,
    )
    color: str = setting(
        "style",
        Choice(COLOR),
        "whose colours the result has: the style's; or the content's, put back at the end (keep), "
        "given to the style before (match), or with nothing but lightness optimised (luminance)",
        LOSSES,
    )
    content_loss: str = setting(
        "features",
        Choice(tuple(registry.CONTENT_LOSSES)),
        "what is kept on the content layers: features, or only which places are alike, so that "
        "colours are free",
        LOSSES,
    )

    def __post_init__(self):
        super().__post_init__()
        if self.content_weight == self.style_weight == 0:
            raise ValueError(
                "style_weight: expected a number above 0, where content_weight is 0 too"
            )

    def matched(self):
        return {"content": self.content_weight, "style": self.chosen("style_weight")}

    def terms(self):
        return super().terms() | {"tv": self.strength * self.tv_weight}

    def compared_layers(self):
        return self.chosen("content_layers") if self.content_weight else ()


@dataclasses.dataclass(frozen=True)
class Masked(Settings):
    """Where in the result a style is; with an export it comes with the request."""

    style_mask: tuple[str, ...] | None = setting(
        None,
        Files(distinct=False),
        "a grey picture for each style, stretched over the result: white where that style is, "
        "black where not; where none is the photograph stays",
        PICTURES,
    )


@dataclasses.dataclass(frozen=True)
class StylizeSettings(Painted, Masked, OnePicture):
    """The settings of `tfstyle.stylize`."""

    content_mask: str | None = setting(
        None,
        Path(),
        "a grey picture, stretched over the result: white where the content counts as much as "
        "content_weight says, black where not at all",
        PICTURES,
    )


@dataclasses.dataclass(frozen=True)
class TextureSettings(Styled, Masked, OnePicture):
    """The settings of `tfstyle.synthesize_texture`."""

    pictures: ClassVar[tuple[str, ...]] = ("style",)
    inits: ClassVar[tuple[str, ...]] = ("noise",)

    init: str = changed(
        JobSettings,
        "init",
        "noise",
        help="where the image starts: noise, or a picture; it is shrunk to the first scale, so "
        "take --scales=1 to continue from a finished one",
    )
    style_mask: tuple[str, ...] | None = changed(
        Masked,
        "style_mask",
        None,
        help="a grey picture for each style, stretched over the result, whose shape the first has: "
        "white where that style is, black where not",
    )
    tv_weight: float = changed(JobSettings, "tv_weight", 0.001)
    evaluations: int = changed(JobSettings, "evaluations", 300)


@dataclasses.dataclass(frozen=True)
class InvertSettings(JobSettings, OnePicture):
    """The settings of `tfstyle.invert`."""

    pictures: ClassVar[tuple[str, ...]] = ("content",)
    inits: ClassVar[tuple[str, ...]] = ("noise",)

    method: str = setting(
        "optimization",
        Choice(METHODS),
        "network: at once, by one that was trained to, for the first convolution of each block; "
        "both: its picture is where the optimization starts",
        OPTIMISATION,
    )
    layer: tuple[str, ...] | None = setting(
        None,
        Texts("layer names"),
        "layers whose features are kept; default: block4_conv2, where a network is asked "
        "block4_conv1",
        LOSSES,
    )
    tv_beta: float = setting(
        2.0, Number(1, 10), "exponent of the total variation: 1 keeps edges, 2 is smoother", LOSSES
    )
    init: str = changed(TextureSettings, "init", "noise")
    tv_weight: float = changed(JobSettings, "tv_weight", 1.0)
    evaluations: int = changed(JobSettings, "evaluations", 300)
    size: int | tuple[int, int] = changed(OnePicture, "size", 256)

    def chosen(self, setting):
        if self.method == "network" and setting in ("evaluations", "scales"):
            return 1  # the loss is told, of the whole picture
        if self.method == "both" and setting == "scales":
            return self.scales or 1  # a coarser one would lose what the network's picture has
        if setting == "layer" and self.layer is None:
            return ("block4_conv2" if self.method == "optimization" else "block4_conv1",)
        return super().chosen(setting)

    def matched(self):
        return {"content": 1.0}

    def tv_exponent(self):
        return self.tv_beta

    def compared_layers(self):
        return self.chosen("layer")


@dataclasses.dataclass(frozen=True)
class StylizerSettings(Painted):
    """The settings of `tfstyle.Stylizer`, and of an export."""

    init: str = changed(
        JobSettings,
        "init",
        "content",
        kind=Choice(("content", "noise")),
        help="where the image starts",
    )
    optimizer: str | None = changed(JobSettings, "optimizer", None, kind=Choice(("lbfgs", "adam")))
    precision: str = changed(
        JobSettings,
        "precision",
        "auto",
        help="auto takes bfloat16 where this processor has it: a server without it is faster with "
        "float32",
    )
    evaluations: int = changed(
        JobSettings, "evaluations", 225, help="evaluations for requests that name none"
    )
    max_size: int = setting(
        1024,
        Integer(images.MIN_SIDE, LARGEST_SIDE),
        "longest side of a picture that is accepted, in pixels",
        PICTURES,
    )
    max_evaluations: int = setting(
        1000,
        Integer(1, MAX_EVALUATIONS),
        "most evaluations that a request may ask for",
        OPTIMISATION,
    )

    def __post_init__(self):
        super().__post_init__()
        most = self.max_evaluations
        Integer(1, most).check("evaluations", self.evaluations)


@dataclasses.dataclass(frozen=True)
class FileSettings(Settings):
    """How a picture is written to a file; flags of every command that paints one."""

    alpha: str | None = setting(
        None,
        Choice(("keep", "flatten")),
        "transparency of the content: kept, or lost, with the background painted; default: kept "
        "where the format of the output has it",
        FILES,
    )
    depth: str = setting("8", Choice(("8", "16")), "bits a channel; 16 for PNG and TIFF", FILES)
    keep_exif: str = setting(
        "none",
        Choice(images.KEPT),
        "what is taken over from the photograph: camera, exposure and time; with place also GPS",
        FILES,
    )


# Where the parts take their defaults from.
DEFAULTS = StylizeSettings()
