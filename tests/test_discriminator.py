"""The discriminator: what it can tell apart and remove, its numbers, and whole runs against it."""

import functools
import os
import shlex

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from PIL import Image
from test_synthesis import assert_picture, checks, network, stripes, stylize, texture

from tfstyle import cli, images
from tfstyle.discriminator import BETA_1, BETA_2, SCALE, Discriminator
from tfstyle.optimizers import adam, base
from tfstyle.optimizers.alternating import Alternating
from tfstyle.optimizers.lbfgs import LBFGS

# --- clouds of feature vectors, of which is known what tells them apart --------------------------

POSITIONS = 1500
SHIFT = np.array([1.2, -0.5])
KINDS = {
    "linear": {"hidden": ()},
    "quadratic": {"hidden": (), "features": "quadratic"},
    "hidden": {"hidden": (32,)},
}


def white(rows):
    """With the mean 0 and the covariance I exactly, so that they tell nothing."""
    rows = rows - rows.mean(axis=0)
    root = np.linalg.cholesky(rows.T @ rows / len(rows))
    return rows @ np.linalg.inv(root).T


def correlated(rows, correlation):
    return rows @ np.linalg.cholesky([[1, correlation], [correlation, 1]]).T


@functools.cache
def clouds(difference):
    """Vectors `[n, 2]` of style and image, and the best accuracy there is on both."""
    rng = np.random.default_rng(0)
    style, image = (white(rng.standard_normal((POSITIONS, 2))) for _ in range(2))
    normal = scipy.stats.norm.cdf
    if difference == "mean":
        return style, image + SHIFT, normal(np.linalg.norm(SHIFT) / 2)
    if difference == "correlation":
        # Along the diagonals the variances are 1.8, 0.2 and 0.2, 1.8: style is where |u| > |v|.
        best = 2 / np.pi * np.arctan(np.sqrt(1.8 / 0.2))
        return correlated(style, 0.8), correlated(image, -0.8), best
    if difference == "variance":
        # Only channel 0 differs: deviations 1 and 3, of equal density where x^2 = 9/4 log 3.
        border = 1.5 * np.sqrt(np.log(3))
        best = 0.5 * (2 * normal(border) - 1) + 0.5 * 2 * normal(-border / 3)
        return style, image * [3, 1], best
    signs = rng.choice([-1, 1], (POSITIONS, 2))
    image = white(np.sqrt(0.9) * signs + np.sqrt(0.1) * image)

    def ratio(rows):
        """Of the densities: each channel is a mixture of two normal ones at +-sqrt(0.9)."""
        peaks = scipy.stats.norm.pdf(rows[..., None], [[[-np.sqrt(0.9), np.sqrt(0.9)]]], 0.1**0.5)
        return np.prod(peaks.mean(axis=-1) / scipy.stats.norm.pdf(rows), axis=1)

    return style, image, (np.mean(ratio(style) < 1) + np.mean(ratio(image) > 1)) / 2


def as_map(rows, height=30):
    return tf.constant(np.reshape(rows, (1, height, -1, rows.shape[-1])), tf.float32)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.logaddexp(0, x)


@functools.cache
def trained(kind, difference):
    """Accuracy after training, and the logits of style and image."""
    style, image, _ = (as_map(x) if np.ndim(x) else x for x in clouds(difference))
    options = {"steps": 400, "warm_up": 0, "learning_rate": 0.02, "positions": 0, "penalty": 0}
    model = Discriminator(**KINDS[kind], **options)
    learn = tf.function(model.learn)
    target, _ = learn(image, model.target([style], [1.0]))
    accuracy = float(learn(image, target)[1])  # of what was learned in the first lesson
    return accuracy, [numpy_logits(model, x, target) for x in (style, image)]


