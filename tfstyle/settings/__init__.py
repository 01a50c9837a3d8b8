"""What can be asked for: the settings of every job, each of them declared once, here.

`StylizeSettings`, `TextureSettings` and `InvertSettings` are those of `tfstyle.stylize`,
`tfstyle.synthesize_texture` and `tfstyle.invert`; `StylizerSettings` are those of
`tfstyle.Stylizer` and of an export. To add a setting, add a field and use it.
"""

import dataclasses
from typing import ClassVar

from tfstyle import images, registry
from tfstyle.settings.base import Settings, changed, setting
from tfstyle.settings.choices import (
    FRAME,
    JOINT_TEXTURE,
    LARGEST_SIDE,
    LOSSES,
    MATCHED,
    MATCHED_TEXTURE,
    MAX_EVALUATIONS,
    METHODS,
    OPTIMISATION,
    PICTURES,
    PORTILLA_SIMONCELLI,
    SAMPLERS,
    TEXTURE,
)
from tfstyle.settings.common import FileSettings, JobSettings, OnePicture
from tfstyle.settings.kinds import Choice, Integer, Number, Path, Texts
from tfstyle.settings.styled import Masked, Painted, Styled
from tfstyle.settings.training import ApplySettings, TrainSettings

__all__ = [
    "ApplySettings",
    "FileSettings",
    "FrameSettings",
    "InvertSettings",
    "JobSettings",
    "Settings",
    "StylizeSettings",
    "StylizerSettings",
    "TextureSettings",
    "TrainSettings",
]


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


def of_texture(name):
    """A setting of which the default of a texture is found in the tables."""
    help = JobSettings.fields()[name].metadata["help"]
    values = TEXTURE[name], JOINT_TEXTURE[name]
    return changed(
        JobSettings,
        name,
        None,
        help="{}; default: {:g}, for portilla_simoncelli {:g}".format(help, *values),
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
    tile: str | None = changed(Styled, "tile", None, main=True)
    style_mask: tuple[str, ...] | None = changed(
        Masked,
        "style_mask",
        None,
        help="a grey picture for each style, stretched over the result, whose shape the first has: "
        "white where that style is, black where not",
    )
    style_layers: tuple[str, ...] | None = changed(
        Styled,
        "style_layers",
        None,
        help="layers compared by statistics; default: pixels, two of each block, and block5_conv1, "
        "for the discriminator the first of each block",
    )
    tv_weight: float | None = of_texture("tv_weight")  # type: ignore[assignment]
    evaluations: int | None = of_texture("evaluations")  # type: ignore[assignment]

    def _defaults(self):
        chosen = super()._defaults()
        if chosen is MATCHED:
            return chosen | MATCHED_TEXTURE
        return chosen | (JOINT_TEXTURE if chosen is PORTILLA_SIMONCELLI else TEXTURE)


@dataclasses.dataclass(frozen=True)
class InvertSettings(JobSettings, OnePicture):
    """The settings of `tfstyle.invert`."""

    pictures: ClassVar[tuple[str, ...]] = ("content",)
    inits: ClassVar[tuple[str, ...]] = ("noise",)
    noise: ClassVar[float] = 0.003  # hardly any: what features do not see of it stays to the end

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
        main=True,
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
class FrameSettings(Settings):
    """The settings of `tfstyle.frame`."""

    background: str = changed(JobSettings, "background", "white")
    size: int | tuple[int, int] = changed(
        OnePicture, "size", 128, help="side in pixels, or WIDTHxHEIGHT"
    )
    seed: int = changed(OnePicture, "seed", 0, help="of the noise, and of the sampler")
    style_size: int | None = changed(
        Styled,
        "style_size",
        None,
        kind=Integer(images.MIN_SIDE, LARGEST_SIDE),
        help="long side of the style picture in pixels; default: as the result, or the picture's "
        "own if less",
    )
    filters: int = setting(
        8,
        Integer(1, 30),
        "filters, each of them the one whose histogram is farthest off",
        FRAME,
        main=True,
    )
    sampler: str | None = setting(
        None,
        Choice(SAMPLERS),
        "how pictures are drawn: pixel by pixel, of a few levels (gibbs), or by moves of all of "
        "them at once, of all greys; default: gibbs, with features langevin",
        FRAME,
        main=True,
    )
    levels: int = setting(8, Integer(2, 16), "grey levels, for gibbs", FRAME)
    sweeps: int | None = setting(
        None,
        Integer(1, 10_000),
        "of the sampler over the picture, for each filter, and twice as many for the last; "
        "default: 30, with features 200",
        FRAME,
    )
    features: str | None = changed(
        JobSettings,
        "features",
        None,
        kind=Choice(tuple(registry.FEATURES)),
        help="network whose channels take the place of filters, in colour",
    )
    weights: str | None = changed(JobSettings, "weights", None)
    style_layers: tuple[str, ...] | None = changed(
        Styled,
        "style_layers",
        None,
        help="layers of which the means of all channels are matched; default: pixels,block1_conv1,"
        "block2_conv1,block3_conv1,block4_conv1,block5_conv1",
    )

    def __post_init__(self):
        super().__post_init__()
        if self.features and self.sampler == "gibbs":
            raise ValueError(
                "sampler: expected langevin, the only one for features of a network, received gibbs"
            )

    def chosen(self, setting):
        value = super().chosen(setting)
        if value is not None:
            return value
        of_network = self.features is not None
        defaults = {
            "sampler": SAMPLERS[of_network],
            "sweeps": (30, 200)[of_network],
            "style_layers": MATCHED["style_layers"],
        }
        return defaults.get(setting)

    def applies(self, name):
        if name in ("features", "weights", "style_layers"):
            return self.features is not None
        if name in ("filters", "sampler"):
            return self.features is None
        return name != "levels" or self.chosen("sampler") == "gibbs"

    def layers(self) -> tuple[str, ...]:
        """The network's layers that are looked at."""
        return self.chosen("style_layers")


@dataclasses.dataclass(frozen=True)
class StylizerSettings(Painted):
    """The settings of `tfstyle.Stylizer`, and of an export."""

    init: str = changed(
        JobSettings,
        "init",
        "content",
        kind=Choice(("content", "noise", "transport")),
        help="where the image starts; transport: with what --method=transport makes",
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
        main=True,
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


# Where the parts take their defaults from.
DEFAULTS = StylizeSettings()
# Of each job.
JOBS = (
    StylizeSettings,
    TextureSettings,
    InvertSettings,
    StylizerSettings,
    FrameSettings,
    TrainSettings,
    ApplySettings,
)
