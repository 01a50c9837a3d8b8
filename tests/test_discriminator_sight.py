"""What discriminators can see: clouds of which is known what tells them apart."""

import functools

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from test_discriminator import numpy_logits, sigmoid

from tfstyle.discriminator import Discriminator
from tfstyle.optimizers import adam
from tfstyle.optimizers.alternating import Alternating

pytestmark = pytest.mark.slow

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


@functools.cache
def trained(kind, difference):
    """Accuracy after training, and the logits of style and image."""
    style, image, _ = (as_map(x) if np.ndim(x) else x for x in clouds(difference))
    options = {"steps": 400, "warm_up": 0, "learning_rate": 0.02, "positions": 0, "penalty": 0}
    model = Discriminator(**KINDS[kind], **options)
    learn = tf.function(model.train)
    target, _ = learn(image, model.target([style], [1.0]))
    accuracy = float(learn(image, target)[1])  # of what was learned in the first training
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

    def train(self, image, target):
        return self.model.train(self.look(image), target)


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