@pytest.mark.parametrize(
    "kind, difference",
    [
        ("linear", "mean"),
        ("quadratic", "mean"),
        ("hidden", "mean"),
        ("quadratic", "correlation"),
        ("hidden", "correlation"),
        ("quadratic", "variance"),
        ("hidden", "variance"),
        ("hidden", "fourth moment"),
    ],
)
def test_sees_as_much_as_anything_can(kind, difference):
    accuracy, logits = trained(kind, difference)
    best = clouds(difference)[2]
    assert best > 0.64
    assert accuracy == pytest.approx(best, abs=0.025)  # 0.0125: two deviations of the sample
    assert (np.mean(logits[0] > 0) + np.mean(logits[1] < 0)) / 2 == pytest.approx(accuracy, 1e-3)


@pytest.mark.parametrize(
    "kind, difference",
    [
        ("linear", "correlation"),
        ("linear", "variance"),
        ("linear", "fourth moment"),
        ("quadratic", "fourth moment"),
    ],
)
def test_is_blind_to_moments_beyond_its_features(kind, difference):
    # Exactly so: with equal means of all features the best logistic regression says 1/2 everywhere.
    for logits in trained(kind, difference)[1]:
        assert np.abs(sigmoid(logits) - 0.5).max() < 0.01


class Chase:
    """An objective whose image is the feature map itself."""

    def __init__(self, model, look=lambda image: image):
        self.model, self.look = model, look

    def __call__(self, image, target):
        loss = self.model.loss(self.look(image), target)
        return loss, {"style": loss}

    def learn(self, image, target):
        return self.model.learn(self.look(image), target)


@functools.cache
def chased(kind, difference, evaluations=200):
    style, image, _ = clouds(difference)
    options = {"steps": 2, "warm_up": 50, "learning_rate": 0.03, "positions": 0, "penalty": 0.2}
    model = Discriminator(**KINDS[kind], **options)
    target = model.target([as_map(style)], [1.0])
    optimizer = Alternating(adam.Adam(0.02))
    result = optimizer.minimize(Chase(model), as_map(image), target, evaluations)
    return result.image.reshape(-1, 2)


def mean_gap(first, second):
    return np.linalg.norm(first.mean(axis=0) - second.mean(axis=0))


def covariance_gap(first, second):
    return np.linalg.norm(np.cov(first.T) - np.cov(second.T))


def kurtosis(rows):
    return np.mean(scipy.stats.kurtosis(rows, fisher=False))


@pytest.mark.parametrize("kind", KINDS)
def test_a_difference_in_the_mean_is_removed(kind):
    style, image, _ = clouds("mean")
    assert mean_gap(chased(kind, "mean"), style) < 0.1 * mean_gap(image, style)


@pytest.mark.parametrize("kind", ["quadratic", "hidden"])
def test_a_difference_in_the_covariance_is_removed(kind):
    style, image, _ = clouds("correlation")
    assert covariance_gap(chased(kind, "correlation"), style) < 0.1 * covariance_gap(image, style)


def test_a_linear_one_leaves_the_covariance_as_it_was():
    style, image, _ = clouds("correlation")
    made = chased("linear", "correlation")
    assert covariance_gap(made, style) > 0.9 * covariance_gap(image, style)
    assert mean_gap(made, style) < 0.05


def test_only_a_hidden_layer_removes_a_difference_in_the_fourth_moment():
    style, image, _ = clouds("fourth moment")
    wanted, before = kurtosis(style), kurtosis(image)
    assert wanted - before > 1.3
    assert kurtosis(chased("hidden", "fourth moment")) == pytest.approx(wanted, abs=0.3)
    for kind in ("linear", "quadratic"):
        assert kurtosis(chased(kind, "fourth moment")) == pytest.approx(before, abs=0.3)


# --- its numbers, against NumPy ------------------------------------------------------------------

MODEL = {"hidden": (4,), "features": "quadratic"}
LOSSES = {
    "non_saturating": lambda x: -np.log(sigmoid(x)),
    "minimax": lambda x: np.log(1 - sigmoid(x)),
    "confusion": lambda x: -(np.log(sigmoid(x)) + np.log(1 - sigmoid(x))) / 2,
    "least_squares": lambda x: (x - 1) ** 2,
}
every_loss = pytest.mark.parametrize("kind", LOSSES)


