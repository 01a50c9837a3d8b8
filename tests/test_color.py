"""Whose colours a result has, how much of the style it takes, and how the styles are seen."""

import threading

import numpy as np
import pytest
import tensorflow as tf
from test_api import (
    CONTENT_LAYERS,
    STYLE_LAYERS,
    TABLE,
    checks,
    network,
    photo,
    stripes,
    texture,
)
from test_api import stylize as painted

import tfstyle
from tfstyle import Run, engine, images, inputs, levels, palette, resampling, rotations
from tfstyle.blocks.grid import Grid
from tfstyle.blocks.objective import Blocked
from tfstyle.colour import oklab, rgb_of
from tfstyle.optimizers import base
from tfstyle.settings import StylizeSettings
from tfstyle.settings.choices import COLOR
from tfstyle.styles import Example

RNG = np.random.default_rng(0)
LAYERS = {"style_layers": STYLE_LAYERS, "content_layers": CONTENT_LAYERS}


def muted(scale=0.1):
    """Colours that stay within [0, 1] when they are moved a little, correlated."""
    mixed = RNG.standard_normal((1, 32, 40, 3)) @ RNG.standard_normal((3, 3))
    return (RNG.uniform(0.4, 0.6, 3) + scale * mixed / mixed.std((0, 1, 2))).astype(np.float32)


def moments(image):
    pixels = np.reshape(image, (-1, 3)).astype(np.float64)
    return pixels.mean(0), np.cov(pixels.T, bias=True)


def colourless(image):
    return np.abs(image - image[..., :1]).max()


def in_grey(image):
    return np.repeat(image[..., 1:2], 3, axis=-1)


def stylize(*pictures, **options):
    """By the optimiser and the statistic whose graphs are built soonest."""
    return painted(*pictures, **{"optimizer": "adam", "statistic": "gram"} | options)


# --- colours -------------------------------------------------------------------------------------


def test_oklab_comes_back():
    rgb = RNG.random((50, 3))
    np.testing.assert_allclose(rgb_of(oklab(rgb)), rgb, atol=1e-12)
    np.testing.assert_allclose(oklab(tf.constant(rgb, tf.float32), tf), oklab(rgb), atol=1e-5)


def test_the_transported_style_has_the_contents_mean_and_covariance():
    style, content = muted(), muted(0.05)
    moved = palette.transported(style, content).numpy()
    for got, wanted in zip(moments(moved), moments(content)):
        np.testing.assert_allclose(got, wanted, atol=1e-6)
    # Of all linear maps that do so the cheapest is symmetric and has no negative eigenvalue.
    there, here = (np.reshape(x - x.mean((0, 1, 2)), (-1, 3)) for x in (style, moved))
    linear = np.linalg.lstsq(there, here, rcond=None)[0]
    np.testing.assert_allclose(linear, linear.T, atol=1e-4)
    assert np.linalg.eigvalsh(linear).min() > 0


@pytest.mark.parametrize("style", ["grey", "flat", "noisy grey", "colours"])
@pytest.mark.parametrize("content", ["grey", "flat", "colours"])
def test_pictures_without_colour_make_none_wild(style, content):
    kinds = {"grey": in_grey(muted()), "flat": np.full((1, 16, 16, 3), 0.4, np.float32)}
    kinds["noisy grey"] = kinds["grey"] + RNG.normal(0, 0.5 / 255, (1, 32, 40, 3))
    kinds["colours"] = muted()
    style, content = (np.float32(kinds[name]) for name in (style, content))
    moved = palette.transported(style, content).numpy()
    deviations = moved.std((0, 1, 2)), content.std((0, 1, 2))
    assert (deviations[0] <= deviations[1] + 1e-3).all()
    np.testing.assert_allclose(moved.mean((0, 1, 2)), content.mean((0, 1, 2)), atol=1e-4)
    assert np.isfinite(palette.matched_grey(style, content)).all()


def test_chroma_is_the_contents_and_lightness_the_images():
    image, content = np.clip(muted(), 0.3, 0.7), np.clip(muted(0.03), 0.4, 0.6)
    lab = oklab(palette.with_chroma(image, content).numpy())
    np.testing.assert_allclose(lab[..., 0], oklab(image)[..., 0], atol=1e-4)
    np.testing.assert_allclose(lab[..., 1:], oklab(content)[..., 1:], atol=1e-4)


