"""An image worked on in blocks: the same numbers, in less memory."""

import dataclasses
import functools
import math

import numpy as np
import pytest
import tensorflow as tf
from test_losses import measured_targets

from tfstyle import Outcome, api, engine, losses, settings, statistics, workload
from tfstyle.blocks import measure
from tfstyle.blocks.block import Block
from tfstyle.blocks.grid import Grid
from tfstyle.blocks.objective import Blocked
from tfstyle.features import vgg
from tfstyle.features.architectures import VGG19, VGG19_COMPACT, Architecture
from tfstyle.optimizers import base
from tfstyle.optimizers.lbfgs import LBFGS
from tfstyle.settings import choices
from tfstyle.workload import Strategy, Workload

# Three poolings, so that a radius of 26 pixels is no multiple of the stride.
TINY = Architecture(repeats=(2, 1, 1, 1), widths=(4, 6, 6, 8), weights="bundled", scale=0.02)
CONTENT = ("block2_conv1", "block3_conv1")
STYLE = ("block1_conv1", "block2_conv1", "block4_conv1")
LAYERS = (*STYLE, *CONTENT)
WEIGHTS = {"content": 1.5, "style": 7.0, "tv": 0.4}
MIXING = ("gram", "mean", "mean_covariance", "channel_moments", "gaussian_w2")


def build(architecture, layers, pooling="average", padding="reflect"):
    """A float32 network with random weights that keep the size of what goes through."""
    model = vgg.build(architecture, layers, pooling, padding, "float32")
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if layer.weights:
            kernel, bias = (weight.shape for weight in layer.weights)
            scale = np.sqrt(2 / np.prod(kernel[:-1]))
            layer.set_weights([scale * rng.standard_normal(kernel), rng.uniform(-0.3, 0.3, bias)])
    return model


@functools.cache
def network(pooling="average", padding="reflect"):
    return build(TINY, LAYERS, pooling, padding)


def pictures(height, width):
    rng = np.random.default_rng(1)
    values = rng.uniform(-0.1, 1.1, (3, 1, height, width, 3))
    values[0] *= np.linspace(0.2, 1, width)[:, None]  # so that its statistics are others
    return tf.constant(values, tf.float32)


def setting(model, name, height, width, weights=WEIGHTS, content=CONTENT, style=STYLE):
    """An objective with its targets, and an image that is not the solution."""
    image, kept, painted = pictures(height, width)
    statistic = statistics.get(name)
    goal = measured_targets(model, statistic, kept, [(painted, 1)], content, style)
    loss = losses.StyleLoss(statistic, {layer: n + 1.0 for n, layer in enumerate(style)})
    return losses.Objective(model, loss, weights), image, goal


def assert_same(blocked, whole, tolerance=1e-5):
    (loss, parts, gradient), (whole_loss, whole_parts, whole_gradient) = blocked, whole
    np.testing.assert_allclose(loss, whole_loss, rtol=tolerance)
    assert list(parts) == list(whole_parts)
    for name in parts:
        np.testing.assert_allclose(parts[name], whole_parts[name], rtol=tolerance, err_msg=name)
    error = np.abs(gradient - whole_gradient).max() / np.abs(whole_gradient).max()
    assert error < tolerance, error


@pytest.mark.parametrize(
    "name, pooling, padding",
    [(name, "average", "reflect") for name in MIXING]
    + [("gram", "max", "reflect"), ("gram", "average", "zeros"), ("gram", "max", "zeros")],
)
def test_blocks_give_loss_and_gradient_of_the_whole(name, pooling, padding):
    objective, image, goal = setting(network(pooling, padding), name, 101, 78)
    blocked = Blocked(objective, Grid.of(TINY, LAYERS, 32))
    assert_same(base.evaluate(blocked, image, goal), base.evaluate(objective, image, goal))


@pytest.mark.parametrize("table", [VGG19, VGG19_COMPACT], ids=["vgg19", "vgg19_compact"])
def test_with_the_layers_of_both_networks(table):
    layers = ("block4_conv2",), choices.GATYS_LAYERS
    slim = dataclasses.replace(table, widths=(4, 4, 6, 6, 8), heads=dict.fromkeys(table.heads, 8))
    model = build(slim, layers[0] + layers[1])
    objective, image, goal = setting(model, "gram", 131, 178, WEIGHTS, *layers)
    blocked = Blocked(objective, Grid.of(slim, layers[0] + layers[1], 64))
    assert blocked.grid[:3] == (
        64,
        16,
        80,
    )  # 2 * 1 + 2 * 2 + 4 * 4 + 4 * 8 + 16 = 70 pixels, rounded
    assert_same(base.evaluate(blocked, image, goal), base.evaluate(objective, image, goal))