def features(seed, height=6, width=5, channels=3):
    """Positive and skewed, with very different channels."""
    rng = np.random.default_rng(seed)
    scales = np.array([5.0, 0.5, 1.0])[:channels]
    return tf.constant(scales * rng.gamma(1.5, 1.0, (1, height, width, channels)), tf.float32)


def numpy_normal(vectors, target):
    """By the style's own mean and deviation, plus 5 % of the mean deviation."""
    style = target["samples"].numpy().astype(np.float64)
    deviation = style.std(axis=0)
    rows = np.reshape(vectors, (-1, style.shape[1])).astype(np.float64)
    return (rows - style.mean(axis=0)) / (deviation + 0.05 * deviation.mean() + 1e-6)


def numpy_logits(model, vectors, target, variables=None):
    rows = numpy_normal(vectors, target)
    variables = target["variables"] if variables is None else variables
    values = [np.asarray(variable, np.float64) for variable in variables]
    quadratic = 0
    if model.features == "quadratic":
        (matrix,) = (x[0, 0] for x in values if x.shape == (1, 1, rows.shape[1], rows.shape[1]))
        quadratic = np.einsum("ni,ij,nj->n", rows, matrix, rows) / rows.shape[1]
        values = [x for x in values if x.shape != (1, 1, rows.shape[1], rows.shape[1])]
    for number in range(len(model.hidden) + 1):
        kernel, bias = values[2 * number][0, 0], values[2 * number + 1]
        rows = rows @ kernel + bias
        if number < len(model.hidden):
            rows = np.where(rows > 0, rows, 0.2 * rows)
    return rows[:, 0] + quadratic


def numpy_training_loss(model, style, image, target, variables):
    logits = [numpy_logits(model, x, target, variables) for x in (style, image)]
    label = 1 - model.label_smoothing
    if model.image_loss == "least_squares":
        return np.mean((logits[0] - label) ** 2) + np.mean(logits[1] ** 2)
    told = np.log(sigmoid(logits[0])), np.log(1 - sigmoid(logits[0]))
    entropy = -label * told[0] - (1 - label) * told[1]
    return np.mean(entropy) - np.mean(np.log(1 - sigmoid(logits[1])))


def random_variables(target, seed=7):
    rng = np.random.default_rng(seed)
    shapes = [variable.shape for variable in target["variables"]]
    return [tf.constant(0.7 * rng.standard_normal(shape), tf.float32) for shape in shapes]


def prepared(seed=7, **options):
    """A discriminator of one step a lesson, and a target with random variables."""
    options = MODEL | {"steps": 1, "warm_up": 0, "positions": 0, "penalty": 0} | options
    model = Discriminator(**options)
    target = model.target([features(1)], [1.0])
    return model, target | {"variables": random_variables(target, seed)}


def first_gradients(model, image, target):
    """Of the training loss: after one step of Adam from 0 the means are (1 - beta) of them."""
    learned, _ = model.learn(image, target)
    return [mean.numpy() / (1 - BETA_1) for mean in learned["moments"][0]]


@every_loss
@pytest.mark.parametrize("hidden", [(), (4,), (4, 5)])
def test_image_loss_against_numpy(kind, hidden):
    model, target = prepared(image_loss=kind, hidden=hidden)
    image = features(2, 7, 9)
    expected = np.mean(LOSSES[kind](numpy_logits(model, image, target)))
    assert np.std(numpy_logits(model, image, target)) > 0.3
    loss = model.loss(image, target)
    assert loss.dtype == tf.float32 and loss.shape == ()
    np.testing.assert_allclose(loss, SCALE * expected, rtol=2e-5)


def test_bfloat16_features_are_looked_at_in_float32():
    model, target = prepared()
    image = tf.cast(features(2), tf.bfloat16)
    expected = np.mean(LOSSES["non_saturating"](numpy_logits(model, image, target)))
    np.testing.assert_allclose(model.loss(image, target), SCALE * expected, rtol=2e-5)


def test_loss_of_one_that_knows_nothing():
    model, target = prepared(hidden=(), features="linear")
    target |= {"variables": [tf.zeros_like(x) for x in target["variables"]]}
    np.testing.assert_allclose(model.loss(features(2), target), SCALE * np.log(2), rtol=1e-6)


