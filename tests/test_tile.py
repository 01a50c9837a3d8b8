"""Pictures that continue at their other side: every operation closes up, and so do textures."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from test_blocks import CONTENT, LAYERS, STYLE, TINY, WEIGHTS, assert_same, network
from test_losses import measured_targets

import tfstyle
from tfstyle import engine, images, levels, losses, registry, resampling, statistics
from tfstyle.blocks.grid import Grid
from tfstyle.blocks.objective import Blocked
from tfstyle.evaluation import judge
from tfstyle.features import vgg
from tfstyle.levels import Tiling
from tfstyle.optimizers import base
from tfstyle.settings import TextureSettings

STRIDE = 8  # of TINY's deepest layer
TILED = {"x": (False, True), "y": (True, False), "xy": (True, True)}


def noise(height, width, seed=0):
    return np.random.default_rng(seed).random((1, height, width, 3), np.float32)


@functools.cache
def tiled_network(tile="xy", pooling="average", padding="reflect"):
    model = vgg.build(TINY, LAYERS, pooling, padding, "float32", TILED[tile])
    model.set_weights(network(pooling, padding).get_weights())
    return model


@pytest.mark.parametrize("tile", TILED)
@pytest.mark.parametrize("pooling, padding", [("average", "reflect"), ("max", "zeros")])
def test_features_are_those_of_the_picture_beside_itself(tile, pooling, padding):
    """Three times beside itself the picture goes further than the network sees: 26 pixels."""
    picture = noise(40, 48)
    times = [3 if tiled else 1 for tiled in TILED[tile]]
    many = network(pooling, padding)(np.tile(picture, (1, *times, 1)))
    for layer, seen in tiled_network(tile, pooling, padding)(picture).items():
        height, width = seen.shape[1:3]
        top, left = (side * (count // 2) for side, count in zip((height, width), times))
        middle = many[layer][:, top : top + height, left : left + width]
        np.testing.assert_allclose(seen, middle, atol=1e-5, err_msg=layer)


@pytest.mark.parametrize("padding", ["reflect", "zeros"])
def test_the_network_for_styles_has_the_same_weights_and_no_tiles(padding):
    tiled = tiled_network("xy", "average", padding)
    opened, picture = vgg.untiled(tiled), noise(45, 53)
    assert all(one is other for one, other in zip(opened.weights, tiled.weights, strict=True))
    for layer, seen in network("average", padding)(picture).items():
        np.testing.assert_allclose(opened(picture)[layer], seen, atol=1e-6, err_msg=layer)


def objective_of(tile, statistic="gram"):
    picture, style = noise(64, 48, 1), noise(50, 41, 2) ** 2
    model, statistic = tiled_network(tile), statistics.get(statistic)
    goal = measured_targets(model, statistic, noise(64, 48, 3), [(style, 1)], CONTENT, STYLE)
    loss = losses.StyleLoss(statistic, dict.fromkeys(STYLE, 1.0))
    return losses.Objective(model, loss, WEIGHTS, tiled=TILED[tile]), tf.constant(picture), goal


@pytest.mark.parametrize("tile", TILED)
def test_a_picture_may_be_rolled_along_its_tiled_axes(tile):
    objective, picture, goal = objective_of(tile)
    blocked = Blocked(objective, Grid.of(TINY, LAYERS, 32, TILED[tile]))
    loss, parts, gradient = base.evaluate(objective, picture, goal)

    def rolled(nest, axes):
        def roll(x):
            shifts = [2 * STRIDE * x.shape[axis] // picture.shape[axis] for axis in axes]
            return tf.roll(x, shifts, axes)

        return tf.nest.map_structure(roll, nest)

    def after(each, axes):
        moved = goal._replace(content=rolled(goal.content, axes))
        return base.evaluate(each, rolled(picture, axes), moved)

    axes = [axis for axis, tiled in enumerate(TILED[tile], 1) if tiled]
    for each in (objective, blocked):
        assert_same(after(each, axes), (loss, parts, rolled(gradient, axes)))
    for axis in {1, 2}.difference(axes):
        assert abs(after(objective, [axis])[0] / loss - 1) > 1e-4


@pytest.mark.parametrize("name", [*registry.STATISTICS, "discriminator"])
def test_no_statistic_knows_where_a_tile_begins(name):
    objective, picture, goal = objective_of("xy", name)
    objective.weights = {"style": 1.0}
    for shift in [(STRIDE, 0), (3 * STRIDE, 2 * STRIDE)]:
        moved = objective(tf.roll(picture, shift, (1, 2)), goal)[0]
        np.testing.assert_allclose(moved, objective(picture, goal)[0], rtol=1e-5)


@pytest.mark.parametrize("after", [(40, 36), (20, 25), (96, 72)])
def test_a_tile_is_resized_as_a_part_of_its_plane(after):
    tile = noise(40, 36) ** 3
    plane = images.resize(np.tile(tile, (1, 3, 3, 1)), *(3 * side for side in after))
    resized = resampling.resize(tile, *after, (True, True))
    height, width = after
    middle = plane[:, height : 2 * height, width : 2 * width]
    np.testing.assert_allclose(resized, middle, atol=1e-5)
    rows_only = resampling.resize(tile, *after, (True, False))
    beside = images.resize(np.tile(tile, (1, 3, 1, 1)), 3 * height, width)
    np.testing.assert_allclose(rows_only, beside[:, height : 2 * height], atol=1e-5)


@pytest.mark.parametrize("tile, axes", TILED.items())
def test_levels_are_multiples_of_the_stride_without_a_margin(tile, axes):
    tiling = Tiling(*axes, 16)
    whole = levels.with_margin(300, 500, tiling)
    assert whole == tuple(side if tiled else side + 32 for side, tiled in zip((300, 500), axes))
    for level in levels.levels(*whole, 225, None, tiling):
        sides = level.height, level.width
        top, left, height, width = levels.frame(level, 300, 500, tiling)
        for side, all_, begin, inside, tiled in zip(
            sides, whole, (top, left), (height, width), axes
        ):
            if tiled:
                assert side % 16 == 0 <= side - all_ / level.shrink < 16.5
                assert (begin, inside) == (0, side)
            else:
                assert side == round(all_ / level.shrink) and begin == round(16 / level.shrink)


# --- whole runs

FEW = {"precision": "float32", "evaluations": 30, "statistic": "gram"}


@functools.cache
def style(kind):
    """Grain of two sizes, in light or in saturated colours."""
    grain = np.random.default_rng(4).standard_normal((1, 96, 96, 3)).astype(np.float32)
    soft = resampling.resize(np.clip(0.5 + 0.2 * grain[:, ::2, ::2], 0, 1), 96, 96).numpy()
    if kind == "light":
        return 0.8 + 0.3 * (soft - 0.5)
    return (soft > 0.5).astype(np.float32)


@functools.cache
def texture(kind, size=(90, 84), **options):
    return tfstyle.synthesize_texture(style(kind), size=size, tile="xy", **(FEW | options)).image


def steps(image):
    """Mean step over both seams, and between all neighbours inside."""
    over = [np.abs(image.take(0, axis) - image.take(-1, axis)).mean() for axis in (1, 2)]
    inside = [np.abs(np.diff(image, axis=axis)).mean() for axis in (1, 2)]
    return np.mean(over), np.mean(inside)


@pytest.mark.parametrize("kind", ["light", "saturated"])
def test_the_step_over_the_seam_is_that_inside(kind):
    image = texture(kind)
    assert image.shape == (1, 84, 90, 3)
    over, inside = steps(image)
    print(kind, over / inside)
    assert 0.9 < over / inside < 1.1


def test_the_judge_sees_no_seam():
    image = texture("saturated")
    strips = [np.roll(image, shift, axis=2)[:, :, :32] for shift in (16, -12, -44)]
    seam, *inside = (judge.judge(strip, [(style("saturated"), 1.0)]) for strip in strips)
    print(seam, inside)
    assert seam < 1.1 * max(inside)


def test_a_rolled_start_makes_a_rolled_texture():
    start = noise(64, 64)
    options = FEW | {"tile": "xy", "size": 64, "scales": 1, "evaluations": 8}
    image, moved = (
        tfstyle.synthesize_texture(style("light"), init=init, **options).image
        for init in (start, np.roll(start, (16, 32), axis=(1, 2)))
    )
    assert np.abs(np.roll(image, (16, 32), axis=(1, 2)) - moved).max() < 2e-3
    assert np.abs(image - start).mean() > 0.1


def test_a_stylizer_makes_the_same_tile():
    content = noise(40, 71, 5)
    options = FEW | {"tile": "x", "evaluations": 4, "style_layers": ["block1_conv1"]}
    options["content_layers"] = ["block2_conv1"]
    library = tfstyle.stylize(content, style("light"), size=(71, 40), **options).image
    painted = tfstyle.Stylizer(style("light"), **options)(content)
    np.testing.assert_allclose(painted, library, atol=2e-3)


def test_a_ready_network_cannot_be_tiled():
    with pytest.raises(ValueError, match="^tile: expected nothing beside a ready network"):
        tfstyle.synthesize_texture(
            style("light"), tile="x", features=network(), style_layers=list(STYLE)
        )


def test_tiles_have_an_engine_of_their_own():
    plain, tiled = (engine._key(TextureSettings(tile=tile)) for tile in (None, "x"))
    assert plain != tiled
