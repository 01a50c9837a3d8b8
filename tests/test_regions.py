"""Styles in regions: weights of positions in every statistic, and masks from file to picture."""

import functools
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from test_api import checks, photo, stripes

import tfstyle
from tfstyle import (
    Checkpoint,
    Run,
    cli,
    device,
    engine,
    features,
    images,
    losses,
    regions,
    statistics,
    targets,
)
from tfstyle.blocks import measure
from tfstyle.blocks.grid import Grid
from tfstyle.blocks.objective import Blocked
from tfstyle.features import vgg
from tfstyle.features.architectures import VGG19_NARROW
from tfstyle.levels import Level
from tfstyle.optimizers import base
from tfstyle.settings import StylizeSettings, choices
from tfstyle.styles import Example
from tfstyle.workload import Strategy, Workload

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"
# Radii of 1 and 4 pixels.
LAYERS = {"style_layers": ("block1_conv1", "block2_conv1"), "content_layers": ("block2_conv1",)}
FEW = {
    "features": "vgg19_narrow",
    "statistic": "gram",
    "optimizer": "adam",
    "evaluations": 4,
    "precision": "float32",
    **LAYERS,
}


def half(height=64, width=64, at=32):
    """White left of a column."""
    return np.broadcast_to(np.arange(width) < at, (height, width)).astype(np.float32)


# --- masks on their way down