@pytest.mark.parametrize("weights", [{"content": 2.0, "tv": 0.3}, {"style": 2.0}])
def test_terms_that_are_left_out(weights):
    objective, image, goal = setting(network(), "gram", 60, 41, weights)
    blocked = Blocked(objective, Grid.of(TINY, LAYERS, 16))
    assert_same(base.evaluate(blocked, image, goal), base.evaluate(objective, image, goal))


def test_one_graph_serves_all_sizes():
    objective, image, goal = setting(network(), "gram", 60, 41)
    blocked = Blocked(objective, Grid.of(TINY, LAYERS, 16))
    specs = tf.nest.map_structure(base.any_size, (image, goal))
    run = tf.function(lambda *x: base.evaluate(blocked, *x), input_signature=specs)
    assert_same(run(image, goal), base.evaluate(objective, image, goal))
    objective, image, goal = setting(network(), "gram", 33, 75)
    assert_same(run(image, goal), base.evaluate(objective, image, goal))


def test_a_narrower_halo_is_not_enough():
    objective, image, goal = setting(network(), "gram", 101, 78)
    grid = Grid.of(TINY, LAYERS, 32)
    narrow = Blocked(objective, grid._replace(halo=grid.halo - grid.stride))
    whole, other = base.evaluate(objective, image, goal), base.evaluate(narrow, image, goal)
    assert np.abs(other[2] - whole[2]).max() > 1e-3 * np.abs(whole[2]).max()


def gaussians(style):
    """Means and covariances out of what is remembered of a style, by layer."""
    return {
        layer: (mean, tf.matmul(basis * variances, basis, transpose_b=True))
        for layer, (mean, basis, variances, *_) in style.items()
    }


@pytest.mark.parametrize("name", ["gram", "gaussian_w2"])
def test_targets_in_blocks_are_those_of_the_whole(name):
    kept, *painted = pictures(85, 101)
    styles = [(painted[0][:, :50], 0.25), (painted[1], 0.75)]
    model, statistic, grid = network(), statistics.get(name), Grid.of(TINY, LAYERS, 32)
    whole, blocked = (
        (
            measure.activations(model, kept, CONTENT, each),
            measure.style(model, statistic, styles, STYLE, 3, each),
        )
        for each in (None, grid)
    )
    if name == "gaussian_w2":  # eigenvectors have no sign
        whole, blocked = ((content, gaussians(style)) for content, style in (whole, blocked))
    assert len(tf.nest.flatten(blocked)) == len(tf.nest.flatten(whole)) >= 5
    for one, other in zip(tf.nest.flatten(blocked), tf.nest.flatten(whole)):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5 * np.abs(other).max())


def test_blocks_cover_a_picture_once():
    grid = Grid(48, 16, 16, ())
    for shape in [(32, 32), (100, 47), (161, 97)]:
        seen = np.zeros(shape, int)
        for number in range(grid.count(shape[0]) * grid.count(shape[1])):
            block = Block.of(grid, number, tf.constant(shape))
            assert not np.any(block.begin % 16) and np.all(block.end - block.begin >= 16)
            assert np.all(block.high - block.low <= [grid.longest(side) for side in shape])
            rows, columns = (slice(*ends) for ends in zip(block.begin, block.end))
            seen[rows, columns] += 1
        assert np.all(seen == 1)


def test_the_statistics_that_mix():
    """The rest cannot be measured in parts."""
    mixing = [name for name in statistics.CRITERIA if statistics.get(name).mixes]
    assert sorted(mixing) == sorted(MIXING)


PIXELS = np.random.default_rng(0).random((2, 128, 160, 3)).astype(np.float32)
FEW = {
    "size": 160,
    "evaluations": 6,
    "scales": 1,
    "precision": "float32",
    "content_layers": ["block2_conv1"],
    "style_layers": ["block1_conv1", "block2_conv1", "block3_conv1"],
}


def in_blocks(monkeypatch, side):
    """All levels are worked on in blocks; what cannot be is still refused."""
    monkeypatch.setattr(workload, "SIDES", (side,))


def test_stylize_in_blocks_makes_the_same_picture(monkeypatch):
    whole = api.stylize(*PIXELS, **FEW)
    in_blocks(monkeypatch, 64)
    blocked = api.stylize(*PIXELS, **FEW)
    np.testing.assert_allclose(blocked.losses, whole.losses, rtol=1e-3)
    assert np.abs(blocked.image - whole.image).max() < 1e-2 < np.abs(whole.image - PIXELS[0]).max()


def test_an_inversion_in_blocks_makes_the_same_picture(monkeypatch):
    """Its steps are those of the whole: waves do not end at the border of a block."""
    asked = {"layer": "block2_conv1", "evaluations": 6, "scales": 1, "precision": "float32"}
    whole = api.invert(PIXELS[0], **asked)
    in_blocks(monkeypatch, 64)
    blocked = api.invert(PIXELS[0], **asked)
    np.testing.assert_allclose(blocked.losses, whole.losses, rtol=1e-3)
    assert np.abs(blocked.image - whole.image).max() < 1e-2


