"""What every optimiser promises, on functions whose minimum is known."""

import functools

import keras
import numpy as np
import pytest
import scipy.optimize
import slow
import tensorflow as tf

from tfstyle import Outcome, checkpoint, losses, optimizers
from tfstyle.optimizers import base, lbfgs
from tfstyle.optimizers.adam import Adam

SHAPE = (1, 4, 5, 3)
TRACES = []  # grows when Python runs `quadratic`: not at every evaluation
QUASI_NEWTON = [name for name in optimizers.OPTIMIZERS if name != "adam"]
FAST = ("lbfgs", "adam")  # TFP's take seconds to trace
every_optimizer = pytest.mark.parametrize("name", slow.but(FAST, optimizers.OPTIMIZERS))
quasi_newton = pytest.mark.parametrize("name", slow.but(FAST, QUASI_NEWTON))


@functools.cache  # an optimiser keeps its graphs, and TFP's take seconds to build
def make(name):
    return optimizers.get(name)


@functools.cache
def calls():
    """How often `rosenbrock` has really been evaluated."""
    return tf.Variable(0)


def quadratic(image, targets):
    """0.5 (x - c)^T A (x - c): the minimum is 0, at c."""
    TRACES.append(image.shape)
    offset = tf.reshape(image - targets["centre"], [-1])
    half = 0.5 * tf.reduce_sum(offset * tf.linalg.matvec(targets["matrix"], offset))
    return half, {"bowl": half}


def bowl(shape=SHAPE, condition=50.0):
    """Targets for `quadratic`: eigenvalues from 1 to `condition` in random directions."""
    rng = np.random.default_rng(0)
    size = int(np.prod(shape))
    basis = np.linalg.qr(rng.standard_normal((size, size)))[0]
    matrix = (basis * np.geomspace(1, condition, size)) @ basis.T
    centre = rng.uniform(0.2, 0.8, shape)
    return {"matrix": tf.constant(matrix, tf.float32), "centre": tf.constant(centre, tf.float32)}


def start(shape=SHAPE, seed=1):
    return np.random.default_rng(seed).uniform(0, 1, shape).astype(np.float32)


def rosenbrock(image, targets):
    """The minimum is 0, where all values are 1."""
    calls().assign_add(1)
    valley = 100 * tf.square(image[1:] - tf.square(image[:-1]))
    loss = tf.reduce_sum(valley + tf.square(1 - image[:-1]))
    return loss, {"valley": loss}


def barrier(image, targets):
    """The minimum is where all values are 1; below 0 it is not a number."""
    loss = tf.reduce_mean(image - tf.math.log(image))
    return loss, {"barrier": loss}


@every_optimizer
def test_finds_the_minimum_of_a_quadratic(name):
    targets = bowl()
    result = make(name).minimize(quadratic, start(), targets, 150 if name != "adam" else 1000)
    tolerance = 1e-4 if name != "adam" else 3e-3
    np.testing.assert_allclose(result.image, targets["centre"], atol=tolerance)
    assert result.image.shape == SHAPE and result.image.dtype == np.float32


@every_optimizer
def test_losses_are_those_of_the_images(name):
    targets = bowl()
    result = make(name).minimize(quadratic, start(), targets, 15)
    numbers, values = result.losses.T
    assert result.losses.dtype == np.float32
    assert (np.diff(numbers) > 0).all() and numbers[-1] == result.evaluations
    np.testing.assert_allclose(values[-1], quadratic(result.image, targets)[0], rtol=1e-5)
    np.testing.assert_allclose(result.parts["bowl"], values[-1], rtol=1e-5)


@every_optimizer
def test_same_run_twice_bit_for_bit(name):
    first = make(name).minimize(quadratic, start(), bowl(), 30)
    make(name).minimize(quadratic, start(seed=2), bowl(), 30)  # must leave nothing behind
    second = make(name).minimize(quadratic, start(), bowl(), 30)
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.losses, second.losses)


@every_optimizer
def test_a_state_that_was_saved_is_resumed_to_the_bit(name):
    optimizer, targets = make(name), bowl()
    begun = optimizer.minimize(quadratic, start(), targets, 12).state
    fresh = optimizer.start_for(quadratic, tf.constant(start()), targets)
    state = checkpoint.nest_like(fresh, checkpoint.arrays_of(begun))
    ends = [list(optimizer.chunks(quadratic, x, targets, 30))[-1].state for x in (begun, state)]
    for one, other in zip(*map(tf.nest.flatten, ends)):
        np.testing.assert_array_equal(one, other)
    assert int(ends[0].evaluations) >= 30


