"""Content as the likeness of its places: the loss against NumPy, and the option in every job."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from test_api import CONTENT_LAYERS, STYLE_LAYERS, network, photo, stripes
from test_stylizer import assert_same_picture, content, eagerly, make, paint

import tfstyle
from tfstyle import Run, losses, workload
from tfstyle.evaluation import comparison
from tfstyle.optimizers import base
from tfstyle.settings import StylizerSettings, StylizeSettings

LOSS = losses.SelfSimilarity()
LAYERS = {"style_layers": STYLE_LAYERS, "content_layers": CONTENT_LAYERS}
OPTION = {"content_loss": "self_similarity"}
SIZES = pytest.mark.parametrize("size", [(6, 5), (21, 15)])  # one group, and two


def features(seed, size=(6, 5), layers=("a", "b")):
    rng = np.random.default_rng(seed)
    return {layer: rng.gamma(1.0, 1.0, (1, *size, 4)).astype(np.float32) for layer in layers}


def numpy_distances(values, down, across):
    """Every so many rows and columns are a group; each is compared with that above to its left."""
    values = np.asarray(values, np.float64)[0]
    height, width = (each * (side // each) for each, side in zip((down, across), values.shape))
    groups = {
        (y, x): values[y:height:down, x:width:across].reshape(-1, values.shape[-1])
        for y, x in itertools.product(range(down), range(across))
    }
    floor = LOSS.FLAT**2 * np.mean([np.sum(x**2, axis=-1) for x in groups.values()])
    unit = {
        place: x / np.sqrt(np.sum(x**2, axis=1, keepdims=True) + floor)
        for place, x in groups.items()
    }
    seen = np.stack([1 - unit[y, x] @ unit[(y - 1) % down, (x - 1) % across].T for y, x in unit])
    return seen / (seen.mean(axis=2, keepdims=True) + LOSS.ALIKE)


def numpy_loss(seen, target):
    errors = []
    for layer, values in target.items():
        strides = {(6, 5): (1, 1), (21, 15): (1, 2)}[values.shape[1:3]]
        here, there = (numpy_distances(x, *strides) for x in (seen[layer], values))
        errors.append(np.sum((here - there) ** 2) / np.sum((there - 1) ** 2))
    return LOSS.SCALE * np.mean(errors)


def value(seen, target):
    return float(LOSS(seen, LOSS.target(target)))


@SIZES
def test_the_value_against_numpy(size):
    seen, target = features(0, size, ("a", "b", "unused")), features(1, size)
    assert value(seen, target) > 0.1
    np.testing.assert_allclose(value(seen, target), numpy_loss(seen, target), rtol=1e-4)


@SIZES
def test_the_gradient_against_differences_in_float64(size):
    seen, target = features(0, size, ("a",)), features(1, size, ("a",))
    goal, image = LOSS.target(target), tf.constant(seen["a"])
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = LOSS({"a": image}, goal)
    gradient, h = tape.gradient(loss, image).numpy(), 1e-5
    assert size != (21, 15) or np.all(gradient[0, :, :14] != 0), "a position is not looked at"
    exact, rng = seen["a"].astype(np.float64), np.random.default_rng(2)
    for index in zip(*(rng.integers(0, side, 60) for side in exact.shape)):
        ends = []
        for step in (-h, h):
            moved = exact.copy()
            moved[index] += step
            ends.append(numpy_loss({"a": moved}, target))
        slope = (ends[1] - ends[0]) / (2 * h)
        np.testing.assert_allclose(gradient[index], slope, atol=1e-3 * np.abs(gradient).max())


def test_what_it_does_not_see():
    """How strong the features are, also place by place, and which channel means what."""
    target = features(1)
    assert value(target, target) == 0
    assert value({name: 7 * x for name, x in target.items()}, target) < 1e-9
    turned = np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))[0].astype(np.float32)
    assert value({name: x @ turned for name, x in target.items()}, target) < 1e-9
    light = np.random.default_rng(0).uniform(0.5, 2, (1, 6, 5, 1)).astype(np.float32)
    assert value({name: light * x for name, x in target.items()}, target) < 1e-6
    assert losses.ContentLoss()({name: x @ turned for name, x in target.items()}, target) > 0.1


def test_what_it_sees():
    target = features(1, (20, 14))
    exchanged = {name: x[:, ::-1] for name, x in target.items()}
    assert value(exchanged, target) > 0.1
    np.testing.assert_allclose(value(features(2, (20, 14)), target), value(exchanged, target), 0.5)


def test_a_picture_of_which_all_places_are_equally_unlike():
    black = {name: 0 * x for name, x in features(0).items()}
    np.testing.assert_allclose(value(black, features(1)), LOSS.SCALE, rtol=1e-3)


def test_flat_and_black_pictures_have_finite_losses_and_gradients():
    flat = {"a": np.full((1, 6, 5, 4), 0.7, np.float32)}
    for target, seen in itertools.product([flat, {"a": 0 * flat["a"]}, features(0)], repeat=2):
        image = tf.constant(seen["a"])
        with tf.GradientTape() as tape:
            tape.watch(image)
            loss = LOSS({"a": image}, LOSS.target({"a": target["a"]}))
        assert np.isfinite(loss) and np.all(np.isfinite(tape.gradient(loss, image)))


def test_bfloat16():
    seen, target = features(0), features(1)
    rounded = [
        {name: tf.cast(x, tf.bfloat16) for name, x in each.items()} for each in (seen, target)
    ]
    loss = LOSS(rounded[0], LOSS.target(rounded[1]))
    assert loss.dtype == tf.float32
    np.testing.assert_allclose(loss, numpy_loss(seen, target), rtol=0.02)


def test_any_size_in_one_graph():
    target = tf.function(LOSS.target, input_signature=[{"a": tf.TensorSpec([1, None, None, 4])}])
    for size in [(1, 1), (1, 700), (6, 5), (17, 16), (90, 33)]:
        named = features(0, size, ("a",))
        down, across, rows, columns = target(named)["a"].shape
        assert rows == columns <= LOSS.GROUP
        assert down * across * rows > 0.9 * np.prod(size)
        np.testing.assert_allclose(target(named)["a"], LOSS.target(named)["a"], atol=1e-4)


@pytest.mark.parametrize("size, group", [((44, 40), 220), ((12, 122), 244), ((128, 128), 256)])
def test_a_tile_may_be_rolled(size, group):
    """Also where no square of rows and columns divides the sides: none is left out."""
    loss = losses.SelfSimilarity((True, True))
    seen, target = features(0, size, ("a",)), features(1, size, ("a",))
    assert loss.target(target)["a"].shape[2] == group
    value = loss(seen, loss.target(target))
    for shift in [(0, 1), (3, 5)]:
        here, there = (
            {name: np.roll(x, shift, axis=(1, 2)) for name, x in each.items()}
            for each in (seen, target)
        )
        np.testing.assert_allclose(loss(here, loss.target(there)), value, rtol=1e-5)


# --- as an option --------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_graph_paints_what_stylize_paints():
    image, seen = paint(make(optimizer="adam", **OPTION))
    wanted = eagerly(optimizer="adam", **OPTION)
    assert_same_picture(image, wanted.image)
    np.testing.assert_allclose(seen, wanted.losses, rtol=1e-3)
    assert np.abs(image - paint(make(optimizer="adam"))[0]).max() > 0.01


def test_a_graph_goes_on_in_steps():
    stylizer = make(**OPTION)
    state = stylizer.step(content(), content(), b"", 2, 3)["state_bytes"]
    result = stylizer.step(content(), content(), state, 2, 3)
    once = stylizer.step(content(), content(), b"", 4, 3)
    np.testing.assert_array_equal(result["image"], once["image"])


def test_a_solution_stays_as_it_is():
    options = {"size": 64, "features": network(), "tv_weight": 0, "evaluations": 5} | LAYERS
    result = tfstyle.stylize(photo(), stripes(), style_weight=0, **OPTION, **options)
    assert result.parts["content"] < 1e-6 and np.abs(result.image - photo()[None]).max() < 1e-3


@pytest.mark.slow
def test_a_resumed_run_ends_as_if_it_had_never_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(base, "CHUNK_SECONDS", 1e-9)
    settings = StylizeSettings(
        size=64, evaluations=12, scales=2, precision="float32", **OPTION, **LAYERS
    )
    wanted = Run(settings, photo(), stripes()).complete()
    path, stopped = tmp_path / "run.npz", Run(settings, photo(), stripes())
    for step in stopped:
        if step.evaluations == 10:  # at the second scale
            stopped.checkpoint().save(path)
            break
    result = Run(settings, photo(), stripes(), checkpoint=path, resume=True).complete()
    np.testing.assert_array_equal(result.image, wanted.image)
    np.testing.assert_array_equal(result.losses, wanted.losses)


def test_it_needs_the_whole_picture(monkeypatch):
    monkeypatch.setattr(workload, "SIDES", (64,))
    options = {"size": 160, "evaluations": 2, "precision": "float32"} | LAYERS
    with pytest.raises(
        ValueError, match="^content_loss: expected features, more memory or a small"
    ):
        tfstyle.stylize(photo(), stripes(), **OPTION, **options)
    tfstyle.stylize(photo(), stripes(), content_weight=0, **OPTION, **options)


@pytest.mark.slow
def test_a_comparison_of_both():
    options = {"size": 48, "evaluations": 6, "precision": "float32"} | LAYERS
    sweep = ("content_loss", ("features", "self_similarity"))
    compared = comparison.compare(stripes(), photo(), sweep=sweep, **options)
    assert np.abs(compared.images[0] - compared.images[1]).max() > 0.001


def test_jobs_that_keep_no_content_do_not_have_it():
    assert "content_loss" in StylizerSettings.fields()
    for job in (tfstyle.synthesize_texture, tfstyle.invert):
        with pytest.raises(ValueError, match="^content_loss: unknown setting"):
            job(stripes(), **OPTION)


def test_an_unknown_name():
    with pytest.raises(ValueError, match="^content_loss: expected one of features, self_similar"):
        tfstyle.stylize(photo(), stripes(), content_loss="self")
