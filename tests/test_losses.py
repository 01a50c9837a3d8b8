"""Losses against NumPy written out, and the whole objective with its gradient against float64."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfstyle import losses, statistics, targets
from tfstyle.features import vgg
from tfstyle.features.architectures import Architecture
from tfstyle.statistics.moments import Gram

TINY = Architecture(
    repeats=(2, 1),
    widths=(4, 6),
    weights="bundled",
    heads={"block2_conv1": 5},
    bgr=True,
    scale=0.02,
)
CONTENT, STYLE = "block1_conv2", ("block1_conv1", "block2_conv1")
every_statistic = pytest.mark.parametrize("name", statistics.STATISTICS)


def measured_targets(network, statistic, content, styles, content_layers, style_layers, seed=0):
    """The targets of a content and of styles with their parts."""
    style = targets.style(network, statistic, styles, style_layers, seed) if style_layers else {}
    kept = targets.activations(network, content, content_layers)
    return targets.Targets(kept, style, tf.constant(seed))


def features(seed, layers=("a", "b"), shape=(1, 6, 5, 4)):
    rng = np.random.default_rng(seed)
    return {layer: rng.gamma(1.0, 1.0, shape).astype(np.float32) for layer in layers}


def numpy_gram(values):
    rows = np.asarray(values, np.float64).reshape(-1, values.shape[-1])
    return rows.T @ rows / len(rows)


def relative(values, target):
    return np.sum((values - target) ** 2) / np.sum(target**2)


def numpy_total_variation(image, beta=1):
    down, right = np.diff(image, axis=1)[:, :, :-1], np.diff(image, axis=2)[:, :-1]
    smoothing = losses.TotalVariation.SMOOTHING
    return np.mean(np.sqrt(down**2 + right**2 + smoothing**2) ** beta - smoothing**beta)


def numpy_range(image):
    return np.mean(np.maximum(image - 1, 0) ** 2 + np.minimum(image, 0) ** 2)


def measured(named, statistic="gram", seed=0):
    drawn = statistics.get(statistic).seeded(seed)
    return {layer: drawn.measure(tf.constant(values)) for layer, values in named.items()}


def style_loss(statistic, weights=(1, 1)):
    return losses.StyleLoss(statistics.get(statistic), dict(zip("ab", weights)))


def test_content_loss():
    seen, target = features(0, ("a", "b", "unused")), features(1)
    expected = np.mean([relative(seen[layer], target[layer]) for layer in target])
    loss = losses.ContentLoss()(seen, target)
    assert loss.dtype == tf.float32
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_content_loss_of_bfloat16_is_float32():
    seen, target = ({"a": tf.cast(features(seed)["a"], tf.bfloat16)} for seed in (0, 1))
    expected = relative(*(x["a"].numpy().astype(np.float64) for x in (seen, target)))
    loss = losses.ContentLoss()(seen, target)
    assert loss.dtype == tf.float32
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_style_loss():
    seen, target = features(0), features(1, shape=(1, 3, 9, 4))
    loss = style_loss("gram", (1.0, 3.0))(seen, measured(target))
    each = [relative(numpy_gram(seen[layer]), numpy_gram(target[layer])) for layer in target]
    assert loss.dtype == tf.float32
    np.testing.assert_allclose(loss, 0.25 * each[0] + 0.75 * each[1], rtol=1e-5)


def test_content_loss_of_the_target_itself_is_zero():
    seen = features(0)
    assert losses.ContentLoss()(seen, seen) == 0


@every_statistic
def test_style_loss_of_the_target_itself_is_zero(name):
    """Where it is measured with the seed of the target."""
    seen, target = features(0), measured(features(0), name, seed=5)
    assert 0 <= style_loss(name)(seen, target, seed=5) < 1e-12
    if name == "sliced_wasserstein":
        assert style_loss(name)(seen, target, seed=6) > 0.01


FACTORS = pytest.mark.parametrize("factor", [0.05, 40.0])


def times(factor, named):
    return {layer: values * np.float32(factor) for layer, values in named.items()}


@FACTORS
def test_content_loss_is_relative(factor):
    seen, target = features(0), features(1)
    scaled = losses.ContentLoss()(times(factor, seen), times(factor, target))
    np.testing.assert_allclose(scaled, losses.ContentLoss()(seen, target), rtol=1e-5)


@every_statistic
@FACTORS
def test_style_loss_is_relative(name, factor):
    seen, target = features(0), features(1)
    scaled = style_loss(name)(times(factor, seen), measured(times(factor, target), name))
    original = style_loss(name)(seen, measured(target, name))
    assert original > 1e-3
    # A fourth root is kept a thousandth off its infinite slope, whatever the features' unit.
    tolerance = 1e-2 if name == "channel_moments" else 1e-5
    np.testing.assert_allclose(scaled, original, rtol=tolerance)


@every_statistic
def test_style_loss_of_a_black_picture_is_one(name):
    """It is as far as nothing."""
    loss = style_loss(name)(times(0, features(0)), measured(features(1), name))
    # The regularisation of a Bures distance is 1e-4, of which the root counts, twice.
    np.testing.assert_allclose(loss, 1, rtol=0.02 if name == "gaussian_w2" else 1e-5)


def test_only_the_ratio_of_layer_weights_counts():
    seen, target = features(0), measured(features(1))
    one, other = (style_loss("gram", (w, 2 * w))(seen, target) for w in (1, 50))
    np.testing.assert_allclose(one, other, rtol=1e-6)


def test_black_targets_give_a_finite_content_loss():
    assert np.isfinite(losses.ContentLoss()(features(0), times(0, features(0))))


@every_statistic
def test_black_targets_give_a_finite_style_loss(name):
    assert np.isfinite(style_loss(name)(features(0), measured(times(0, features(0)), name)))


@pytest.mark.parametrize("beta", [1, 1.5, 2])
@pytest.mark.parametrize("shape", [(1, 6, 7, 3), (1, 2, 9, 3)])
def test_total_variation(shape, beta):
    image = np.random.default_rng(0).uniform(0, 1, shape).astype(np.float32)
    expected = numpy_total_variation(image.astype(np.float64), beta)
    np.testing.assert_allclose(losses.TotalVariation(beta)(image), expected, rtol=1e-5)


def test_total_variation_with_exponent_2_is_the_mean_square_of_a_slope():
    y, x = np.mgrid[:9, :11].astype(np.float32)
    image = np.stack([0.03 * x, 0.04 * y, 0.03 * x + 0.04 * y], axis=-1)[None]
    expected = (0.03**2 + 0.04**2 + 0.05**2) / 3
    np.testing.assert_allclose(losses.TotalVariation(2)(image), expected, rtol=1e-4)


def test_total_variation_of_an_edge():
    image = np.zeros((1, 9, 11, 3), np.float32)
    image[:, :, 4:] = 1  # one of ten steps to the right goes up by 1
    smoothing = losses.TotalVariation.SMOOTHING
    expected = (np.sqrt(1 + smoothing**2) - smoothing) / 10
    np.testing.assert_allclose(losses.TotalVariation()(image), expected, rtol=1e-6)
    assert losses.TotalVariation()(np.full((1, 9, 11, 3), 0.3, np.float32)) == 0


def test_range_penalty():
    image = np.random.default_rng(0).uniform(-0.5, 1.5, (1, 6, 7, 3)).astype(np.float32)
    expected = numpy_range(image.astype(np.float64))
    np.testing.assert_allclose(losses.RangePenalty()(image), expected, rtol=1e-5)
    assert losses.RangePenalty()(np.clip(image, 0, 1)) == 0


def tiny_network(pooling="average", padding="reflect"):
    network = vgg.build(TINY, (CONTENT, *STYLE), pooling, padding, "float32")
    rng = np.random.default_rng(0)
    for layer in network.layers:
        if layer.weights:
            kernel, bias = (weight.shape for weight in layer.weights)
            scale = np.sqrt(2 / np.prod(kernel[:-1]))
            layer.set_weights([scale * rng.standard_normal(kernel), rng.uniform(-0.3, 0.3, bias)])
    return network


def setting(network, weights, height=10, width=8):
    """An objective with its targets, and an image that is not the solution."""
    rng = np.random.default_rng(1)
    pictures = rng.uniform(-0.1, 1.1, (3, 1, height, width, 3)).astype(np.float32)
    goal = measured_targets(network, Gram(), pictures[0], [(pictures[1], 1)], (CONTENT,), STYLE)
    style_loss = losses.StyleLoss(Gram(), {STYLE[0]: 1.0, STYLE[1]: 2.0})
    return losses.Objective(network, style_loss, weights), goal, pictures


def numpy_features(network, image, pooling, padding):
    """The tiny network in float64."""

    def convolve(x, name):
        kernel, bias = (w.astype(np.float64) for w in network.get_layer(name).get_weights())
        edge = len(kernel) // 2
        mode = "reflect" if padding == "reflect" else "constant"
        x = np.pad(x, ((edge, edge), (edge, edge), (0, 0)), mode) if edge else x
        windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], (0, 1))
        return np.maximum(np.einsum("hwcij,ijco->hwo", windows, kernel, optimize=True) + bias, 0)

    x = (image[0, :, :, ::-1] * 255 - np.array(TINY.mean)) * TINY.scale
    first = convolve(x, "block1_conv1")
    second = convolve(first, "block1_conv2")
    blocks = second.reshape(second.shape[0] // 2, 2, second.shape[1] // 2, 2, -1)
    pooled = blocks.mean((1, 3)) if pooling == "average" else blocks.max((1, 3))
    third = convolve(convolve(pooled, "block2_conv1"), "block2_conv1_head")
    return {"block1_conv1": first, "block1_conv2": second, "block2_conv1": third}


def numpy_objective(network, pictures, weights, pooling, padding):
    content, style = (
        numpy_features(network, picture.astype(np.float64), pooling, padding)
        for picture in pictures[:2]
    )

    def total(image):
        seen = numpy_features(network, image, pooling, padding)
        grams = [relative(numpy_gram(seen[name]), numpy_gram(style[name])) for name in STYLE]
        parts = {
            "content": weights["content"] * relative(seen[CONTENT], content[CONTENT]),
            "style": weights["style"] * (grams[0] + 2 * grams[1]) / 3,
            "tv": weights["tv"] * numpy_total_variation(image),
            "range": losses.Objective.RANGE_WEIGHT * numpy_range(image),
        }
        return sum(parts.values()), parts

    return total


@pytest.mark.parametrize("pooling", ["average", "max"])
@pytest.mark.parametrize("padding", ["reflect", "zeros"])
def test_objective_and_gradient_against_float64(pooling, padding):
    weights = {"content": 1.5, "style": 7.0, "tv": 0.4}
    network = tiny_network(pooling, padding)
    objective, goal, pictures = setting(network, weights)
    image = tf.constant(pictures[2])
    with tf.GradientTape() as tape:
        tape.watch(image)
        total, parts = objective(image, goal)
    gradient = tape.gradient(total, image).numpy()

    reference = numpy_objective(network, pictures, weights, pooling, padding)
    exact = pictures[2].astype(np.float64)
    expected, expected_parts = reference(exact)
    np.testing.assert_allclose(total, expected, rtol=1e-4)
    assert parts.keys() == expected_parts.keys()
    for name, value in expected_parts.items():
        np.testing.assert_allclose(parts[name], value, rtol=1e-4, err_msg=name)

    differences, h = np.zeros_like(exact), 1e-6
    for index in itertools.product(*map(range, exact.shape)):
        ends = []
        for step in (-h, h):
            moved = exact.copy()
            moved[index] += step
            ends.append(reference(moved)[0])
        differences[index] = (ends[1] - ends[0]) / (2 * h)
    np.testing.assert_allclose(gradient, differences, atol=1e-4 * np.abs(differences).max())


def test_parts_add_up_to_the_total():
    objective, goal, pictures = setting(tiny_network(), {"content": 1, "style": 2, "tv": 3})
    total, parts = objective(tf.constant(pictures[2]), goal)
    assert list(parts) == ["content", "style", "tv", "range"]
    np.testing.assert_allclose(total, sum(float(part) for part in parts.values()), rtol=1e-6)


@pytest.mark.parametrize("name", ["content", "style", "tv"])
def test_weight_zero_leaves_the_term_out(name):
    weights = {"content": 1.0, "style": 2.0, "tv": 3.0}
    network = tiny_network()
    objective, goal, pictures = setting(network, weights)
    image = tf.constant(pictures[2])
    total, parts = objective(image, goal)
    without, _, _ = setting(network, weights | {name: 0.0})
    less, fewer = without(image, goal)
    assert fewer.keys() == parts.keys() - {name}
    np.testing.assert_allclose(less, total - parts[name], rtol=1e-5)


@every_statistic
def test_the_objective_looks_with_the_seed_of_its_targets(name):
    network, picture = tiny_network(), np.random.default_rng(1).random((1, 10, 8, 3), np.float32)
    statistic = statistics.get(name)
    goal = measured_targets(network, statistic, None, [(picture, 1)], (), STYLE, seed=7)
    assert goal.seed.dtype == tf.int32 and goal.seed == 7 and goal.content == {}
    drawn = statistic.seeded(7).target([network(picture)[STYLE[0]]], [1.0])
    tf.nest.map_structure(np.testing.assert_array_equal, goal.style[STYLE[0]], drawn)
    loss = losses.StyleLoss(statistic, dict.fromkeys(STYLE, 1))
    _, parts = losses.Objective(network, loss, {"style": 1.0})(picture, goal)
    assert 0 <= parts["style"] < 1e-10


@pytest.mark.parametrize("beta", [1, 2])
def test_the_objective_hands_on_the_exponent_and_needs_no_style(beta):
    network = tiny_network()
    image, content = np.random.default_rng(1).random((2, 1, 10, 8, 3), np.float32)
    goal = measured_targets(network, None, content, [], (CONTENT,), ())
    assert goal.style == {}
    objective = losses.Objective(network, None, {"content": 1.0, "tv": 0.5}, tv_beta=beta)
    total, parts = objective(image, goal)
    expected = {
        "content": relative(*(network(x)[CONTENT].numpy() for x in (image, content))),
        "tv": 0.5 * numpy_total_variation(image.astype(np.float64), beta),
        "range": 0,
    }
    assert parts.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(parts[name], value, rtol=1e-5, err_msg=name)
    np.testing.assert_allclose(total, sum(expected.values()), rtol=1e-5)


def test_parts_are_proportional_to_their_weights():
    network = tiny_network()
    objective, goal, pictures = setting(network, {"content": 1.0, "style": 1.0, "tv": 1.0})
    doubled, _, _ = setting(network, {"content": 2.0, "style": 2.0, "tv": 2.0})
    _, parts = objective(tf.constant(pictures[2]), goal)
    _, twice = doubled(tf.constant(pictures[2]), goal)
    for name in ("content", "style", "tv"):
        np.testing.assert_allclose(twice[name], 2 * parts[name], rtol=1e-6)
    np.testing.assert_allclose(twice["range"], parts["range"])


def test_without_a_style_steps_are_as_photographs_vary():
    """Colours by less than light; waves of the length that is given by half as much as longer."""
    objective = losses.Objective(None, None, {"content": 1.0}, long=16)
    change = np.random.default_rng(0).normal(size=(1, 24, 32, 3)).astype(np.float32)
    light = change.mean(3, keepdims=True)
    y, x = np.meshgrid(np.fft.fftfreq(24), np.fft.fftfreq(32), indexing="ij")
    gain = 1 / (1 + 16 * np.hypot(y, x))[..., None]
    spectrum = np.fft.fft2(light + losses.CHROMA * (change - light), axes=(1, 2))
    expected = np.fft.ifft2(gain * spectrum, axes=(1, 2)).real
    scaled = objective.scaled(tf.constant(change), None)
    np.testing.assert_allclose(scaled, expected, atol=1e-5)
    wave = np.cos(2 * np.pi * np.arange(32) / 16)[None, None, :, None] * np.ones((1, 24, 1, 3))
    halved = objective.scaled(tf.constant(wave, tf.float32), None)
    np.testing.assert_allclose(halved, wave / 2, atol=1e-5)