def test_where_a_screen_ends_chroma_is_less_and_the_hue_stays():
    image, content = RNG.random((2, 1, 64, 64, 3), np.float32)
    lab, wanted = oklab(palette.with_chroma(image, content).numpy()), oklab(content)
    np.testing.assert_allclose(lab[..., 0], oklab(image)[..., 0], atol=2e-3)
    chroma, most = (np.hypot(x[..., 1], x[..., 2]) for x in (lab, wanted))
    assert (chroma <= most + 1e-3).all()
    across = lab[..., 1] * wanted[..., 2] - lab[..., 2] * wanted[..., 1]
    assert np.abs(across / most).max() < 2e-3
    # Where it is less, a hundredth more would be no colour of a screen.
    more = lab + np.concatenate([0 * lab[..., :1], 0.01 * wanted[..., 1:]], axis=-1)
    less = chroma < most - 0.01
    beyond = np.abs(rgb_of(more) - 0.5).max(-1) > 0.5
    assert less.mean() > 0.2 and beyond[less].all()


@pytest.mark.parametrize("color", COLOR)
def test_grey_stays_grey(color):
    content, style = in_grey(photo()), in_grey(stripes())
    result = stylize(content, style, color=color, init="noise", size=40, evaluations=4)
    assert colourless(result.image) < 2 / 255
    assert result.image.std() > 0.05


def test_a_texture_of_a_grey_style_is_grey():
    assert colourless(texture(in_grey(stripes()), optimizer="adam", evaluations=2).image) < 2 / 255


def test_keep_is_the_default_in_the_contents_colours():
    seen = []
    plain, kept = stylize(), stylize(color="keep", callback=seen.append)
    expected = palette.with_chroma(plain.image, photo()[None])
    np.testing.assert_allclose(kept.image, expected, atol=1e-5)
    np.testing.assert_array_equal(seen[-1].image, kept.image)
    assert np.abs(kept.image - plain.image).max() > 0.1


def test_luminance_is_blind_to_colours():
    """The lightness of the result is the same without any, and its chroma is the content's."""
    content, style = photo()[None], stripes()[None]
    # Adam's steps are as long where the gradient is next to nothing: rounding would be seen.
    asked = {"color": "luminance", "optimizer": "lbfgs"}
    result = stylize(content, style, **asked).image
    without = stylize(*(palette.grey(x).numpy() for x in (content, style)), **asked).image
    np.testing.assert_allclose(palette.grey(result), without, atol=0.01)
    expected = palette.with_chroma(without, content).numpy()
    np.testing.assert_allclose(result, expected, atol=0.01)
    assert np.abs(without - palette.grey(content)).max() > 0.1


def test_match_paints_in_the_style_moved_to_the_contents_colours():
    content, style = photo()[None], checks()[None]
    options = {"scales": 1, "size": 64}
    found = stylize(content, style, color="match", **options).image
    # The network sees the content with its margin.
    border = ((0, 0), (2, 2), (2, 2), (0, 0))
    moved = np.clip(palette.transported(style, np.pad(content, border, "reflect")), 0, 1)
    np.testing.assert_allclose(found, stylize(content, moved, **options).image, atol=1e-3)


def test_an_interrupted_picture_has_the_contents_colours(monkeypatch):
    monkeypatch.setattr(base, "CHUNK_SECONDS", 1e-9)
    options = LAYERS | {"optimizer": "adam", "statistic": "gram", "precision": "float32"}
    settings = StylizeSettings(size=64, evaluations=12, color="keep", **options)
    run = Run(settings, photo(), stripes(), features=network())
    for step in run:
        if step.evaluations == 3:
            threading.Thread(target=run.stop).start()
            break
    image = run.result.image
    np.testing.assert_allclose(image, palette.with_chroma(image, photo()[None]), atol=2e-3)


# --- strength ------------------------------------------------------------------------------------


def test_no_strength_leaves_the_photograph():
    result = stylize(strength=0, init="noise", evaluations=2)
    assert images.psnr(result.image, photo()[None]) > 50


def test_strength_grows_evenly():
    options = {"size": 40, "evaluations": 25}
    content = images.resize(photo()[None], 40, 40)
    made = [content, *(stylize(strength=s, **options).image for s in (0.33, 0.67, 1))]
    away = [np.sqrt(np.mean((image - content) ** 2)) for image in made]
    assert (np.diff(away) > 0.1 * away[-1]).all(), away