@every_loss
def test_image_gradient_against_finite_differences(kind):
    model, target = prepared(image_loss=kind)
    image = features(2)
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = model.loss(image, target)
    gradient = tape.gradient(loss, image).numpy().astype(np.float64)
    rng, found, expected, step = np.random.default_rng(3), [], [], 1e-6
    for _ in range(5):
        direction = rng.standard_normal(image.shape)
        ends = [image.numpy() + side * step * direction for side in (1, -1)]
        values = [SCALE * np.mean(LOSSES[kind](numpy_logits(model, x, target))) for x in ends]
        expected.append((values[0] - values[1]) / (2 * step))
        found.append(np.sum(gradient * direction))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


@every_loss
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_training_gradient_against_finite_differences(kind, smoothing):
    model, target = prepared(image_loss=kind, label_smoothing=smoothing)
    style, image = features(1), features(2, 4, 11)
    variables = [variable.numpy().astype(np.float64) for variable in target["variables"]]
    rng, step = np.random.default_rng(3), 1e-6
    for number, gradient in enumerate(first_gradients(model, image, target)):
        direction = rng.standard_normal(gradient.shape)
        values = []
        for side in (1, -1):
            moved = list(variables)
            moved[number] = variables[number] + side * step * direction
            values.append(numpy_training_loss(model, style, image, target, moved))
        expected = (values[0] - values[1]) / (2 * step)
        found = np.sum(gradient * direction)
        assert found == pytest.approx(expected, rel=2e-3, abs=2e-4), number


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_gradient_of_logistic_regression(smoothing):
    model, target = prepared(hidden=(), features="linear", label_smoothing=smoothing)
    style, image = features(1), features(2, 4, 11)
    weights, bias = first_gradients(model, image, target)
    errors = [
        (sigmoid(numpy_logits(model, x, target)) - label, numpy_normal(x, target))
        for x, label in ((style, 1 - smoothing), (image, 0))
    ]
    expected = sum(np.mean(error[:, None] * rows, axis=0) for error, rows in errors)
    np.testing.assert_allclose(weights[0, 0, :, 0], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(bias, [sum(e.mean() for e, _ in errors)], rtol=1e-4, atol=1e-6)


def test_the_penalty_of_logistic_regression_is_its_squared_weight():
    options = {"hidden": (), "features": "linear"}
    (free, target), (held, _) = prepared(**options), prepared(penalty=0.3, **options)
    without, with_penalty = (first_gradients(m, features(2), target) for m in (free, held))
    weights = target["variables"][0].numpy()
    np.testing.assert_allclose(with_penalty[0] - without[0], 0.3 * 2 * weights, rtol=1e-4)
    np.testing.assert_allclose(with_penalty[1], without[1], rtol=1e-6)


def test_the_accuracy_is_that_before_the_lesson():
    for kind, border in (("non_saturating", 0), ("least_squares", 0.5)):
        model, target = prepared(image_loss=kind, steps=5)
        style, image = features(1), features(2)
        right = numpy_logits(model, style, target) > border
        right = np.concatenate([right, numpy_logits(model, image, target) < border])
        np.testing.assert_allclose(model.learn(image, target)[1], right.mean(), rtol=1e-6)


def test_a_lesson_is_steps_of_keras_adam():
    model, target = prepared(steps=4, warm_up=2, learning_rate=0.03, hidden=(), features="linear")
    style, image = (numpy_normal(x, target).astype(np.float32) for x in (features(1), features(2)))
    weights, bias = (tf.Variable(x) for x in target["variables"])
    theirs = keras.optimizers.Adam(0.03, BETA_1, BETA_2, epsilon=1e-7)
    for _ in range(6 + 4):  # a lesson with the warm-up, and one without
        with tf.GradientTape() as tape:
            logits = [x @ weights[0, 0] + bias for x in (style, image)]
            cross = tf.nn.sigmoid_cross_entropy_with_logits
            pairs = zip((tf.ones_like, tf.zeros_like), logits)
            loss = sum(tf.reduce_mean(cross(labels(x), x)) for labels, x in pairs)
        theirs.apply(tape.gradient(loss, [weights, bias]), [weights, bias])
    learned = model.learn(features(2), model.learn(features(2), target)[0])[0]
    assert int(learned["steps"]) == 10
    for ours, variable in zip(learned["variables"], (weights, bias)):
        np.testing.assert_allclose(ours, variable, rtol=1e-3, atol=1e-5)


def test_moments_are_those_of_keras_adam():
    variable, matrix = tf.Variable([1.0, -2.0, 0.5]), tf.constant([1.0, 5.0, 20.0])
    theirs = keras.optimizers.Adam(0.05, 0.8, 0.95, epsilon=1e-7)
    ours = variable.value()
    mean = square = tf.zeros(3)
    for count in range(1, 16):
        theirs.apply([matrix * variable], [variable])
        mean, square, change = adam.moments(matrix * ours, mean, square, count, 0.8, 0.95, 1e-7)
        ours = ours - 0.05 * change
        np.testing.assert_allclose(ours, variable, rtol=1e-4, atol=1e-6)


# --- positions, balance, mixtures, seeds ---------------------------------------------------------


def test_places_do_not_matter():
    model, target = prepared()
    image = features(2)
    order = np.random.default_rng(0).permutation(30)
    moved = tf.reshape(tf.gather(tf.reshape(image, [30, 3]), order), [1, 10, 3, 3])
    tiled = tf.tile(image, [1, 2, 1, 1])
    for other in (moved, tiled):
        np.testing.assert_allclose(model.loss(other, target), model.loss(image, target), rtol=1e-5)


def test_the_classes_are_balanced():
    # 5 times as many positions of the image, or of the style: the same training.
    model, target = prepared(steps=3)
    image = features(2)
    for larger in (
        model.learn(tf.tile(image, [1, 5, 1, 1]), target),
        model.learn(image, target | {"samples": tf.tile(target["samples"], [5, 1])}),
    ):
        expected = model.learn(image, target)[0]
        tf.nest.map_structure(
            lambda x, y: np.testing.assert_allclose(x, y, rtol=2e-3, atol=1e-5),
            (larger[0]["variables"], larger[0]["moments"]),
            (expected["variables"], expected["moments"]),
        )


def test_positions_are_drawn_from_all():
    # A lesson on 10 positions of 30 differs with the seed, and its gradient is right on average.
    image, gradients = features(2), []
    for seed in range(100):
        model, target = prepared(positions=10, hidden=(), features="linear")
        gradients.append(first_gradients(model.seeded(seed), image, target)[0].ravel())
    whole = first_gradients(*(lambda m, t: (m, image, t))(*prepared(hidden=(), features="linear")))
    error = np.std(gradients, axis=0) / np.sqrt(len(gradients))
    assert (error > 0).all()
    assert (np.abs(np.mean(gradients, axis=0) - whole[0].ravel()) < 4 * error).all()


def test_a_blend_is_a_mixture():
    dark, light = tf.zeros([1, 8, 10, 3]), tf.ones([1, 20, 30, 3])
    model = Discriminator()
    samples = model.target([dark, light], [0.25, 0.75])["samples"].numpy()
    assert len(samples) == 320 and set(samples.ravel()) == {0, 1}  # all 80, and 240 of the other
    assert samples.mean() == 0.75
    third = model.target([dark, light, dark], [1 / 3] * 3)["samples"].numpy()
    assert third.mean() == pytest.approx(1 / 3, abs=0.01) and len(third) == pytest.approx(240, 0.02)


def test_a_blend_of_a_style_with_itself_is_that_style():
    model, style = Discriminator(), features(1, 40, 50)
    alone = model.target([style], [1.0])
    half = model.target([style, style], [0.5, 0.5])
    np.testing.assert_allclose(half["mean"], alone["mean"], rtol=1e-5)
    np.testing.assert_allclose(half["deviation"], alone["deviation"], rtol=1e-5)
    other = model.target([style, style], [0.3, 0.7])
    error = style.numpy().std(axis=(1, 2))[0] / np.sqrt(2000)
    assert (np.abs(other["mean"] - alone["mean"]) < 4 * error).all()


def test_what_is_drawn_depends_on_the_seed_alone():
    def variables(seed):
        model = Discriminator(hidden=(5,), positions=8, steps=2, seed=seed)
        target = model.target([features(1), features(3, 9, 9)], [0.4, 0.6])
        learned = model.learn(features(2), model.learn(features(2), target)[0])[0]
        return [target["samples"], *target["variables"], *learned["variables"]]

    first, second, other = (variables(seed) for seed in (4, 4, 5))
    for x, y in zip(first, second):
        np.testing.assert_array_equal(x, y)
    assert not np.array_equal(first[0], other[0])
    assert not np.allclose(first[1], other[1]) and not np.allclose(first[-2], other[-2])


def test_the_first_weights_are_those_of_he():
    model = Discriminator(hidden=(400,))
    kernel, bias, *_ = model.target([features(1)], [1.0])["variables"]
    assert np.std(kernel) == pytest.approx(np.sqrt(2 / 3), rel=0.1)
    assert not np.any(bias)


def test_a_silent_channel_is_not_blown_up():
    style = features(1).numpy() * [1, 0, 1]
    model = Discriminator(hidden=(), positions=0)
    target = model.target([tf.constant(style, tf.float32)], [1.0])
    nearly = numpy_normal(style + [0, 0.01, 0], target)
    assert nearly[:, 1].max() < 0.2  # over 1e-6 it would be 10000
    target |= {"variables": random_variables(target)}
    expected = SCALE * np.mean(softplus(-numpy_logits(model, style + [0, 0.01, 0], target)))
    found = model.loss(tf.constant(style + [0, 0.01, 0], tf.float32), target)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


# --- alternating ---------------------------------------------------------------------------------

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
def test_a_state_is_gone_on_from_exactly(name):
    image, targets = beginning()
    optimizer = Alternating(INNER[name](), every=2)
    state, advance = optimizer._prepare(chase(), image, targets)
    whole, losses = advance(state, targets, tf.constant(8))
    half, first = advance(state, targets, tf.constant(4))
    half, second = advance(half, targets, tf.constant(8))
    assert_same(half, whole)
    np.testing.assert_array_equal(np.concatenate([first, second]), losses)
    lessons = {"adam": 4, "lbfgs": 3}[name]  # L-BFGS needs an evaluation more after each
    assert int(whole.targets["steps"]) == 3 + lessons * 2  # warm-up, and 2 steps a lesson
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
    assert_same(results[0].learned, results[1].learned)
    lessons = {"adam": 4, "lbfgs": 3}[name]  # before 1, 4, 7 and 10; before 1, 5 and 9
    assert int(results[0].learned["steps"]) == 3 + lessons * 2


def test_lbfgs_begins_again_after_a_lesson():
    # What it knew of the losses is wrong now: the next evaluation is where the last image is.
    optimizer = Alternating(LBFGS(), every=3)
    image, targets = beginning()
    state, advance = optimizer._prepare(chase(), image, targets)
    before, _ = advance(state, targets, tf.constant(4))
    assert np.max(before.inner.age) >= 0
    after, losses = advance(before, targets, tf.constant(5))
    assert np.max(after.inner.age) == -1 and int(after.evaluations) == 5
    np.testing.assert_array_equal(after.image, before.image)
    np.testing.assert_allclose(losses[0, 1], chase()(before.image, after.targets)[0], rtol=1e-5)
    assert losses[0, 2] == chase().learn(before.image, before.targets)[1]


def test_adam_keeps_its_moments_over_lessons():
    # A loss that does not change with the lessons: Adam alone takes the same steps.
    class Bowl:
        def __call__(self, image, targets):
            loss = tf.reduce_sum(tf.square(image - 1) * targets["scale"])
            return loss, {"bowl": loss}

        def learn(self, image, targets):
            return targets | {"lessons": targets["lessons"] + 1}, tf.constant(0.5)

    targets = {"scale": tf.constant([1.0, 5.0, 9.0]), "lessons": tf.constant(0)}
    bowl, image = Bowl(), features(2)
    learning = Alternating(adam.Adam()).minimize(bowl, image, targets, 9)
    alone = adam.Adam().minimize(bowl, image, targets, 9)
    np.testing.assert_array_equal(learning.image, alone.image)
    np.testing.assert_array_equal(learning.losses[:, :2], alone.losses)
    assert (learning.losses[:, 2] == 0.5).all() and int(learning.learned["lessons"]) == 9


def look_until(limit):
    """Features that are not numbers any more when the image has gone so far."""

    def look(image):
        far = tf.reduce_max(tf.abs(image - features(2))) > limit
        return tf.where(far, float("nan"), image)

    return look


def test_not_a_number_ends_the_run_with_the_last_image():
    objective = Chase(chase().model, look_until(0.07))
    result = Alternating(adam.Adam(0.02)).minimize(objective, *beginning(), 50)
    assert result.outcome == "not finite" and result.evaluations < 50
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
    assert result.outcome == "not finite"
    np.testing.assert_array_equal(result.image, features(2))


@pytest.mark.parametrize("every", [1, 4])
def test_lbfgs_moves_the_image_between_lessons(every):
    image, targets = beginning()
    result = Alternating(LBFGS(), every=every).minimize(chase(), image, targets, 20)
    steps = np.abs(result.image - image)
    assert steps.max() > 0.02 and np.isfinite(result.image).all()


# --- whole runs ----------------------------------------------------------------------------------

SMALL = {"hidden": (8,), "steps": 2, "warm_up": 4, "positions": 200}


def assert_learned(result, evaluations=12):
    numbers, values, accuracies = result.losses.T
    np.testing.assert_array_equal(numbers, np.arange(evaluations) + 1)
    assert np.isfinite(values).all() and ((accuracies >= 0) & (accuracies <= 1)).all()
    assert result.outcome == "budget spent"


def test_textures():
    twice = [
        texture(statistic=Discriminator(**SMALL), seed=seed, scales=1, size=32) for seed in (1, 1)
    ]
    for result in twice:
        assert_picture(result.image, 32, 32)
        assert_learned(result)
    np.testing.assert_array_equal(twice[0].image, twice[1].image)
    np.testing.assert_array_equal(twice[0].losses, twice[1].losses)
    # One that is trained otherwise leads elsewhere, from the same noise.
    other = Discriminator(**(SMALL | {"learning_rate": 0.1}))
    result = texture(statistic=other, seed=1, scales=1, size=32)
    assert np.abs(twice[0].image - result.image).max() > 1e-3


def test_a_texture_by_lbfgs():
    result = texture(statistic=Discriminator(**SMALL), optimizer="lbfgs", scales=1, size=32)
    assert_learned(result)
    start = images.noise(34, 34, 0)[:, 1:33, 1:33]  # a margin of a 32nd is cut
    assert np.abs(result.image - start).max() > 0.02


def test_by_name_for_textures_and_pictures_at_several_scales_with_several_styles():
    options = {"statistic": "discriminator", "scales": 2, "style_blend": [3, 1]}
    for make, styles in ((texture, {"style": None}), (stylize, {})):
        result = make(**(styles | {"style": [stripes(), checks(40, 50)]}), size=64, **options)
        assert_picture(result.image, 64, 64)
        assert_learned(result)
        assert ("content" in result.parts) == (make is stylize) and result.parts["style"] > 0


def test_the_texture_comes_nearer_to_the_style():
    # In the means of the features, which no one told it to compare.
    result = texture(statistic=Discriminator(hidden=(8,)), evaluations=80, size=32, tv_weight=0)
    pictures = result.image, images.resize(stripes()[None], 32, 32), images.noise(32, 32, 0)
    for layer in ("block1_conv1", "block2_conv1"):
        means = [network()(x)[layer].numpy().mean(axis=(0, 1, 2)) for x in pictures]
        gaps = [np.linalg.norm(means[n] - means[1]) for n in (0, 2)]
        assert gaps[0] < 0.5 * gaps[1]


def test_what_was_learned_goes_on_at_the_next_scale(monkeypatch):
    seen = []
    real = Alternating.minimize

    def minimize(self, objective, image, targets, *arguments):
        result = real(self, objective, image, targets, *arguments)
        seen.append((targets, result.learned))
        return result

    monkeypatch.setattr(Alternating, "minimize", minimize)
    texture(statistic=Discriminator(**SMALL), size=64, scales=2)
    (_, learned), (targets, _) = seen
    for layer, target in targets.style.items():
        for name in ("variables", "moments", "steps"):
            assert_same(target[name], learned.style[layer][name])
        assert len(target["samples"]) > 2 * len(learned.style[layer]["samples"])


def test_what_was_learned_is_the_part_of_the_target_that_another_size_takes_over():
    model = Discriminator(**SMALL)
    small, large = (as_map(np.random.default_rng(n).random((n, 4)), 5) for n in (50, 200))
    first, _ = model.learn(small, model.target([small], [1.0]))
    learned, fresh = model.learned(first), model.target([large], [1.0])
    assert {name for name in first if name in learned} == {"variables", "moments", "steps"}
    taught = model.taught(fresh, learned)
    tf.nest.assert_same_structure(taught, fresh)
    tf.nest.map_structure(assert_same, model.learned(taught), learned)
    for name in ("samples", "mean", "deviation"):  # the style's own at this size
        assert_same(taught[name], fresh[name])
    assert np.abs(taught["variables"][0] - fresh["variables"][0]).max() > 0


# --- arguments and flags -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, value",
    [
        ("hidden", [-1]),
        ("hidden", [8, 0]),
        ("hidden", ["x"]),
        ("hidden", [1.5]),
        ("features", "cubic"),
        ("image_loss", "wasserstein"),
        ("steps", 0),
        ("every", 0),
        ("warm_up", -1),
        ("positions", -1),
        ("positions", 2.5),
        ("label_smoothing", 0.7),
        ("label_smoothing", -0.1),
        ("learning_rate", -1),
        ("learning_rate", float("nan")),
        ("penalty", -1),
    ],
)
def test_bad_arguments(name, value):
    with pytest.raises(ValueError, match=f"^discriminator_{name}: expected .*, received "):
        Discriminator(**{name: value})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (50, 60, 3), np.uint8)).save("style.png")
    return tmp_path