@every_optimizer
def test_chunks_change_nothing(name, monkeypatch):
    results, looks = [], []
    for seconds in (1e-9, 1e9):
        monkeypatch.setattr(base, "CHUNK_SECONDS", seconds)
        seen = []
        results.append(make(name).minimize(quadratic, start(), bowl(), 40, seen.append))
        looks.append(len(seen))
    assert looks[0] > 2 * looks[1]
    np.testing.assert_array_equal(results[0].image, results[1].image)
    np.testing.assert_array_equal(results[0].losses, results[1].losses)


@every_optimizer
def test_callback_sees_progress(name, monkeypatch):
    monkeypatch.setattr(base, "CHUNK_SECONDS", 1e-9)
    seen, targets = [], bowl()
    result = make(name).minimize(quadratic, start(), targets, 20, seen.append)
    counts = [int(state.evaluations) for state in seen]
    assert counts == sorted(set(counts)) and counts[-1] == result.evaluations
    np.testing.assert_array_equal(seen[-1].image, result.image)
    if name != "adam":
        for state in seen:
            loss = float(quadratic(state.image, targets)[0])
            np.testing.assert_allclose([state.loss, state.parts["bowl"]], loss, rtol=1e-5)


@every_optimizer
def test_stays_at_the_minimum(name):
    targets = bowl()
    result = make(name).minimize(quadratic, targets["centre"], targets, 10)
    np.testing.assert_array_equal(result.image, targets["centre"])
    assert result.outcome is (Outcome.DONE if name == "adam" else Outcome.CONVERGED)
    assert result.losses[-1, 1] == 0


@every_optimizer
def test_one_graph_for_all_sizes(name):
    traces = []
    for shape in [SHAPE, (1, 7, 2, 3), (1, 2, 2, 3)]:
        result = make(name).minimize(quadratic, start(shape), bowl(shape), 10)
        assert result.image.shape == shape
        traces.append(len(TRACES))
    assert 0 < traces[0] == traces[1] == traces[2]


def test_lbfgs_spends_one_evaluation_an_iteration():
    result = make("lbfgs").minimize(quadratic, start(), bowl(), 60)
    values = result.losses[:, 1]
    accepted = values <= np.minimum.accumulate(values)
    assert len(values) == 60 and len(values) / accepted.sum() < 1.2


def test_lbfgs_needs_fewer_evaluations_than_tfp():
    ours, theirs = (
        make(name).minimize(quadratic, start(), bowl(condition=1e3), 60)
        for name in ("lbfgs", "tfp_lbfgs")
    )
    assert ours.losses[-1, 1] < 0.5 * theirs.losses[-1, 1]


# The functions take turns no more often than they must: an optimiser keeps the latest graphs.


@every_optimizer
def test_finds_the_minimum_of_rosenbrock(name):
    # One of two minima is reached from here; the other has a negative first value.
    image = np.linspace(0.3, 1.5, 10, dtype=np.float32)
    result = make(name).minimize(rosenbrock, image, {}, 500 if name != "adam" else 4000)
    np.testing.assert_allclose(result.image, 1, atol=2e-3 if name != "adam" else 2e-2)


@every_optimizer
@pytest.mark.parametrize("budget", [1, 7, 40])
def test_budget_counts_real_evaluations(name, budget):
    chunks = []
    calls().assign(0)
    image = np.full(10, -0.5, np.float32)
    result = make(name).minimize(rosenbrock, image, {}, budget, chunks.append)
    assert result.outcome is Outcome.DONE
    if name == "tfp_lbfgs":  # it may finish its line search, and once a chunk it asks for the parts
        assert budget <= result.evaluations <= budget + 50
        assert result.evaluations <= int(calls()) <= result.evaluations + len(chunks)
    else:
        assert int(calls()) == result.evaluations == budget


@every_optimizer
def test_not_a_number_from_the_start(name):
    image = -np.geomspace(0.1, 2, 12, dtype=np.float32)
    result = make(name).minimize(barrier, image, {}, 50)
    assert result.outcome is Outcome.NOT_FINITE and result.evaluations <= 50
    np.testing.assert_array_equal(result.image, image)


