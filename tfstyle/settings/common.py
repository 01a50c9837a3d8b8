"""What every job has, what belongs to one picture, and how a picture is written."""

import dataclasses
from typing import ClassVar

from tfstyle import images, registry
from tfstyle.settings.base import Settings, setting
from tfstyle.settings.choices import (
    FILES,
    LEARNED,
    LOSSES,
    MATCHED,
    MAX_EVALUATIONS,
    NETWORK,
    OPTIMISATION,
    PADDING,
    PICTURES,
    POOLING,
    PORTILLA_SIMONCELLI,
    PRECISION,
    PYRAMID,
    of_adam,
    of_lbfgs,
    of_statistic,
    of_tfp_lbfgs,
)
from tfstyle.settings.kinds import Bytes, Choice, Colour, Integer, Number, Path, Size


@dataclasses.dataclass(frozen=True)
class JobSettings(Settings):
    """What every job has: picture, network and optimiser."""

    # Pictures that the job needs, and the names that stand for one to start from.
    pictures: ClassVar[tuple[str, ...]] = ("content", "style")
    inits: ClassVar[tuple[str, ...]] = ("content", "noise")
    noise: ClassVar[float] = 0.15  # its deviation, where the image starts from noise

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
    optimizer: str | None = of_statistic(
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
        main=True,
    )
    scales: int | None = setting(
        None,
        Integer(1),
        "levels from coarse to fine; default: from about 128 pixels up, 1: full size only",
        OPTIMISATION,
    )
    lbfgs_history: int | None = of_lbfgs(
        None,
        Integer(1, 1000),
        "pairs of steps and gradients kept; default: 10, for portilla_simoncelli 100",
    )
    lbfgs_first_step: float = of_lbfgs(
        0.02, Number(), "largest change of a pixel in a step of steepest descent"
    )
    lbfgs_tolerance: float = of_lbfgs(
        1e-12, Number(), "the run has converged where no value of the gradient is larger"
    )
    tfp_lbfgs_history: int = of_tfp_lbfgs(10, Integer(1, 1000), "pairs of steps and gradients kept")
    tfp_lbfgs_tolerance: float = of_tfp_lbfgs(
        1e-12, Number(), "the run has converged where no value of the gradient is larger"
    )
    adam_learning_rate: float = of_adam(0.02, Number(), "step, for pixels in [0, 1]")
    adam_beta_1: float = of_adam(0.9, Number(0, 0.99999), "decay of the mean of the gradient")
    adam_beta_2: float = of_adam(0.99, Number(0, 0.99999), "decay of the mean of its square")
    adam_epsilon: float = of_adam(1e-12, Number(), "added to the root of the mean square")

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
        return {**self.matched(), "tv": self.chosen("tv_weight")}

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
        512, Size(), "long side in pixels, or WIDTHxHEIGHT, see fit", PICTURES, main=True
    )
    fit: str = setting(
        "crop",
        Choice(images.FITS),
        "how a picture of another shape is brought to WIDTHxHEIGHT: cut to its middle, padded with "
        "transparent bars, or stretched",
        PICTURES,
    )
    seed: int = setting(0, Integer(), "of the noise, and of random directions", PICTURES, main=True)
    memory: str | None = setting(
        None,
        Bytes(),
        "what the run may take, such as 8GB or 512MB: larger levels are worked on in blocks; "
        "default: most of what the machine has",
        OPTIMISATION,
    )


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
