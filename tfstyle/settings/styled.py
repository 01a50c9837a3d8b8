"""What jobs with a style have."""

import dataclasses
from typing import ClassVar

from tfstyle import registry
from tfstyle.settings.base import Settings, changed, setting
from tfstyle.settings.choices import (
    COLOR,
    IMAGE_LOSSES,
    LARGEST_SIDE,
    LOGIT_FEATURES,
    LOSSES,
    NETWORK,
    OPTIMISATION,
    PAINTERS,
    PICTURES,
    PIXELS_ALONE,
    PIXELS_BESIDE_CONTENT,
    PORTILLA_FAMILIES,
    TILE,
    of_discriminator,
    of_portilla,
    of_sliced,
    of_statistic,
)
from tfstyle.settings.common import JobSettings
from tfstyle.settings.kinds import Choice, Files, Integer, Integers, Number, Numbers, Texts


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
        main=True,
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
    features: str | None = of_statistic(
        "features", Choice(tuple(registry.REPRESENTATIONS)), "feature network", NETWORK
    )
    statistic: str | None = setting(
        None,
        Choice(tuple(registry.CRITERIA)),
        "what is matched on the style layers; default: gaussian_w2, of the steerable pyramid "
        "portilla_simoncelli",
        LOSSES,
    )
    style_layers: tuple[str, ...] | None = of_statistic(
        "style_layers", Texts("layer names"), "layers compared by statistics", LOSSES
    )
    style_layer_weights: tuple[float, ...] | None = setting(
        None,
        Numbers(),
        "one number for each style layer; default: equal, for pixels a half of the others, without "
        "a content a twentieth",
        LOSSES,
    )
    sliced_wasserstein_directions: int = of_sliced(
        128, Integer(1, 4096), "random directions for each layer"
    )
    sliced_wasserstein_levels: int = of_sliced(
        256, Integer(1, 4096), "equal shares over which sorted projections are averaged"
    )
    portilla_simoncelli_scales: int = of_portilla(4, Integer(2, 8), "octaves of its pyramid")
    portilla_simoncelli_angles: int = of_portilla(4, Integer(2, 16), "directions of its pyramid")
    portilla_simoncelli_reach: int = of_portilla(
        3, Integer(1, 15), "neighbours on each side in autocorrelations"
    )
    portilla_simoncelli_without: str = of_portilla(
        "nothing", Choice(PORTILLA_FAMILIES), "numbers that are not compared"
    )
    discriminator_hidden: tuple[int, ...] = of_discriminator(
        (64,), Integers(1, 4096), "channels of its hidden layers; nothing: logistic regression"
    )
    discriminator_features: str = of_discriminator(
        "linear", Choice(LOGIT_FEATURES), "quadratic: products of channels besides the channels"
    )
    discriminator_image_loss: str = of_discriminator(
        "non_saturating", Choice(IMAGE_LOSSES), "what the image does to its outputs"
    )
    discriminator_steps: int = of_discriminator(
        3, Integer(1, 10_000), "training steps between two steps of the image"
    )
    discriminator_every: int = of_discriminator(
        1, Integer(1), "steps of the image between two trainings"
    )
    discriminator_warm_up: int = of_discriminator(
        20, Integer(0, 100_000), "more training steps before the first step of the image"
    )
    discriminator_learning_rate: float = of_discriminator(
        0.002, Number(), "of its training by Adam"
    )
    discriminator_positions: int = of_discriminator(
        2048, Integer(), "positions of each picture drawn for a step; 0: all"
    )
    discriminator_label_smoothing: float = of_discriminator(
        0.0, Number(0, 0.5), "the style is labelled 1 minus this; up to 0.5"
    )
    discriminator_penalty: float = of_discriminator(
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

    inits: ClassVar[tuple[str, ...]] = ("content", "noise", "transport")

    method: str = setting(
        "optimization",
        Choice(PAINTERS),
        "transport: at once, by features moved onto the style's statistic in closed form, and by "
        "networks that make a picture of them; evaluations and scales do not count then",
        OPTIMISATION,
        main=True,
    )
    init: str = changed(
        JobSettings,
        "init",
        "content",
        help="where the image starts: content, noise, transport (what --method=transport makes), "
        "or a picture, which is shrunk to the first scale: take --scales=1 to continue from a "
        "finished one",
    )
    content_weight: float = setting(1.0, Number(), "weight of the content loss", LOSSES)
    style_weight: float | None = of_statistic(
        "style_weight", Number(), "weight of the style loss: more for more style", LOSSES
    )
    content_layers: tuple[str, ...] | None = of_statistic(
        "content_layers", Texts("layer names"), "layers compared position by position", LOSSES
    )
    strength: float = setting(
        1.0,
        Number(0, 1),
        "how much of the style is taken: 0 leaves the photograph as it is",
        LOSSES,
        main=True,
    )
    color: str = setting(
        "style",
        Choice(COLOR),
        "whose colours the result has: the style's; or the content's, put back at the end (keep), "
        "given to the style before (match), or with nothing but lightness optimised (luminance)",
        LOSSES,
        main=True,
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

    def chosen(self, setting):
        if self.method == "transport" and setting in ("evaluations", "scales"):
            return 1  # the loss is told, of the whole picture
        return super().chosen(setting)

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
