"""Weights of positions in statistics and in the discriminator."""

import numpy as np
import pytest
import tensorflow as tf
from test_regions import half

from tfstyle import (
    statistics,
)
from tfstyle.discriminator import Discriminator

WEIGHING = [name for name in statistics.CRITERIA if statistics.get(name).weighs]

weighing_statistics = pytest.mark.parametrize(
    "name", [name for name in WEIGHING if name != "discriminator"]
)


def features(height=6, width=8, channels=5, seed=0):
    values = np.random.default_rng(seed).gamma(1.0, 1.0, (1, height, width, channels))
    return tf.constant(values, tf.float32)


@weighing_statistics
def test_whole_weights_repeat_positions(name):
    """A weight of n counts a position n times: the statistic of the map with its copies."""
    times = np.random.default_rng(1).integers(0, 4, 48)
    seen = features()
    copies = tf.constant(np.repeat(seen.numpy().reshape(48, 5), times, axis=0)[None, None])
    statistic = statistics.get(name)
    weights = tf.constant(times.reshape(1, 6, 8, 1), tf.float32)
    nests = statistic.measure(seen, weights / 7), statistic.measure(copies)
    # Weights are rounded where they are sorted.
    tolerance = 5e-3 if name == "sliced_wasserstein" else 1e-5
    for here, there in zip(*map(tf.nest.flatten, nests)):
        np.testing.assert_allclose(here, there, rtol=tolerance, atol=tolerance)


@weighing_statistics
def test_gradients_with_weights_are_differences(name):
    statistic, seen = statistics.get(name), features(5, 4, 3).numpy().astype(np.float64)
    weights = tf.constant(np.random.default_rng(2).uniform(0, 1, (1, 5, 4, 1)), tf.float32)
    target = statistic.target([features(4, 4, 3, seed=1)], [1.0], [None])

    def loss(values):
        return statistic.loss(tf.cast(values, tf.float32), target, weights)

    values = tf.Variable(seen)
    with tf.GradientTape() as tape:
        total = loss(values)
    gradient = tape.gradient(total, values).numpy()
    direction = np.random.default_rng(3).standard_normal(seen.shape)
    step = 2e-2 if name == "sliced_wasserstein" else 2e-3
    change = (loss(seen + step * direction) - loss(seen - step * direction)) / (2 * step)
    tolerance = 0.1 if name == "sliced_wasserstein" else 0.01  # samples that share a bin
    assert np.sum(gradient * direction) == pytest.approx(float(change), rel=tolerance)


@pytest.mark.slow
def test_the_discriminator_sees_what_has_weight():
    """Two halves, one like the style: with the weights of that half it cannot tell them apart."""
    alike, other = features(16, 8), 5 + features(16, 8, seed=1)
    both = tf.concat([alike, other], axis=2)
    weights = tf.constant(half(16, 16, 8)[None, ..., None])
    learner = Discriminator(steps=10, warm_up=0, learning_rate=0.05, positions=0)
    target = learner.target([both], [1.0], [weights])
    np.testing.assert_array_equal(target["samples"], alike.numpy().reshape(-1, 5))
    loss, expected = learner.loss(both, target, weights), learner.loss(alike, target)
    np.testing.assert_allclose(loss, expected, rtol=1e-6)
    train = tf.function(learner.train)
    accuracies = []
    for mask in (weights, 1 - weights):
        trained, _ = train(both, target, mask)
        accuracies.append(float(train(both, trained, mask)[1]))
    assert accuracies[0] == 0.5 and accuracies[1] > 0.95