@pytest.mark.parametrize(
    "statistic", ["sliced_wasserstein", "nearest", "long_range", "discriminator"]
)
def test_blocks_with_other_statistics_are_an_error(monkeypatch, statistic):
    in_blocks(monkeypatch, 64)
    with pytest.raises(ValueError, match="^statistic: expected a mean over positions such as gram"):
        api.stylize(*PIXELS, statistic=statistic, **FEW)


def out_of_memory(monkeypatch, most):
    """The third evaluation and all later ones fail on more than so many pixels at once."""
    real, calls = losses.TotalVariation.call, []

    def check(pixels):
        calls.append(pixels)
        if pixels > most and len(calls) > 2:
            raise MemoryError
        return np.float32(0)

    def call(self, image):
        zero = tf.numpy_function(check, [tf.size(image) // 3], tf.float32)
        return real(self, image) + tf.ensure_shape(zero, [])

    monkeypatch.setattr(losses.TotalVariation, "call", call)
    # No graph of another test, and this one for no other.
    monkeypatch.setattr(engine, "_engines", engine.Cache(1))


@pytest.mark.slow
def test_out_of_memory_goes_on_in_smaller_blocks(monkeypatch, caplog):
    out_of_memory(monkeypatch, most=200**2)
    seen = []
    arguments = FEW | {"size": (288, 160)}
    result = api.stylize(*PIXELS, callback=lambda p: seen.append(p.evaluations), **arguments)
    assert result.outcome is Outcome.DONE and result.evaluations == 6
    assert caplog.messages == [
        "out of memory: the run continues in blocks of 152 pixels"
    ]  # half of 306
    assert result.losses[:, 0].tolist() == [1, 2, 3, 4, 5, 6]
    assert np.argmax(result.losses[:, 1]) == 0  # it did not start anew
    assert seen == sorted(seen) and seen[-1] == 6


def test_out_of_memory_in_the_smallest_blocks_ends_the_run(monkeypatch):
    out_of_memory(monkeypatch, most=0)
    result = api.stylize(*PIXELS, **FEW)  # of 170 pixels: no half of it is large enough
    assert result.outcome is Outcome.OUT_OF_MEMORY and 0 < result.evaluations < 6
    assert result.image.shape == (1, 128, 160, 3)


def test_out_of_memory_at_the_start_of_a_scale_keeps_the_picture_so_far(monkeypatch):
    out_of_memory(monkeypatch, most=100**2)
    result = api.stylize(*PIXELS, **FEW | {"scales": 2})
    assert result.outcome is Outcome.OUT_OF_MEMORY and 2 <= result.evaluations < 6
    assert result.image.shape == (1, 128, 160, 3)


LOAD = Workload(
    VGG19_COMPACT, LAYERS, STYLE, 2, statistics.get("gram"), LBFGS(), "lbfgs", settings.DEFAULTS
)


@pytest.mark.parametrize("text", ["8", "GB", "8 GB!", "-1GB", "1e3GB", "8TB", "", 8])
def test_memory_that_is_no_size(text):
    with pytest.raises(ValueError, match="^memory: expected a size such as 8GB or 512MB"):
        api.stylize(*PIXELS, memory=text, **FEW)


def test_in_blocks_only_images_and_the_target_grow_with_the_size():
    """By activations less than a whole image: 2 bytes for each channel and each head's."""
    slopes = [
        (LOAD.memory(8192, 4096, way) - LOAD.memory(4096, 4096, way)) / 4096**2
        for way in (Strategy(512), Strategy())
    ]
    channels = (16 + 16 + 64) + (2 * 32 + 128) / 4 + (4 * 64 + 256) / 16 + (128 + 512) / 64
    assert slopes[1] - slopes[0] == pytest.approx(workload.ACTIVATION_COPIES * 2 * channels)
    images = 14 + 4.2 * 10  # of 3 channels, 4 bytes each
    assert slopes[0] == pytest.approx(images * 12 + 2 * 2 * 256 / 16)  # twice a target


def test_more_memory_means_larger_blocks_and_longer_histories():
    budgets = [math.inf, 12e9, 9e9, 7.5e9, 6e9, 5e9]
    ways = [LOAD.choose(4096, 3072, budget) for budget in budgets]
    assert ways[0] == (None, None, None)
    for budget, way in zip(budgets, ways):
        assert LOAD.memory(4096, 3072, way) <= budget
    pairs = [way.history or (0 if way.optimizer else 10) for way in ways]
    assert pairs == sorted(pairs, reverse=True)
    with pytest.raises(ValueError, match=r"^memory: expected at least \d\.\dGB .*, received 2.0GB"):
        LOAD.choose(4096, 3072, 2e9)
