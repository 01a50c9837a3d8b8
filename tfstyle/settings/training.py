"""What can be asked of the training of a network, and of its use."""

import dataclasses
from typing import Any, ClassVar

from tfstyle import registry
from tfstyle.settings.base import Settings, changed, setting
from tfstyle.settings.choices import TRAINING
from tfstyle.settings.common import JobSettings, OnePicture
from tfstyle.settings.kinds import Choice, Integer, Number
from tfstyle.settings.styled import Painted, Styled

TEXTURE_TV = 0.001  # as that of `TextureSettings`
CLOSED_FORM = tuple(name for name in registry.CRITERIA if name not in registry.LEARNERS)


@dataclasses.dataclass(frozen=True)
class TrainSettings(Painted):
    """The settings of `tfstyle.train`."""

    # Of one picture that is optimised; a network is trained by Adam, and paints in a style's
    # colours, as strongly as it was trained to.
    method: ClassVar[str] = "optimization"  # type: ignore[misc]
    init: ClassVar[str] = "noise"  # type: ignore[misc]
    evaluations: ClassVar[int] = 1  # type: ignore[misc]
    scales: ClassVar[int] = 1  # type: ignore[misc]
    tile: ClassVar[Any] = None  # type: ignore[misc]
    color: ClassVar[str] = "style"  # type: ignore[misc]
    strength: ClassVar[float] = 1.0  # type: ignore[misc]
    optimizer: ClassVar[str] = "adam"  # type: ignore[misc]
    lbfgs_history: ClassVar[Any] = None  # type: ignore[misc]
    lbfgs_first_step: ClassVar[Any] = None  # type: ignore[misc]
    lbfgs_tolerance: ClassVar[Any] = None  # type: ignore[misc]
    tfp_lbfgs_history: ClassVar[Any] = None  # type: ignore[misc]
    tfp_lbfgs_tolerance: ClassVar[Any] = None  # type: ignore[misc]
    # What learns itself is refused.
    discriminator_hidden: ClassVar[Any] = None  # type: ignore[misc]
    discriminator_features: ClassVar[Any] = None  # type: ignore[misc]
    discriminator_image_loss: ClassVar[Any] = None  # type: ignore[misc]
    discriminator_steps: ClassVar[Any] = None  # type: ignore[misc]
    discriminator_every: ClassVar[Any] = None  # type: ignore[misc]
    discriminator_warm_up: ClassVar[Any] = None  # type: ignore[misc]
    discriminator_learning_rate: ClassVar[Any] = None  # type: ignore[misc]
    discriminator_positions: ClassVar[Any] = None  # type: ignore[misc]
    discriminator_label_smoothing: ClassVar[Any] = None  # type: ignore[misc]
    discriminator_penalty: ClassVar[Any] = None  # type: ignore[misc]

    kind: str = setting(
        "style",
        Choice(("style", "texture")),
        "style: a network that paints photographs; texture: one that makes tiles of noise",
        TRAINING,
    )
    minutes: float = setting(
        10.0, Number(0.01), "of training, in all; those before a resumption count", TRAINING
    )
    size: int = changed(
        OnePicture,
        "size",
        256,
        kind=Integer(64, 1024),
        help="side of the pictures that it is trained on, in pixels, a multiple of 32",
    )
    batch: int = setting(4, Integer(1, 256), "pictures of a step", TRAINING)
    diversity: float = setting(
        0.0005,
        Number(),
        "of a texture: weight of the entropy of its samples, more for more different ones; too "
        "much makes large light and dark patches",
        TRAINING,
    )
    seed: int = changed(OnePicture, "seed", 0, help="of the weights, crops and noise")
    statistic: str | None = changed(Styled, "statistic", None, kind=Choice(CLOSED_FORM))
    tv_weight: float | None = changed(  # type: ignore[assignment]
        JobSettings,
        "tv_weight",
        None,
        help="weight of the total variation: more for smoother; default: 0.05, for a texture 0.001",
    )
    adam_learning_rate: float = changed(
        JobSettings, "adam_learning_rate", 0.002, help="largest step of the weights"
    )
    adam_epsilon: float = changed(JobSettings, "adam_epsilon", 1e-8)

    def __post_init__(self):
        super().__post_init__()
        if self.size % 32:
            raise ValueError(f"size: expected a multiple of 32, received {self.size}")
        if self.kind == "texture" and self.batch == 1 and self.diversity:
            raise ValueError(
                "batch: expected at least 2, whose pictures differ, where diversity is above 0, "
                "received 1"
            )

    @property
    def is_texture(self) -> bool:
        """Whether a texture is made, and no photograph is looked at."""
        return self.kind == "texture"

    def chosen(self, setting):
        if setting == "tile":
            return "xy" if self.is_texture else None
        if setting == "tv_weight" and self.tv_weight is None:
            return TEXTURE_TV if self.is_texture else JobSettings.tv_weight
        return super().chosen(setting)

    def matched(self):
        return {"style": 1.0} if self.is_texture else super().matched()

    def terms(self):
        return {**self.matched(), "tv": self.chosen("tv_weight")}

    def compared_layers(self):
        return () if self.is_texture else super().compared_layers()


@dataclasses.dataclass(frozen=True)
class ApplySettings(Settings):
    """The settings of `tfstyle.apply`."""

    background: str = changed(JobSettings, "background", "white")
    size: int | tuple[int, int] | None = changed(
        OnePicture,
        "size",
        None,
        help="long side in pixels, or WIDTHxHEIGHT, see fit; default: the picture's own, of a "
        "texture 512",
    )
    fit: str = changed(OnePicture, "fit", "crop")
    seed: int = changed(OnePicture, "seed", 0, help="of a texture's noise")