@every_optimizer
@pytest.mark.parametrize("low, high", [(0.01, 0.1), (0.5, 8.0)])
def test_not_a_number_beyond_a_barrier(name, low, high):
    image = np.geomspace(low, high, 12, dtype=np.float32)
    # Adam's large steps may leave the domain; what it returns must still be inside.
    optimizer = Adam(0.7) if name == "adam" else make(name)
    result = optimizer.minimize(barrier, image, {}, 400)
    assert np.isfinite(result.image).all()
    if name == "adam":
        assert result.outcome in (Outcome.NOT_FINITE, Outcome.DONE)
    elif name == "tfp_lbfgs":  # gives up at its first step that is not a number, and says so
        assert result.outcome in (Outcome.CONVERGED, Outcome.NO_PROGRESS)
        assert barrier(result.image, {})[0] < barrier(image, {})[0]
    else:
        np.testing.assert_allclose(result.image, 1, atol=1e-3)


@quasi_newton
def test_flat_start_with_total_variation(name):
    total_variation = losses.TotalVariation()

    def denoise(image, targets):
        smooth = total_variation(image)
        data = 0.5 * tf.reduce_mean(tf.square(image - targets))
        return smooth + data, {"smooth": smooth, "data": data}

    def reference(values):
        image = values.reshape(8, 8, 3)
        down, right = image[1:, :-1] - image[:-1, :-1], image[:-1, 1:] - image[:-1, :-1]
        smoothing = total_variation.SMOOTHING
        length = np.sqrt(down**2 + right**2 + smoothing**2)
        slopes = np.zeros((8, 8, 3))
        slopes[1:, :-1] += down / length
        slopes[:-1, 1:] += right / length
        slopes[:-1, :-1] -= (down + right) / length
        data = image - target[0]
        loss = np.mean(length - smoothing) + 0.5 * np.mean(data**2)
        return loss, (slopes / length.size + data / data.size).ravel()

    rng = np.random.default_rng(0)
    target = rng.uniform(0, 1, (1, 8, 8, 3)).astype(np.float32)
    image = (0.5 + 1e-6 * rng.standard_normal(target.shape)).astype(np.float32)
    options = {"maxiter": 2000, "ftol": 1e-15, "gtol": 1e-10}
    best = scipy.optimize.minimize(
        reference, image.ravel(), jac=True, method="L-BFGS-B", options=options
    ).fun
    before = float(denoise(image, target)[0])
    result = make(name).minimize(denoise, image, tf.constant(target), 300)
    after = float(denoise(result.image, target)[0])
    assert before - best > 1e-4 * best
    assert after - best < 0.01 * (before - best)


def dense_bfgs(steps, changes):
    """The inverse Hessian from pairs, oldest first (Nocedal & Wright 2006, equation 6.17)."""
    unit = np.eye(steps.shape[1])
    inverse = unit * (steps[-1] @ changes[-1]) / (changes[-1] @ changes[-1])
    for step, change in zip(steps, changes):
        rho = 1 / (step @ change)
        left = unit - rho * np.outer(step, change)
        inverse = left @ inverse @ left.T + rho * np.outer(step, step)
    return inverse