def gram(image, layer):
    features = network()(image)[layer].numpy()
    rows = features.reshape(-1, features.shape[-1])
    return rows.T @ rows / len(rows)


def engine_of(**options):
    settings = StylizeSettings(**{"statistic": "gram"} | LAYERS | options)
    return engine.Engine(settings, engine.Parts(features=network()), "float32")


def test_the_loss_is_a_mean_of_those_from_style_and_content():
    content, style = photo()[None], stripes()[None]
    level = levels.level(0, 1, 64, 64, 9)
    between = engine_of(strength=0.3)
    image, examples = checks()[None], [Example(style)]
    target = between.styles.targets(examples, 0, content=between.looked_at(content, level))
    found = between.objective.style_loss(network()(image), target)
    expected = 0.0
    for layer in STYLE_LAYERS:
        here, there, kept = (gram(each, layer) for each in (image, style, content))
        squares = [np.sum((here - other) ** 2) / np.sum(there**2) for other in (there, kept)]
        expected += (0.3 * squares[0] + 0.7 * squares[1]) / 2
    assert float(found) == pytest.approx(expected, rel=1e-4)
    seen = engine_of().styles.targets(examples, 0)
    assert set(seen) == set(STYLE_LAYERS) and not isinstance(seen[STYLE_LAYERS[0]], tuple)


@pytest.mark.parametrize("statistic", ["gram", "gaussian_w2"])
def test_in_blocks_as_whole(statistic):
    content, style, image = photo(96, 96)[None], stripes()[None], palette.grey(checks(96, 96)[None])
    made = engine_of(strength=0.3, color="luminance", statistic=statistic)
    level = levels.level(0, 1, 96, 96, 9)
    grid = Grid.of(TABLE, made.layers, 32)
    seen = [
        made.targets(
            made.content_targets(content, level, where),
            made.styles.targets([Example(style)], 0, where, made.looked_at(content, level)),
            0,
        )
        for where in (None, grid)
    ]
    whole = base.evaluate(made.objective, image, seen[0])
    blocked = base.evaluate(Blocked(made.objective, grid), image, seen[1])
    np.testing.assert_allclose(blocked[0], whole[0], rtol=1e-4)
    np.testing.assert_allclose(blocked[2], whole[2], atol=1e-4 * np.abs(whole[2]).max())
    assert np.ptp(whole[2], axis=-1).max() < 1e-6 * np.abs(whole[2]).max()  # grey stays grey


def test_detail_of_the_photograph_comes_back_between_scales():
    content = RNG.random((1, 64, 64, 3), np.float32)
    image = np.full((1, 32, 32, 3), 0.5, np.float32)
    level = levels.level(1, 2, 64, 64, 9)
    coarse = resampling.resize(resampling.resize(content, 32, 32), 64, 64)
    expected = np.clip(0.5 + 0.75 * (content - coarse), 0, 1)
    start = engine_of(strength=0.25).start(image, content, level)
    np.testing.assert_allclose(start, expected, atol=1e-6)
    assert np.ptp(engine_of().start(image, content, level)) < 1e-6
    # A picture that is large enough has its own.
    large = engine_of(strength=0.25).start(stripes()[None], content, level)
    np.testing.assert_array_equal(large, stripes()[None])


# --- sizes and turns of styles -------------------------------------------------------------------


def load(styles, size=(64, 64), **options):
    return inputs.load_styles(StylizeSettings(**options), styles, size)


def test_each_style_has_its_size():
    pair = [stripes(40, 64), checks(64, 48)]
    assert [style.size for style in load(pair, style_size=(80, 48))] == [(50, 80), (48, 36)]
    assert [style.size for style in load(pair, style_size=80)] == [(50, 80), (80, 60)]
    left = load(pair, style_size=(80, 48), style_blend=(0, 1))
    assert [style.size for style in left] == [(48, 36)]
    with pytest.raises(ValueError, match="^style_size: .* each of the 2 styles, received 3"):
        load(pair, style_size=(32, 48, 9))


def test_right_angles_are_exact():
    picture = RNG.random((1, 20, 30, 3), np.float32)
    for number in range(4):
        turned = rotations.turned(picture, number, 4)
        np.testing.assert_array_equal(turned[0], np.rot90(picture[0], number))


