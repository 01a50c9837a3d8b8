"""The discriminator: its numbers, and what is drawn for it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfstyle.discriminator import BETA_1, BETA_2, SCALE, Discriminator
from tfstyle.optimizers import adam

# --- its numbers, against NumPy ------------------------------------------------------------------


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.logaddexp(0, x)


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
    """A discriminator of one step a training, and a target with random variables."""
    options = MODEL | {"steps": 1, "warm_up": 0, "positions": 0, "penalty": 0} | options
    model = Discriminator(**options)
    target = model.target([features(1)], [1.0])
    return model, target | {"variables": random_variables(target, seed)}


def first_gradients(model, image, target):
    """Of the training loss: after one step of Adam from 0 the means are (1 - beta) of them."""
    learned, _ = model.train(image, target)
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


def test_the_accuracy_is_that_before_the_training():
    for kind, border in (("non_saturating", 0), ("least_squares", 0.5)):
        model, target = prepared(image_loss=kind, steps=5)
        style, image = features(1), features(2)
        right = numpy_logits(model, style, target) > border
        right = np.concatenate([right, numpy_logits(model, image, target) < border])
        np.testing.assert_allclose(model.train(image, target)[1], right.mean(), rtol=1e-6)


def test_a_training_is_steps_of_keras_adam():
    model, target = prepared(steps=4, warm_up=2, learning_rate=0.03, hidden=(), features="linear")
    style, image = (numpy_normal(x, target).astype(np.float32) for x in (features(1), features(2)))
    weights, bias = (tf.Variable(x) for x in target["variables"])
    theirs = keras.optimizers.Adam(0.03, BETA_1, BETA_2, epsilon=1e-7)
    for _ in range(6 + 4):  # a training with the warm-up, and one without
        with tf.GradientTape() as tape:
            logits = [x @ weights[0, 0] + bias for x in (style, image)]
            cross = tf.nn.sigmoid_cross_entropy_with_logits
            pairs = zip((tf.ones_like, tf.zeros_like), logits)
            loss = sum(tf.reduce_mean(cross(labels(x), x)) for labels, x in pairs)
        theirs.apply(tape.gradient(loss, [weights, bias]), [weights, bias])
    learned = model.train(features(2), model.train(features(2), target)[0])[0]
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
        model.train(tf.tile(image, [1, 5, 1, 1]), target),
        model.train(image, target | {"samples": tf.tile(target["samples"], [5, 1])}),
    ):
        expected = model.train(image, target)[0]
        tf.nest.map_structure(
            lambda x, y: np.testing.assert_allclose(x, y, rtol=2e-3, atol=1e-5),
            (larger[0]["variables"], larger[0]["moments"]),
            (expected["variables"], expected["moments"]),
        )


def test_positions_are_drawn_from_all():
    # A training on 10 positions of 30 differs with the seed, and its gradient is right on average.
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
        learned = model.train(features(2), model.train(features(2), target)[0])[0]
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