@pytest.mark.parametrize(
    "age",
    [[0, 1, 2, 3, 4], [5, 6, 2, 3, 4], [0, 1, -1, -1, -1], [-1, 7, 3, -1, 5], [2, -1, -1, -1, -1]],
)
def test_lbfgs_direction_is_that_of_dense_bfgs(age):
    rng = np.random.default_rng(3)
    pairs, size = len(age), 12
    square = rng.standard_normal((size, size))
    hessian = square @ square.T + np.eye(size)
    steps = rng.standard_normal((pairs, size))
    changes = steps @ hessian
    gradient = rng.standard_normal(size)

    kept = [slot for slot in np.argsort(age) if age[slot] >= 0]
    inverse = dense_bfgs(steps[kept], changes[kept])

    history = np.concatenate([steps, changes])
    unused = np.tile(np.array(age) < 0, 2)
    history[unused] = rng.standard_normal((unused.sum(), size))  # what lies there must not matter
    direction = lbfgs._direction(
        tf.constant(history, tf.float32),
        tf.constant(history @ history.T),
        tf.constant(age),
        tf.constant(gradient, tf.float32),
    )
    expected = -inverse @ gradient
    np.testing.assert_allclose(direction, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("pairs", [2, 4])
def test_lbfgs_takes_the_steps_of_dense_bfgs(pairs):
    targets, count = bowl(condition=8.0), 9
    matrix, centre = (targets[name].numpy().astype(np.float64) for name in ("matrix", "centre"))
    images = [start().astype(np.float64).ravel()]
    gradients = [matrix @ (images[0] - centre.ravel())]
    step = -0.02 / np.abs(gradients[0]).max() * gradients[0]  # the largest change is `first_step`
    for _ in range(count - 1):
        images.append(images[-1] + step)
        gradients.append(matrix @ (images[-1] - centre.ravel()))
        steps, changes = np.diff(images, axis=0)[-pairs:], np.diff(gradients, axis=0)[-pairs:]
        step = -dense_bfgs(steps, changes) @ gradients[-1]
    offsets = np.array(images) - centre.ravel()
    expected = 0.5 * np.einsum("ki,ij,kj->k", offsets, matrix, offsets)
    assert (np.diff(expected) < 0).all()  # so that no line search is needed

    result = lbfgs.LBFGS(history=pairs).minimize(quadratic, start(), targets, count)
    np.testing.assert_allclose(result.losses[:, 1], expected, rtol=1e-3)
    np.testing.assert_allclose(result.image.ravel(), images[-1], atol=1e-4)


def test_lbfgs_refuses_points_without_a_gradient():
    @tf.custom_gradient
    def trap(image):
        """The minimum is -1, where all values are 1; a pit without a gradient opens below 0."""
        inside, root = tf.reduce_all(image > 0), tf.sqrt(tf.maximum(image, 1e-9))
        loss = tf.where(inside, tf.reduce_mean(image - 2 * root), -10.0)
        slopes = tf.where(inside, (1 - 1 / root) / 12, float("nan"))
        return loss, lambda upstream: upstream * slopes

    image = np.geomspace(0.05, 20, 12, dtype=np.float32)
    result = lbfgs.LBFGS(first_step=0.5).minimize(lambda x, _: (trap(x), {}), image, {}, 200)
    assert (result.losses[:, 1] == -10).any()  # it has been there
    np.testing.assert_allclose(result.image, 1, atol=2e-3)


def test_lbfgs_gives_up_when_not_even_the_gradient_helps():
    count = tf.Variable(0)

    def breaking(image, targets):
        loss = quadratic(image, targets)[0]
        loss = tf.where(count.assign_add(1) > 10, float("nan"), loss)
        return loss, {"breaking": loss}

    result = make("lbfgs").minimize(breaking, start(), bowl(), 200)
    assert result.outcome is Outcome.NOT_FINITE and 20 < result.evaluations < 40
    sound = make("lbfgs").minimize(quadratic, start(), bowl(), 10)
    np.testing.assert_allclose(result.image, sound.image, atol=1e-6)


def test_adam_takes_the_steps_of_keras():
    targets, count = bowl(), 25
    options = {"learning_rate": 0.03, "beta_1": 0.8, "beta_2": 0.95}
    image = tf.Variable(start())
    theirs = keras.optimizers.Adam(epsilon=1e-12, **options)
    for _ in range(count):
        theirs.apply([base.evaluate(quadratic, image.value(), targets)[2]], [image])
    # Its last evaluation is at the last image: no step follows.
    ours = Adam(**options).minimize(quadratic, start(), targets, count + 1)
    np.testing.assert_allclose(ours.image, image, atol=1e-4)


def test_unknown_name():
    with pytest.raises(ValueError, match="^optimizer: .*lbfgs, tfp_lbfgs, adam.*'newton'"):
        optimizers.get("newton")


def test_an_object_is_taken_as_it_is():
    optimizer = Adam(0.5)
    assert optimizers.get(optimizer) is optimizer and optimizer.learning_rate == 0.5


class Scaled:
    """A steep bowl in units in which it is as steep in all directions."""

    def __init__(self, matrix):
        values, vectors = np.linalg.eigh(matrix)
        self.units = tf.constant((vectors / values**0.5) @ vectors.T, tf.float32)

    def __call__(self, image, targets):
        return quadratic(image, targets)

    def scaled(self, change, targets):
        return tf.reshape(tf.linalg.matvec(self.units, tf.reshape(change, [-1])), tf.shape(change))


def test_lbfgs_makes_its_steps_in_the_units_of_the_objective():
    targets = bowl(condition=1e4)
    ends = [
        lbfgs.LBFGS(history=5).minimize(objective, start(), targets, 15)
        for objective in (quadratic, Scaled(targets["matrix"].numpy()))
    ]
    assert ends[0].losses[-1, 1] > 0.1 and ends[1].losses[-1, 1] < 1e-6
    np.testing.assert_allclose(ends[1].image, targets["centre"], atol=1e-3)