@pytest.mark.parametrize("number, count", [(1, 8), (1, 12), (3, 7), (5, 12)])
@pytest.mark.parametrize("height, width", [(60, 60), (40, 90), (90, 40)])
def test_other_angles_turn_a_slope_and_fill_nothing_in(number, count, height, width):
    y, x = np.mgrid[:height, :width].astype(np.float32)
    slope = 0.5 + 0.005 * (x - (width - 1) / 2)
    picture = np.stack([slope, 0.5 + 0.005 * (y - (height - 1) / 2), 1 + 0 * x], axis=-1)[None]
    turned = rotations.turned(picture.astype(np.float32), number, count)[0]
    down, right = (np.arange(n) - (n - 1) / 2 for n in turned.shape[:2])
    angle = 2 * np.pi * number / count
    along = np.cos(angle) * right - np.sin(angle) * down[:, None]
    across = np.sin(angle) * right + np.cos(angle) * down[:, None]
    inner = slice(2, -2), slice(2, -2)  # cubics have no neighbours beyond the border
    np.testing.assert_allclose(turned[inner][..., 0], (0.5 + 0.005 * along)[inner], atol=6e-4)
    np.testing.assert_allclose(turned[inner][..., 1], (0.5 + 0.005 * across)[inner], atol=6e-4)
    assert turned[..., 2].min() > 0.9999
    assert turned.shape[0] * turned.shape[1] > 0.15 * height * width


def test_turns_share_a_styles_part_at_one_scale():
    turns = load([stripes(), checks()], style_rotations=8, style_blend=(1, 3), style_size=32)
    assert [turn.part for turn in turns] == pytest.approx(8 * [1 / 32] + 8 * [3 / 32])
    for turn in turns:  # half the size, also of what was cut
        assert turn.long_side == pytest.approx(max(turn.picture.shape) / 2, abs=0.5)


def test_a_texture_of_a_turned_style_has_strokes_both_ways():
    y, x = np.mgrid[:64, :64]
    lines = np.repeat((0.5 + 0.4 * np.sin(x))[None, ..., None], 3, -1).astype(np.float32)

    def slopes(**changes):
        options = {"evaluations": 25, "scales": 1}
        image = texture(lines, **options | changes).image
        return [np.mean(np.diff(image, axis=axis) ** 2) for axis in (1, 2)]

    down, across = slopes()
    both = slopes(style_rotations=4)
    assert across > 3 * down and max(both) < 2 * min(both)


# --- in a graph ----------------------------------------------------------------------------------

SHARED = {"style_layers": STYLE_LAYERS[1:], "content_layers": CONTENT_LAYERS}
SHARED |= {"optimizer": "adam", "statistic": "gram"}
STYLES = [np.asarray(images.to_pil(x[None])) for x in (stripes(), checks(64, 48))]


def stylizer(**options):
    return tfstyle.Stylizer(STYLES, features=network(), max_size=96, **options)


def test_a_stylizer_paints_what_stylize_paints():
    options = {"color": "match", "strength": 0.6, "scales": 2, "evaluations": 4}
    options |= {"style_size": (40, 56), "style_rotations": 3} | SHARED
    content = (0.9 * photo(64, 72) + 0.1 * RNG.random((64, 72, 3), np.float32))[None]
    found = stylizer(**options)(content).numpy()
    wanted = stylize(content, STYLES, size=(72, 64), features=network(), **options).image
    assert np.quantile(np.abs(found - wanted), 0.995) < 1e-3
    assert np.abs(wanted - content).max() > 0.02


def test_a_stylizer_keeps_the_contents_chroma():
    content, start = photo(40, 48)[None], stripes(40, 48)[None]
    painter = stylizer(color="luminance", evaluations=4, **SHARED)
    found = painter.step(content, start, b"", 1, 0)["image"].numpy()
    np.testing.assert_allclose(found, palette.with_chroma(found, content), atol=2e-3)
    assert np.abs(palette.grey(found) - palette.grey(start)).mean() < 0.1


def test_grey_requests_stay_grey():
    style, content = in_grey(stripes()), in_grey(photo(40, 48))[None]
    options = {"max_size": 96, "color": "match"} | SHARED
    painter = tfstyle.Stylizer(style, features=network(), **options)
    image = painter.step(content, stripes(40, 48)[None], b"", 1, 0)["image"].numpy()
    assert colourless(image) == 0
