"""Pictures made at once: what they have of the style, where, and that all ways make the same."""

import json
import pathlib
import re

import numpy as np
import pytest
import tensorflow as tf

import tfstyle
from tfstyle import cli, images
from tfstyle.evaluation.judge import judge

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"
LAYERS = ("block1_conv1", "block3_conv1")  # two networks less to be built, of each kind
MODEL = {"method": "transport", "precision": "float32", "style_layers": LAYERS}
OPTIONS = MODEL | {"size": 96}


def example(name, side=96):
    """A picture in 8 bits, as a model keeps its styles, `[1, side, side, 3]`."""
    picture = images.resize(images.load(EXAMPLES / name), side, side)
    return np.float32(images.quantized(picture, 8)[None] / 255)


@pytest.fixture(scope="module")
def pictures():
    names = "photos/rocket.jpg", "styles/mosaic.jpg", "styles/woodcut.jpg"
    return [example(name) for name in names]


@pytest.fixture(scope="module")
def painted(pictures):
    return tfstyle.stylize(*pictures[:2], **OPTIONS).image


def test_the_picture_is_nearer_to_the_style_and_no_loss_is_told(pictures, painted):
    content, style, _ = pictures
    seen = []
    result = tfstyle.stylize(content, style, **OPTIONS, callback=seen.append)
    before, after = (judge(image, [(style, 1.0)]) for image in (content, result.image))
    assert after < 0.5 * before
    assert result.outcome is tfstyle.Outcome.DONE and result.evaluations == 0
    assert len(seen) == 1 and seen[0].fraction == 1 and not result.parts
    np.testing.assert_array_equal(seen[0].image, painted)


def test_strength_goes_evenly_from_the_photograph_to_the_style(pictures, painted):
    content, style, _ = pictures
    steps = [
        tfstyle.stylize(content, style, strength=strength, **OPTIONS).image
        for strength in (0.0, 1e-3, 0.5)
    ]
    np.testing.assert_allclose(steps[0], content, atol=1e-6)
    np.testing.assert_allclose(steps[1], content, atol=0.02)  # no decoder's blur
    distances = [np.abs(image - content).mean() for image in (*steps, painted)]
    assert distances == sorted(distances) and 0.3 < distances[2] / distances[3] < 0.8


@pytest.mark.slow
def test_blocks_make_the_whole_picture(pictures):
    content, style = example("photos/astronaut.jpg", 320), pictures[1]
    settings = tfstyle.settings.StylizeSettings.of(OPTIONS | {"size": 320})
    run = tfstyle.Run(settings, content, style)
    chain, planned = run.engine.chain, run.plan.levels[0]
    level = planned.level
    picture = run.engine.looked_at(run._working.content, level)
    target = chain.styles.kept(run.inputs.styles, level, 0, None)
    for weights, style_target, amounts in (
        (None, target, 1.0),
        regions_of(run, target, level),
    ):
        once, parts = (
            chain(picture, style_target, 0, amounts, weights, side) for side in (None, 128)
        )
        np.testing.assert_allclose(parts, once, atol=2e-3)


def regions_of(run, target, level):
    masks = np.zeros((1, level.height, level.width, 2), np.float32)
    masks[..., :130, 0] = masks[..., 130:, 1] = 1
    weights = run.engine.chain.regions.masks(level, masks, (0.5, 0.5)).style
    return weights, {layer: (nest, nest) for layer, nest in target.items()}, tf.constant(masks)


def test_each_style_is_in_its_region_and_the_photograph_where_none_is(pictures):
    content, *styles = pictures
    masks = np.zeros((3, 96, 96), np.float32)
    masks[0, :, :32] = masks[1, :, 32:64] = 1
    image = tfstyle.stylize(content, styles, style_mask=list(masks[:2]), **OPTIONS).image
    np.testing.assert_allclose(image[:, :, 66:], content[:, :, 66:], atol=1e-6)
    other = tfstyle.stylize(content, styles[::-1], style_mask=list(masks[:2]), **OPTIONS).image
    assert np.abs(image - other)[:, :, :60].mean() > 0.05
    left, middle = image[:, :, :28], image[:, :, 36:60]
    colours = [np.mean(style, axis=(0, 1, 2)) for style in styles]
    for part, own, foreign in ((left, *colours), (middle, *colours[::-1])):
        mean = part.mean(axis=(0, 1, 2))
        assert np.linalg.norm(mean - own) < np.linalg.norm(mean - foreign)


