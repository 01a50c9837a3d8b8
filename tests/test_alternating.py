"""Turns between trainings of an objective and steps of the image."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from test_discriminator import features
from test_discriminator_sight import Chase

from tfstyle import Outcome
from tfstyle.discriminator import Discriminator
from tfstyle.optimizers import adam, base
from tfstyle.optimizers.alternating import Alternating
from tfstyle.optimizers.lbfgs import LBFGS

INNER = {"adam": adam.Adam, "lbfgs": LBFGS}


@functools.cache
def chase():
    return Chase(Discriminator(hidden=(4,), steps=2, warm_up=3, positions=10))


def beginning():
    return features(2), chase().model.target([features(1)], [1.0])


def assert_same(first, second):
    tf.nest.assert_same_structure(first, second)
    for x, y in zip(tf.nest.flatten(first), tf.nest.flatten(second)):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("name", INNER)
def test_a_state_is_resumed_exactly(name):
    image, targets = beginning()
    optimizer = Alternating(INNER[name](), every=2)
    state = optimizer.start_for(chase(), image, targets)
    _, advance = optimizer._graph(chase(), image, targets)
    whole, losses = advance(state, targets, tf.constant(8))
    half, first = advance(state, targets, tf.constant(4))
    half, second = advance(half, targets, tf.constant(8))
    assert_same(half, whole)
    np.testing.assert_array_equal(np.concatenate([first, second]), losses)
    trainings = {"adam": 4, "lbfgs": 3}[name]  # L-BFGS needs an evaluation more after each
    assert int(whole.targets["steps"]) == 3 + trainings * 2  # warm-up, and 2 steps a training
    assert not np.array_equal(whole.image, image)


@pytest.mark.parametrize("name", INNER)
def test_chunks_change_nothing(name, monkeypatch):
    results = []
    for seconds in (1e-9, 1e9):
        monkeypatch.setattr(base, "CHUNK_SECONDS", seconds)
        optimizer = Alternating(INNER[name](), every=3)
        results.append(optimizer.minimize(chase(), *beginning(), 10))
    np.testing.assert_array_equal(results[0].losses, results[1].losses)
    np.testing.assert_array_equal(results[0].image, results[1].image)
    assert_same(results[0].state.targets, results[1].state.targets)
    trainings = {"adam": 4, "lbfgs": 3}[name]  # before 1, 4, 7 and 10; before 1, 5 and 9
    assert int(results[0].state.targets["steps"]) == 3 + trainings * 2


def test_lbfgs_begins_again_after_a_training():
    # What it knew of the losses is wrong now: the next evaluation is where the last image is.
    optimizer = Alternating(LBFGS(), every=3)
    image, targets = beginning()
    state = optimizer.start_for(chase(), image, targets)
    _, advance = optimizer._graph(chase(), image, targets)
    before, _ = advance(state, targets, tf.constant(4))
    assert np.max(before.inner.age) >= 0
    after, losses = advance(before, targets, tf.constant(5))
    assert np.max(after.inner.age) == -1 and int(after.evaluations) == 5
    np.testing.assert_array_equal(after.image, before.image)
    np.testing.assert_allclose(losses[0, 1], chase()(before.image, after.targets)[0], rtol=1e-5)
    assert losses[0, 2] == chase().train(before.image, before.targets)[1]


def test_adam_keeps_its_moments_over_trainings():
    # A loss that does not change with the trainings: Adam alone takes the same steps.
    class Bowl:
        def __call__(self, image, targets):
            loss = tf.reduce_sum(tf.square(image - 1) * targets["scale"])
            return loss, {"bowl": loss}

        def train(self, image, targets):
            return targets | {"trainings": targets["trainings"] + 1}, tf.constant(0.5)

    targets = {"scale": tf.constant([1.0, 5.0, 9.0]), "trainings": tf.constant(0)}
    bowl, image = Bowl(), features(2)
    learning = Alternating(adam.Adam()).minimize(bowl, image, targets, 9)
    alone = adam.Adam().minimize(bowl, image, targets, 9)
    np.testing.assert_array_equal(learning.image, alone.image)
    np.testing.assert_array_equal(learning.losses[:, :2], alone.losses)
    assert (learning.losses[:, 2] == 0.5).all() and int(learning.state.targets["trainings"]) == 9


def look_until(limit):
    """Features that are not numbers any more when the image has gone so far."""

    def look(image):
        far = tf.reduce_max(tf.abs(image - features(2))) > limit
        return tf.where(far, float("nan"), image)

    return look


def test_not_a_number_ends_the_run_with_the_last_image():
    objective = Chase(chase().model, look_until(0.07))
    result = Alternating(adam.Adam(0.02)).minimize(objective, *beginning(), 50)
    assert result.outcome is Outcome.NOT_FINITE and result.evaluations < 50
    assert np.isfinite(result.image).all() and np.isfinite(result.parts["style"])
    assert 0.03 < np.abs(result.image - features(2)).max() <= 0.07  # a step is 0.02 or less


def test_lbfgs_goes_back_where_features_are_not_numbers():
    objective = Chase(chase().model, look_until(0.07))
    result = Alternating(LBFGS(first_step=0.1), every=8).minimize(objective, *beginning(), 40)
    assert np.isfinite(result.image).all() and np.isfinite(result.parts["style"])
    assert 0 < np.abs(result.image - features(2)).max() <= 0.07


@pytest.mark.parametrize("name", INNER)
def test_features_that_are_not_numbers_from_the_start(name):
    objective = Chase(chase().model, lambda image: image * float("nan"))
    result = Alternating(INNER[name]()).minimize(objective, *beginning(), 50)
    assert result.outcome is Outcome.NOT_FINITE
    np.testing.assert_array_equal(result.image, features(2))


@pytest.mark.parametrize("every", [1, 4])
def test_lbfgs_moves_the_image_between_trainings(every):
    image, targets = beginning()
    result = Alternating(LBFGS(), every=every).minimize(chase(), image, targets, 20)
    steps = np.abs(result.image - image)
    assert steps.max() > 0.02 and np.isfinite(result.image).all()
