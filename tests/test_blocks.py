"""An image worked on in blocks: the same numbers, in less memory."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from tfstyle import blocks, losses, statistics, targets
from tfstyle.features import vgg
from tfstyle.features.architectures import Architecture
from tfstyle.grid import Grid
from tfstyle.optimizers import base

# Three poolings, so that a radius of 26 pixels is no multiple of the stride.
TINY = Architecture(repeats=(2, 1, 1, 1), widths=(4, 6, 6, 8), weights="bundled", scale=0.02)
CONTENT = ("block2_conv1", "block3_conv1")
STYLE = ("block1_conv1", "block2_conv1", "block4_conv1")
LAYERS = (*STYLE, *CONTENT)
WEIGHTS = {"content": 1.5, "style": 7.0, "tv": 0.4}
MIXING = ("gram", "mean", "mean_covariance", "channel_moments", "gaussian_w2")


@functools.cache
def network(pooling="average", padding="reflect"):
    model = vgg.build(TINY, LAYERS, pooling, padding, "float32")
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if layer.weights:
            kernel, bias = (weight.shape for weight in layer.weights)
            scale = np.sqrt(2 / np.prod(kernel[:-1]))
            layer.set_weights([scale * rng.standard_normal(kernel), rng.uniform(-0.3, 0.3, bias)])
    return model


def pictures(height, width):
    rng = np.random.default_rng(1)
    values = rng.uniform(-0.1, 1.1, (3, 1, height, width, 3))
    values[0] *= np.linspace(0.2, 1, width)[:, None]  # so that its statistics are others
    return tf.constant(values, tf.float32)


def setting(model, name, height, width, weights=WEIGHTS, content=CONTENT, style=STYLE):
    """An objective with its targets, and an image that is not the solution."""
    image, kept, painted = pictures(height, width)
    statistic = statistics.get(name)
    goal = targets.measure(model, statistic, kept, [(painted, 1)], content, style)
    loss = losses.StyleLoss(statistic, dict(zip(style, (1.0, 2.0, 3.0))))
    return losses.Objective(model, loss, weights), image, goal


def evaluate(objective, image, goal):
    return tf.function(lambda image, goal: base.evaluate(objective, image, goal))(image, goal)


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
    blocked = blocks.Blocked(objective, Grid.of(TINY, LAYERS, 32))
    assert_same(evaluate(blocked, image, goal), evaluate(objective, image, goal))