def test_masks_follow_the_networks_pooling():
    descents = regions.descents(None, VGG19_NARROW, ["block1_conv1", "block3_conv1"], "reflect")
    assert descents["block3_conv1"] == regions.Descent(2, "SAME", 2)  # half of 2 + 4 + 4, 4 apart
    mask = np.random.default_rng(0).random((1, 8, 12, 2)).astype(np.float32)
    wanted = mask.reshape(1, 2, 4, 3, 4, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(descents["block3_conv1"].pooled(mask), wanted, rtol=1e-5)


@pytest.mark.parametrize("padding", ["reflect", "zeros"])
def test_a_network_that_tells_nothing_is_tried_out(padding):
    layers = ("pixels", "block2_conv1", "block4_conv2")
    network = vgg.build(VGG19_NARROW, layers, padding=padding, dtype="float32")
    tried = regions.descents(network, None, layers, padding)
    told = regions.descents(None, VGG19_NARROW, layers, padding)
    assert [each[:2] for each in tried.values()][1:] == [each[:2] for each in told.values()][1:]
    mask = tf.zeros([1, 45, 51, 1])
    seen = network(tf.zeros([1, 45, 51, 3]))
    for layer in layers:
        assert tried[layer].pooled(mask).shape[1:3] == seen[layer].shape[1:3]


def test_hard_borders_are_eroded_soft_ones_stay():
    descent = regions.Descent(1, "SAME", 2)
    hard = tf.constant(np.stack([half(), 0.5 * half()], axis=-1)[None])
    columns = descent.eroded(hard)[0, 0].numpy()
    kept = np.arange(32) < 14
    np.testing.assert_array_equal(
        columns, np.stack([kept, 0.5 * kept], axis=-1)
    )  # 16 in the region, less two
    soft = tf.ones([64, 1]) * tf.linspace(1.0, 0.0, 64)
    soft = soft[None, ..., None]
    np.testing.assert_array_equal(descent.eroded(soft), descent.pooled(soft))
    small = tf.constant(half(at=4)[None, ..., None])  # two columns, of which none were left
    np.testing.assert_array_equal(descent.eroded(small), descent.pooled(small))


def test_features_that_are_left_hardly_see_another_region():
    """Beside one picture another begins: how far features move to those of the other."""
    layers = (*choices.GATYS_LAYERS, "pixels")
    network = features.get("vgg19_narrow", layers, precision="float32")
    one, other = (
        images.resize(images.load(EXAMPLES / f"textures/{name}.jpg"), 64, 256)
        for name in ("pebbles", "brick")
    )
    beside = np.concatenate([one[:, :, :128], other[:, :, 128:]], axis=2)
    mask = tf.constant(half(64, 256, 128)[None, ..., None])
    seen = [network(picture) for picture in (one, other, beside)]
    for layer, descent in regions.descents(None, VGG19_NARROW, layers, "reflect").items():
        here, there, mixed = (np.float64(each[layer]) for each in seen)
        kept = descent.eroded(mask)[0, 0, :, 0] > 0
        moved = np.square(mixed - here).mean((0, 1, 3)) / np.square(there - here).mean()
        assert moved[kept].max() < 0.01 < 0.3 < moved[descent.pooled(mask)[0, 0, :, 0] > 0].max()


# --- the objective


@functools.cache
def an_engine(statistic="mean_covariance", **options):
    settings = StylizeSettings(**(FEW | {"statistic": statistic, "content_weight": 0.5} | options))
    return engine.get(settings, engine.Parts(), device.find())


def regional(made, masks, content=None, height=64, width=64, photograph=None):
    """Targets of two styles in those regions `[1, H, W, 2]`."""
    level = Level(0, height, width, 1, 1)
    examples = [
        Example(picture, 0.5, number=number)
        for number, picture in enumerate((stripes()[None], checks()[None]))
    ]
    return made.targets(
        made.content_targets(photo(height, width)[None], level),
        made.styles.targets(examples, 0, by_region=masks is not None),
        0,
        (),
        made.regions.masks(level, masks, [0.5, 0.5], content, photograph),
    )


def noise(height=64, width=64):
    return tf.constant(images.noise(height, width, 3))


def both(mask):
    return np.stack([mask, 1 - mask], axis=-1)[None]


def test_each_region_is_drawn_to_its_own_style():
    made = an_engine(content_weight=0.0, tv_weight=0.0)
    aims = regional(made, both(half()))

    def gradient(keep):
        """With the weight of one region only."""
        style = {layer: x * keep for layer, x in aims.masks.style.items()}
        masks = aims.masks._replace(style=style)
        return base.evaluate(made.objective, noise(), aims._replace(masks=masks))[2].numpy()

    first, second = gradient([1.0, 0.0]), gradient([0.0, 1.0])
    # More than half of a radius of 4 pixels are two positions of the second block: all of it.
    assert np.abs(first[:, :, 32:]).max() == 0 and np.abs(second[:, :, :32]).max() == 0
    assert np.abs(first[:, :, :32]).min(axis=3).mean() > 0 < np.abs(second[:, :, 32:]).mean()
    whole = base.evaluate(made.objective, noise(), aims)[2]
    np.testing.assert_allclose(first + second, whole, rtol=1e-3, atol=1e-7)


def test_a_region_weighs_as_much_as_the_whole_did():
    """With one style the gradient deep in each region is that of no regions, but for statistics."""
    made = an_engine("mean", content_weight=0.0, tv_weight=0.0)
    flat = tf.fill([1, 64, 64, 3], 0.5)
    aims = regional(made, both(half()))
    aims = aims._replace(style={layer: (x[0], x[0]) for layer, x in aims.style.items()})
    whole = aims._replace(
        style={layer: x[0] for layer, x in aims.style.items()}, masks=targets.Masks()
    )
    here, there = (base.evaluate(made.objective, flat, each)[2].numpy() for each in (aims, whole))
    np.testing.assert_allclose(here[:, 20:40, 10:20], there[:, 20:40, 10:20], rtol=1e-3)


def test_blocks_have_the_regions_of_the_whole():
    made = an_engine()
    y, x = np.mgrid[:101, :78]
    soft = np.clip((x + y - 60) / 50, 0, 1).astype(np.float32)
    masks = 0.9 * both(soft)
    aims = regional(made, masks, half(101, 78, 40)[None, ..., None], 101, 78, photo(101, 78)[None])
    assert len(aims.masks.style) == 2 and len(aims.masks.content) == 1
    image = noise(101, 78)
    grid = Grid.of(VGG19_NARROW, made.layers, 32)
    whole, blocked = (
        base.evaluate(objective, image, aims)
        for objective in (made.objective, Blocked(made.objective, grid))
    )
    for name in whole[1]:
        np.testing.assert_allclose(blocked[1][name], whole[1][name], rtol=1e-4, err_msg=name)
    error = np.abs(blocked[2] - whole[2]).max() / np.abs(whole[2]).max()
    assert error < 1e-4
    mask = {layer: soft[None, ..., None] for layer in ("block1_conv1",)}
    seen = [
        measure.style(
            made.network, statistics.get("gram"), [(image, 1.0)], ("block1_conv1",), 0, each, [mask]
        )["block1_conv1"]
        for each in (None, grid)
    ]
    np.testing.assert_allclose(*seen, rtol=1e-4)


def test_content_counts_where_its_mask_is_white():
    made = an_engine(tv_weight=0.0)
    mask = half()[None, ..., None]
    level, image = Level(0, 64, 64, 1, 1), noise()
    content = made.content_targets(photo()[None], level)
    weights = made.regions.masks(level, content=mask).content
    seen = targets.activations(made.network, image, ("block2_conv1",))["block2_conv1"].numpy()
    kept = content["block2_conv1"].numpy()
    wanted = np.sum((seen - kept)[:, :, :16] ** 2) / np.sum(kept**2)
    loss = losses.ContentLoss()({"block2_conv1": seen}, content, weights=weights)
    assert float(loss) == pytest.approx(wanted, rel=1e-5)


# --- whole runs


def stylize(**options):
    style = options.pop("style", [stripes(), checks()])
    return tfstyle.stylize(photo(), style, **({"size": 64, "scales": 1} | FEW | options))


def test_white_masks_are_no_masks_to_the_bit():
    white = np.ones((40, 50), bool)
    masks = {"style_mask": [white] * 2, "style_region": [white] * 2, "content_mask": white}
    masked, plain = (stylize(**options).image for options in (masks, {}))
    np.testing.assert_array_equal(masked, plain)


@pytest.mark.parametrize("statistic", ["gram", "discriminator"])
def test_the_photograph_stays_where_no_style_is(statistic):
    options = {"style": stripes(), "style_mask": half(), "statistic": statistic}
    image = stylize(**options, init="noise").image[0]
    np.testing.assert_array_equal(image[:, 33:], photo()[:, 33:])
    assert np.abs(image - photo())[:, :31].mean() > 0.02


def test_a_style_is_taken_from_its_region():
    """Of a picture with two halves: the picture is that of the half alone."""
    wide = np.concatenate([stripes(), checks()], axis=1)
    mask = np.repeat(half(64, 128, 64)[..., None], 3, axis=-1)
    region = stylize(style=wide, style_region=mask, style_size=128).image
    alone = stylize(style=stripes()).image
    other = stylize(style=checks()).image
    assert np.abs(region - alone).mean() < 0.2 * np.abs(region - other).mean()


def test_a_texture_by_numbers():
    options = FEW | {"evaluations": 40, "size": 96, "optimizer": "lbfgs"}
    options.pop("content_layers")
    masks = [half(32, 64), 1 - half(32, 64)]
    result = tfstyle.synthesize_texture([stripes(), checks()], style_mask=masks, **options)
    assert result.image.shape == (1, 48, 96, 3)  # the shape of the masks
    colours = [result.image[0, :, columns].mean(axis=(0, 1)) for columns in np.s_[:40, 56:]]
    for colour, style in zip(colours, (stripes(), checks())):
        np.testing.assert_allclose(colour, style.mean(axis=(0, 1)), atol=0.06)


def test_a_run_is_resumed_with_its_own_masks_only(tmp_path):
    settings = StylizeSettings(size=64, scales=2, **FEW)
    begin = functools.partial(Run, settings, photo(), [stripes(), checks()])
    masks = [half(), 0.5 * (1 - half())]
    whole = begin(style_mask=masks).complete().image
    stopped = begin(style_mask=masks, checkpoint=tmp_path / "run.npz")
    stopped.complete(lambda step: step.evaluations < 2)
    resumed = begin(style_mask=masks, resume=Checkpoint.load(tmp_path / "run.npz"))
    np.testing.assert_array_equal(resumed.complete().image, whole)
    for others in ({"style_mask": masks[::-1]}, {}, {"style_mask": masks, "content_mask": half()}):
        with pytest.raises(ValueError, match="checkpoint: expected one of a run with these pict"):
            begin(resume=Checkpoint.load(tmp_path / "run.npz"), **others).complete()


def grey(path, values, mode="L"):
    Image.fromarray((255 * values).astype(np.uint8)).convert(mode).save(path)
    return str(path)


def test_masks_of_all_kinds_of_files(tmp_path):
    mask = half()
    wanted = np.float32(mask)[None, ..., None]
    Image.fromarray((65535 * mask).astype(np.uint16)).save(tmp_path / "deep.png")
    palette = Image.fromarray(np.uint8(mask)).convert("P")
    palette.putpalette([0, 0, 0, 255, 255, 255])
    palette.save(tmp_path / "palette.png")
    clear = np.full((64, 64, 4), 255, np.uint8)
    clear[..., 3] = 255 * mask
    Image.fromarray(clear).save(tmp_path / "alpha.png")
    for name in ("deep", "palette", "alpha"):
        np.testing.assert_array_equal(images.load_mask(tmp_path / f"{name}.png"), wanted)
    np.testing.assert_array_equal(images.load_mask(mask > 0), wanted)


REFUSED = [
    ({"style_mask": [half()]}, "style_mask: expected one for each of the 2 styles, received 1"),
    ({"style_region": [half()] * 3}, "style_region: expected one for each of the 2 styles, rec"),
    ({"style_mask": [half(), 0 * half()]}, "style_mask: expected a picture with white in it"),
    ({"content_mask": photo()}, "content_mask: expected a grey picture, white where it counts, r"),
    ({"content_mask": half(20, 20)}, "content_mask: expected at least 32 pixels a side"),
    (
        {"style_mask": [half()] * 2, "statistic": "long_range"},
        "statistic: expected one that weighs positions, such as gaussian_w2, beside style_mask, "
        "style_region or a style with transparency, received LongRange",
    ),
    (
        {"content_mask": half(), "content_loss": "self_similarity"},
        "content_loss: expected features, which are compared position by position",
    ),
]


@pytest.mark.parametrize("options, message", REFUSED)
def test_what_cannot_be(options, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        stylize(**options)


def test_a_texture_is_covered():
    with pytest.raises(ValueError, match="style_mask: expected masks that together cover the tex"):
        tfstyle.synthesize_texture(stripes(), style_mask=half(), size=64)


def test_the_graph_has_the_pictures_of_the_function(tmp_path):
    """Masks in a request, of which one place has none; also from a SavedModel."""
    masks = both(half())
    masks[:, :20, :, 1] = 0
    content = half(at=40)[None, ..., None]
    picks = {"size": 64, "scales": 1} | FEW
    styles = [np.asarray(images.to_pil(x()[None])) for x in (stripes, checks)]
    wanted = tfstyle.stylize(
        photo(), styles, style_mask=[*masks[0].transpose(2, 0, 1)], content_mask=content, **picks
    )
    picks.pop("size")
    stylizer = tfstyle.Stylizer(styles, max_size=64, **picks)
    arguments = {"image": photo()[None], "style_masks": masks, "content_mask": content}
    arguments = {name: tf.constant(x) for name, x in arguments.items()}
    arguments |= {"num_steps": tf.constant(4), "seed": tf.constant(0)}
    image = stylizer.stylize_masked(**arguments)["image"].numpy()
    assert np.quantile(np.abs(image - wanted.image), 0.99) < 1e-3
    np.testing.assert_array_equal(image[0, :18, 34:], photo()[:18, 34:])
    arguments["style_masks"] = tf.constant(masks[..., :1])
    with pytest.raises(tf.errors.InvalidArgumentError, match="style_masks: expected one picture"):
        stylizer.stylize_masked(**arguments)


def test_on_the_command_line(tmp_path, capsys):
    folder = {"left": half(), "right": 1 - half()}
    files = {name: grey(tmp_path / f"{name}.png", values) for name, values in folder.items()}
    for name, values in {"photo": photo(), "a": stripes(), "b": checks()}.items():
        files[name] = grey(tmp_path / f"{name}.png", values, "RGB")
    flags = [
        f"--content={files['photo']}",
        f"--style={files['a']},{files['b']}",
        f"--style_mask={files['left']},{files['right']}",
        f"--content_mask={files['left']}",
        "--size=64",
        "--evaluations=2",
        "--style_layers=block1_conv1",
        "--content_layers=block1_conv2",
    ]
    output = str(tmp_path / "out.png")
    assert cli.main(["stylize", *flags, f"--output={output}"]) == 0
    assert f"--style_mask={files['left']}," in images.read_settings(output)["command"]
    assert cli.main(["stylize", *flags, f"--output={files['left']}"]) == 2
    assert "--output: expected another file than that of style_mask" in capsys.readouterr().err
    assert cli.main(["batch", *flags, f"--output_dir={tmp_path / 'made'}"]) == 0
    np.testing.assert_array_equal(images.load(output), images.load(tmp_path / "made/photo.png"))


def test_a_run_in_blocks_has_the_same_picture(monkeypatch):
    options = {"style_mask": [half(96, 96, 48), half(96, 96, 30)[:, ::-1]], "size": 96}
    options |= {"content_mask": half(96, 96, 60), "style_region": [half(), half()[:, ::-1]]}
    whole = stylize(**options).image
    monkeypatch.setattr(Workload, "choose", lambda *_: Strategy(32))
    monkeypatch.setattr(Workload, "choose_style_side", lambda *_: (32, 0.0))
    blocked = stylize(**options).image
    assert np.quantile(np.abs(blocked - whole), 0.995) < 1e-3
    np.testing.assert_array_equal(blocked[0, :, 52:60], whole[0, :, 52:60])  # the photograph


def test_transparent_places_of_a_style_have_no_say():
    """As with a mask, whatever colours lie there; a style of which nothing is seen is refused."""
    mask = half()
    hidden = np.where(mask[..., None] > 0, stripes(), 1.0).astype(np.float32)
    cut = np.concatenate([hidden, mask[..., None]], axis=-1).astype(np.float32)
    options = FEW | {"evaluations": 3}
    seen = tfstyle.stylize(photo(), cut, **options).image
    masked = tfstyle.stylize(photo(), hidden, style_region=[mask], **options).image
    np.testing.assert_array_equal(seen, masked)
    with pytest.raises(ValueError, match="^style: expected pictures with something to see"):
        tfstyle.stylize(photo(), np.concatenate([hidden, 0 * cut[..., 3:]], axis=-1), **options)