def test_a_blend_and_the_colours_of_the_content(pictures, painted):
    content, *styles = pictures
    ends = [tfstyle.stylize(content, style, **OPTIONS).image for style in styles]
    blend = tfstyle.stylize(content, styles, style_blend=(1, 1), **OPTIONS).image
    apart = np.abs(ends[0] - ends[1]).mean()
    assert all(np.abs(blend - end).mean() < apart for end in ends)
    kept = tfstyle.stylize(content, styles[0], color="luminance", **OPTIONS).image
    chroma = [image - image.mean(-1, keepdims=True) for image in (kept, painted, content)]
    distances = [np.abs(each - chroma[2]).mean() for each in chroma[:2]]
    assert distances[0] < 0.4 * distances[1]


@pytest.mark.slow
def test_the_stylizer_makes_the_same(pictures, painted):
    content, *styles = pictures
    stylizer = tfstyle.Stylizer(styles, max_size=128, **MODEL)
    assert stylizer.has_masks
    wanted = tfstyle.stylize(content, styles, **OPTIONS).image
    np.testing.assert_allclose(stylizer(content, seed=0), wanted, atol=2e-3)
    masks = np.zeros((1, 96, 96, 2), np.float32)
    masks[:, :, :40, 0] = masks[:, :, 40:80, 1] = 1
    made = stylizer.stylize_masked(content, masks, np.ones_like(masks[..., :1]), 9, 0)
    named = list(masks[0].transpose(2, 0, 1))
    wanted = tfstyle.stylize(content, styles, style_mask=named, **OPTIONS).image
    np.testing.assert_allclose(made["image"], wanted, atol=2e-3)
    assert made["losses"].shape == (0, 2)
    described = stylizer.describe(styles[0], 0)["descriptor_bytes"]
    made = stylizer.stylize_with(content, described, 9, 0)
    np.testing.assert_allclose(made["image"], painted, atol=2e-3)


def test_a_tile_has_no_seam(pictures):
    """The picture of a shifted tile is the shifted picture."""
    ramp = 2 * np.pi * np.arange(64) / 64
    waves = 0.5 + 0.3 * np.sin(ramp[:, None, None] + 2 * ramp[None, :, None] + [0, 1, 2])
    tile = np.float32(waves)[None]
    options = OPTIONS | {"size": 64, "tile": "xy"}
    here, there = (
        tfstyle.stylize(np.roll(tile, shift, axis=2), pictures[1], **options).image
        for shift in (0, 32)
    )
    np.testing.assert_allclose(np.roll(here, 32, axis=2), there, atol=1e-3)


def test_it_is_a_start_for_the_optimization(pictures, painted):
    content, style, _ = pictures
    starts = []
    options = OPTIONS | {"method": "optimization", "evaluations": 3}
    result = tfstyle.stylize(content, style, init="transport", callback=starts.append, **options)
    np.testing.assert_allclose(starts[0].image, painted, atol=1e-6)
    cold = tfstyle.stylize(content, style, **options)
    assert result.losses[-1, 1] < cold.losses[-1, 1]


@pytest.mark.parametrize(
    "flags, expected",
    [
        (["--features=vgg19"], "--features: expected vgg19_compact or .* for method=transport"),
        (["--pooling=max"], "--pooling: expected average for method=transport"),
        (["--statistic=gram"], "--statistic: expected one of channel_moments, .* received gram"),
        (["--style_layers=block2_conv2"], "--style_layers: expected layers out of pixels, block1"),
        (["--style_layers=pixels"], "--style_layers: .* at least one of them with a decoder"),
        (["--init=noise"], "--init: expected content for method=transport"),
        (["--checkpoint=a.npz"], "--checkpoint: expected none for method=transport"),
        (["--method=optimization", "--init=transport", "--statistic=gram"], "for init=transport"),
    ],
)
def test_what_cannot_be_made_at_once_is_refused(folder, capsys, flags, expected):
    command = ["stylize", "--content=content.jpg", "--style=style.png", "--output=b.png"]
    assert cli.main([*command, "--method=transport", *flags]) != 0
    assert re.search(expected, capsys.readouterr().err)


def test_objects_and_masks_of_the_content_are_refused(pictures):
    content, style, _ = pictures
    mask = np.tile(np.float32([0, 1]), (96, 48))
    with pytest.raises(ValueError, match="^content_mask: expected none for method=transport"):
        tfstyle.stylize(content, style, content_mask=mask, **OPTIONS)
    with pytest.raises(ValueError, match="^features: expected vgg19_compact or .*=transport"):
        tfstyle.Stylizer(style, features=lambda image: {"pixels": image}, method="transport")


def test_the_command_line_and_the_record(folder, capsys):
    command = ["stylize", "--content=content.jpg", "--style=style.png", "--output=b.png"]
    layers = f"--style_layers={','.join(LAYERS)}"
    assert cli.main([*command, "--method=transport", "--size=64", "-v", layers]) == 0
    assert "done after 0 evaluations | start-up" in capsys.readouterr().err
    record = images.read_settings("b.png")
    assert record["settings"]["method"] == "transport" and json.dumps(record["losses"]) == "{}"