FLAGS = ["--style=style.png", "--size=40x32", "--evaluations=3", "--precision=float32"]
FLAGS += ["--style_layers=block1_conv1"]


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


@pytest.mark.parametrize(
    "flags, embedded",
    [
        (["--discriminator_hidden="], "--discriminator_hidden="),
        (
            ["--discriminator_hidden=8,4", "--discriminator_features=quadratic"],
            "--discriminator_hidden=8,4",
        ),
    ],
)
def test_the_embedded_command_makes_the_same_picture_again(folder, capfd, flags, embedded):
    command = ["texture", "--statistic=discriminator", "--output=out.png", *FLAGS, *flags]
    assert cli.main(command) == 0
    assert len(capfd.readouterr().err.splitlines()) <= 3  # announcement, bar, result
    first = pixels("out.png")
    _, *arguments = shlex.split(images.read_settings("out.png")["command"])
    assert {embedded, "--statistic=discriminator", "--discriminator_steps=3"} <= set(arguments)
    os.remove("out.png")
    assert cli.main(arguments) == 0
    np.testing.assert_array_equal(first, pixels("out.png"))


@pytest.mark.parametrize(
    "flags, names",
    [
        (["--statistics=gram,discriminator"], ["gram", "discriminator"]),
        (["--statistic=discriminator", "--sweep=discriminator_steps=1,2"], ["1", "2"]),
    ],
)
def test_compare(folder, flags, names):
    assert cli.main(["compare", "--output=out", *FLAGS, *flags]) == 0
    made = [name for name in os.listdir("out") if name.endswith(".png")]
    assert len(made) == len(names)
    with open("out/comparison.csv") as file:
        head, *lines = file.read().splitlines()
    assert len(lines) == len(names)
    for name, line in zip(names, lines):
        assert name in line
    pictures = [pixels(os.path.join("out", name)) for name in made]
    assert not np.array_equal(pictures[0], pictures[1])
