"""The public functions: a few lines each around a `Run`.

Light to import: TensorFlow is loaded when the arguments have been checked.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

from tfstyle import images, masks
from tfstyle.random_field import run as random_field
from tfstyle.run import Run
from tfstyle.settings import FrameSettings, InvertSettings, StylizeSettings, TextureSettings
from tfstyle.settings.base import keywords
from tfstyle.settings.training import ApplySettings, TrainSettings
from tfstyle.steps import Result, Step
from tfstyle.training.run import TrainRun

Callback = Callable[[Step], Any]
# What an object needs to stand in the place of a name.
PARTS = {"features": ("__call__", "stride"), "statistic": ("target",), "optimizer": ("advance",)}


@keywords(StylizeSettings)
def stylize(
    content: Any,
    style: Any,
    settings: StylizeSettings | None = None,
    *,
    callback: Callback | None = None,
    progress: bool = False,
    checkpoint: str | os.PathLike | None = None,
    resume: bool = False,
    **changes: Any,
) -> Result:
    """Paints the content of one picture in the style of another (Gatys et al. 2016).

    Args:
        content, style: pictures: a path, a PIL image, or an array or tensor `[H, W, 3]` or
            `[1, H, W, 3]`, uint8 or float in [0, 1]. `style` may be a list of pictures: their
            statistics are averaged. Where the content is transparent, `Result.alpha` is 0.
        settings: those below, as an object; other keyword arguments change some of them.
        callback: called with a `tfstyle.Step`: once when all is ready, before the first evaluation,
            then after every fifth of a second or every evaluation, whichever takes longer. Where it
            returns False, the run stops.
        progress: whether to show a bar, in a terminal or notebook.
        checkpoint: a file from which the run can be resumed, written every few seconds.
        resume: whether to resume from `checkpoint`, if it is there. On the same machine, with
            as many threads, the result is the same to the bit as without an interruption;
            `evaluations` may be raised.

    `init` may also be a picture, and `style_mask`, `style_region` and `content_mask` arrays
    `[H, W]` in [0, 1], a list with one for each style: a style is where its `style_mask` is white,
    and is taken from where its `style_region` is white (Gatys et al. 2017). Where no style is, the
    content stays as it is; a style's loss counts by the area of its region, `style_blend` by its
    strength there. Masks that are white everywhere are none.

    `features` may be a ready network, any callable from RGB `[1, H, W, 3]` in [0, 1] to
    `{layer: [1, h, w, C]}`; `statistic` and `optimizer` may be objects, a
    `tfstyle.statistics.base.Criterion` and a `tfstyle.optimizers.base.Optimizer`.

    Returns:
        A `tfstyle.Result`; its image is float32 NumPy `[1, H, W, 3]` in [0, 1].

    Raises:
        ValueError: an argument is not as described; the message begins with its name.

    Example:
        >>> result = tfstyle.stylize(
        ...     "examples/photos/chelsea.jpg",
        ...     "examples/styles/strokes.jpg",
        ...     size=64,
        ...     evaluations=5,
        ... )
        >>> result
        <Result 64x43: done after 5 evaluations in ... s>
        >>> result.image.shape
        (1, 43, 64, 3)
    """
    run = _run(settings or StylizeSettings(), changes, content, style, checkpoint, resume)
    return run.complete(callback, progress)


@keywords(TextureSettings)
def synthesize_texture(
    style: Any,
    settings: TextureSettings | None = None,
    *,
    maps: Mapping[str, Any] | None = None,
    callback: Callback | None = None,
    progress: bool = False,
    checkpoint: str | os.PathLike | None = None,
    resume: bool = False,
    **changes: Any,
) -> Result:
    """Makes a new picture with the statistics of another, but not its places (Gatys et al. 2015).

    Args:
        style: the texture to be matched, or a list of several, see `stylize`.
        maps: other maps of the material of which the style is the colour, pictures of the same size
            by name, such as `{"height": ..., "normal": ...}`. They are made together, so that what
            belongs together stays so; the result has all of them in `maps`. Grey ones stay grey;
            where "normal" is in the name, vectors keep length 1.
        settings, callback, progress, checkpoint, resume: see `stylize`.

    Returns:
        A `tfstyle.Result`; its image is float32 NumPy `[1, H, W, 3]` in [0, 1].

    Raises:
        ValueError: an argument is not as described; the message begins with its name.

    Example:
        >>> result = tfstyle.synthesize_texture(
        ...     "examples/textures/pebbles.jpg", size=(64, 48), seed=1, evaluations=5
        ... )
        >>> result.image.shape
        (1, 48, 64, 3)
    """
    run = _run(settings or TextureSettings(), changes, None, style, checkpoint, resume, maps)
    return run.complete(callback, progress)


@keywords(InvertSettings)
def invert(
    content: Any,
    settings: InvertSettings | None = None,
    *,
    callback: Callback | None = None,
    progress: bool = False,
    checkpoint: str | os.PathLike | None = None,
    resume: bool = False,
    **changes: Any,
) -> Result:
    """Rebuilds a picture from the feature maps of one or several layers alone.

    Mahendran & Vedaldi 2015, "Understanding Deep Image Representations by Inverting Them": the
    error relative to the features' own size (equation 3), total variation with an exponent, and a
    penalty on values outside [0, 1].

    Args:
        content: the picture, see `stylize`.
        settings, callback, progress, checkpoint, resume: see `stylize`.

    Returns:
        A `tfstyle.Result`; its image is float32 NumPy `[1, H, W, 3]` in [0, 1].

    Raises:
        ValueError: an argument is not as described; the message begins with its name.

    Example:
        >>> photo = tfstyle.images.load("examples/photos/chelsea.jpg")
        >>> result = tfstyle.invert(photo, layer="block1_conv1", size=64, evaluations=5)
        >>> sorted(result.parts)
        ['content', 'range', 'tv']
    """
    run = _run(settings or InvertSettings(), changes, content, None, checkpoint, resume)
    return run.complete(callback, progress)


@keywords(FrameSettings)
def frame(
    style: Any,
    settings: FrameSettings | None = None,
    *,
    callback: Callback | None = None,
    progress: bool = False,
    checkpoint: str | os.PathLike | None = None,
    resume: bool = False,
    **changes: Any,
) -> Result:
    """Learns the distribution of a texture, and draws a picture from it: FRAME.

    Zhu, Wu & Mumford 1997: of all distributions of pictures in which the responses of some filters
    have the histograms of the style, the one of largest entropy. Its multipliers are learned, the
    filters chosen one by one, and the picture is drawn by Gibbs sampling or by Langevin moves. With
    `features` the channels of a network take the place of filters, and their means that of
    histograms (Lu, Zhu & Wu 2016).

    Args:
        style: the texture, see `stylize`; its colours become grey, but for those of `features`.
        settings, progress, checkpoint, resume: see `stylize`.
        callback: called with a `tfstyle.Step` after every sweep; where it returns False, the run
            stops. Its `losses` are errors of histograms by filter, its level is the number of
            filters.

    Returns:
        A `tfstyle.Result`; its image is a torus: each side continues at the opposite one. `parts`
        are L1 distances, from 0 to 2, between histograms of the image and of the style, of each
        filter that was chosen; "others" is the largest of the others. With `features` they are
        distances of the means of each layer, over the norm of the style's. An evaluation is a sweep
        of the sampler.

    Raises:
        ValueError: an argument is not as described; the message begins with its name.

    Example:
        >>> result = tfstyle.frame(
        ...     "examples/textures/brick.jpg", size=32, filters=1, levels=2, sweeps=1
        ... )
        >>> result.image.shape
        (1, 32, 32, 3)
    """
    settings = (settings or FrameSettings()).replace(**changes)
    run = random_field.start(settings, style, checkpoint=checkpoint, resume=resume)
    return run.complete(callback, progress)


@keywords(TrainSettings)
def train(
    style: Any,
    photos: Any = None,
    settings: TrainSettings | None = None,
    *,
    callback: Callback | None = None,
    progress: bool = False,
    checkpoint: str | os.PathLike | None = None,
    resume: bool = False,
    **changes: Any,
) -> Any:
    """Trains a network that paints any photograph in a style, or that makes a texture, at once.

    Johnson et al. 2016 and Ulyanov et al. 2016, 2017. Its loss is that of `stylize` or
    `synthesize_texture`, with any statistic in closed form, on crops of photographs, or on noise.

    Args:
        style: see `stylize`.
        photos: photographs, for kind="style": a folder, or a list of folders, patterns, files and
            pictures; one of eight, at least one, is held out.
        settings, progress: see `stylize`.
        callback: called with a `tfstyle.Step` some fifty times; where it returns False, the
            training stops. `loss` is that of what is held out, `evaluations` are steps, and `image`
            shows what is made of what is held out.
        checkpoint: a file from which the training can be resumed, written every few seconds.
        resume: whether to resume from `checkpoint`, if it is there; `minutes` may be raised.

    Returns:
        A `tfstyle.networks.trained.Trained`, for `tfstyle.apply`; its `save` writes a file.

    Raises:
        ValueError: an argument is not as described; the message begins with its name.
    """
    settings = (settings or TrainSettings()).replace(**changes)
    run = TrainRun(settings, style, photos, checkpoint=checkpoint, resume=resume)
    return run.complete(callback, progress)


@keywords(ApplySettings)
def apply(
    model: Any, content: Any = None, settings: ApplySettings | None = None, **changes: Any
) -> Any:
    """Makes a picture by a network that was trained.

    A large photograph is painted in blocks, with the statistics of the whole.

    Args:
        model: what `train` returns, a file of it, or the name of one that comes with the package.
        content: the photograph, see `stylize`; none for a texture.
        settings: those below.

    Returns:
        The picture, float32 NumPy `[1, H, W, 3]` in [0, 1].

    Raises:
        ValueError: an argument is not as described; the message begins with its name.
    """
    from tfstyle import device
    from tfstyle.networks import applied, trained

    with device.eagerly():
        network = trained.load(model) if isinstance(model, (str, os.PathLike)) else model
        return applied.Applier(network)(
            content, (settings or ApplySettings()).replace(**changes)
        ).image


def _run(settings, changes, content, style, checkpoint, resume, maps=None):
    changes, objects = separated(changes)
    return Run(
        settings.replace(**changes),
        content,
        style,
        maps=maps,
        checkpoint=checkpoint,
        resume=resume,
        **objects,
    )


def separated(changes: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Changes of settings, and the objects among them that stand in the place of a name."""
    objects = {
        name: changes[name]
        for name, methods in PARTS.items()
        if any(hasattr(changes.get(name), method) for method in methods)
    }
    for name in ("init", *masks.NAMES):
        value = changes.get(name)
        if any(map(images.is_picture, value if isinstance(value, (list, tuple)) else [value])):
            objects[name] = value
    named = {name: value for name, value in changes.items() if name not in objects}
    if getattr(objects.get("statistic"), "trains", False):
        named["statistic"] = "discriminator"  # whose defaults suit what learns
    return named, objects
