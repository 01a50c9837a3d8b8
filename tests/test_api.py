"""Whole runs with a tiny network: what comes out."""

import functools
import pathlib

import numpy as np
import pytest

import tfstyle
from tfstyle import Outcome, api, engine, features, images, run
from tfstyle.features import vgg
from tfstyle.features.architectures import Architecture
from tfstyle.optimizers import base
from tfstyle.optimizers.lbfgs import LBFGS
from tfstyle.settings import choices

TABLE = Architecture(repeats=(1, 2), widths=(8, 12), weights="bundled", scale=0.02)
STYLE_LAYERS, CONTENT_LAYERS = ("block1_conv1", "block2_conv1"), ("block2_conv2",)
# By name, so that engines are kept from call to call, with their graphs.
NARROW = {"features": "vgg19_narrow", "precision": "float32"}
ASTRONAUT = pathlib.Path(__file__).parent.parent / "examples/photos/astronaut.jpg"


@functools.cache
def network():
    """A ready model with random weights."""
    model = vgg.build(TABLE, (*STYLE_LAYERS, *CONTENT_LAYERS), dtype="float32")
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if layer.weights:
            kernel, bias = (weight.shape for weight in layer.weights)
            scale = np.sqrt(2 / np.prod(kernel[:-1]))
            layer.set_weights([scale * rng.standard_normal(kernel), rng.uniform(-0.2, 0.2, bias)])
    return model


@functools.cache
def narrow():
    """That of `NARROW`."""
    return features.get("vgg19_narrow", (*STYLE_LAYERS, *CONTENT_LAYERS), precision="float32")


def photo(height=64, width=64):
    """A disc on a slope."""
    y, x = np.mgrid[:height, :width] / height
    disc = (x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.09
    return np.stack([0.2 + 0.6 * disc, 0.3 + 0.4 * y, 0.8 - 0.3 * x], axis=-1).astype(np.float32)


def stripes(height=64, width=64):
    y, x = np.mgrid[:height, :width]
    wave = 0.5 + 0.4 * np.sin(0.9 * x + 0.5 * y)
    return np.stack([wave, 0.7 * wave, 0.2 + 0 * wave], axis=-1).astype(np.float32)


def grey(height=64, width=64):
    return np.full((height, width), 0.5, np.float32)


def stylize(content=None, style=None, **options):
    options = {"size": 64, "evaluations": 12} | NARROW | options
    options = {"style_layers": STYLE_LAYERS, "content_layers": CONTENT_LAYERS} | options
    content, style = (
        (photo() if content is None else content),
        (stripes() if style is None else style),
    )
    return api.stylize(content, style, **options)


def texture(style=None, **options):
    options = {"size": 48, "evaluations": 12} | NARROW | options
    style = stripes() if style is None else style
    return api.synthesize_texture(style, **({"style_layers": STYLE_LAYERS} | options))


def invert(content=None, **options):
    options = {"size": 48, "evaluations": 12} | NARROW | options
    content = photo() if content is None else content
    return api.invert(content, **({"layer": CONTENT_LAYERS} | options))


def checks(height=64, width=64):
    y, x = np.mgrid[:height, :width]
    board = 0.2 + 0.6 * ((x // 8 + y // 8) % 2)
    return np.stack([0 * board + 0.1, 1 - board, board], axis=-1).astype(np.float32)


def assert_picture(image, height, width):
    assert isinstance(image, np.ndarray) and image.dtype == np.float32
    assert image.shape == (1, height, width, 3)
    assert np.isfinite(image).all() and image.min() >= 0 and image.max() <= 1


@pytest.mark.parametrize("size, scales", [((70, 45), 1), ((33, 64), 1), ((75, 70), 2)])
@pytest.mark.parametrize("make", [stylize, texture, invert])
def test_exact_size(make, size, scales):
    result = make(size=size, scales=scales)
    assert_picture(result.image, size[1], size[0])
    assert result.evaluations == 12 and result.outcome is Outcome.DONE


def test_long_side_keeps_the_shape():
    assert_picture(stylize(photo(80, 60), size=64).image, 64, 48)
    assert_picture(texture(size=40).image, 40, 40)
    assert_picture(invert(photo(80, 60), size=64, evaluations=2).image, 64, 48)


@pytest.mark.parametrize("optimizer, evaluations", [("lbfgs", 40), ("adam", 150)])
def test_style_loss_falls(optimizer, evaluations):
    result = texture(size=32, tv_weight=0, optimizer=optimizer, evaluations=evaluations)
    assert result.losses[-1, 1] < 0.05 * result.losses[0, 1]
    assert result.parts["style"] <= result.losses[-1, 1] * 1.01
    # Against the statistics of the picture itself, measured here.
    style = images.resize(stripes()[None], 32, 32)
    grams = [gram(image) for image in (result.image, style, images.noise(32, 32, 0))]
    errors = [np.linalg.norm(grams[n] - grams[1]) for n in (0, 2)]
    assert errors[0] < 0.4 * errors[1]


def gram(image, layer="block2_conv1"):
    values = narrow()(image)[layer].numpy()
    rows = values.reshape(-1, values.shape[-1])
    return rows.T @ rows / len(rows)


def test_style_moves_the_content_towards_it():
    result = stylize(evaluations=30)
    grams = [gram(image) for image in (result.image, stripes()[None], photo()[None])]
    assert np.linalg.norm(grams[0] - grams[1]) < 0.5 * np.linalg.norm(grams[2] - grams[1])


def test_content_weight_keeps_the_content():
    content = photo()
    errors = []
    for weight in (0, 0.1, 1000):
        options = {"style_weight": 10, "tv_weight": 0, "evaluations": 40}
        result = stylize(init="noise", content_weight=weight, **options)
        seen, wanted = (narrow()(x)["block2_conv2"].numpy() for x in (result.image, content[None]))
        errors.append(np.sum((seen - wanted) ** 2) / np.sum(wanted**2))
        assert ("content" in result.parts) == (weight > 0)
    assert errors[2] < 0.3 * errors[0] and errors[2] < errors[1] < errors[0]


def test_a_solution_stays_as_it_is():
    # Grey, because the margin is part of the statistics.
    result = texture(grey(), init=grey(), size=64, scales=1, tv_weight=0)
    assert result.losses[0, 1] < 1e-9
    result = stylize(style_weight=0, tv_weight=0, scales=1)
    assert result.outcome is Outcome.CONVERGED
    np.testing.assert_array_equal(result.image[0], photo())


@pytest.mark.parametrize("make", [stylize, texture])
def test_seed(make):
    first, second, other = (make(init="noise", seed=seed, scales=1).image for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).mean() > 0.01


@pytest.mark.parametrize("init", ["content", "noise", "picture"])
def test_start(init, monkeypatch):
    seen = []
    monkeypatch.setattr(base, "CHUNK_SECONDS", 1e-9)
    start = grey() if init == "picture" else init
    stylize(init=start, scales=1, evaluations=1, seed=5, callback=seen.append)
    expected = {
        "content": photo()[None],
        "noise": images.noise(68, 68, 5)[:, 2:66, 2:66],  # without the margin of a 32nd
        "picture": np.full((1, 64, 64, 3), 0.5),
    }
    # The first evaluation is at the start.
    for progress in seen:
        np.testing.assert_array_equal(progress.image, expected[init])


def test_what_a_statistic_draws_is_new_on_every_level_and_the_same_in_every_run(monkeypatch):
    real, seen = LBFGS.chunks, []

    def chunks(self, objective, state, targets, evaluations):
        seen.append(int(targets.seed))
        return real(self, objective, state, targets, evaluations)

    monkeypatch.setattr(LBFGS, "chunks", chunks)
    options = {"statistic": "sliced_wasserstein", "size": 64, "scales": 2, "evaluations": 6}
    first, again, _ = (texture(seed=seed, **options).image for seed in (1, 1, 2))
    assert len(seen) == 6 and len({*seen[:2], *seen[4:]}) == 4
    assert seen[:2] == seen[2:4]
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("content, style", [(grey, stripes), (photo, grey), (grey, grey)])
def test_flat_pictures_survive(content, style):
    assert_picture(stylize(content(), style(), scales=2).image, 64, 64)
    assert_picture(texture(style()).image, 48, 48)


@pytest.mark.parametrize("value", [0, 1])
def test_black_and_white_pictures_survive(value):
    flat = np.full((40, 40, 3), value, np.uint8) * 255
    assert_picture(stylize(flat, flat, size=40).image, 40, 40)


def test_three_levels_twice_bit_for_bit():
    first, second = (stylize(size=160, scales=3, evaluations=20, seed=1) for _ in range(2))
    np.testing.assert_array_equal(first.image, second.image)


def test_style_of_another_shape_and_size():
    assert_picture(stylize(style=stripes(33, 120)).image, 64, 64)
    assert_picture(stylize(style=stripes(), style_size=32).image, 64, 64)


def feature_error(image, content, layers):
    seen, wanted = narrow()(image), narrow()(content)
    errors = [np.sum((seen[x] - wanted[x]) ** 2) / np.sum(wanted[x] ** 2) for x in layers]
    return np.mean(errors)


@pytest.mark.parametrize("layers", [CONTENT_LAYERS, ("block1_conv1", "block2_conv2")])
@pytest.mark.parametrize("scales", [1, 2])
def test_inversion_brings_the_features_back(layers, scales):
    result = invert(layer=layers, size=64, scales=scales, tv_weight=0, evaluations=60)
    content = photo()[None]
    before = feature_error(images.noise(64, 64, 0), content, layers)
    assert feature_error(result.image, content, layers) < 0.01 * before
    assert list(result.parts) == ["content", "range"]


def test_inversion_takes_the_name_of_one_layer():
    one, listed = (invert(layer=layer) for layer in ("block1_conv1", ["block1_conv1"]))
    np.testing.assert_array_equal(one.image, listed.image)
    assert list(one.parts) == ["content", "tv", "range"]
    assert np.abs(one.image - invert(layer="block2_conv2").image).max() > 0.01


def test_total_variation_smooths_an_inversion():
    rough, smooth = (invert(tv_weight=weight, evaluations=30).image for weight in (0, 30))
    steps = [np.abs(np.diff(image, axis=2)).mean() for image in (rough, smooth)]
    assert steps[1] < 0.7 * steps[0]


def test_deeper_layers_of_the_bundled_network_know_less_of_a_picture():
    """Mahendran & Vedaldi 2015: what is left after three of the five blocks."""
    content = images.load(ASTRONAUT)
    options = {"size": 64, "evaluations": 40, "precision": "float32"}
    results = [api.invert(content, layer=x, **options) for x in choices.GATYS_LAYERS[::2]]
    small = images.resize(content, 64, 64)
    quality = [images.psnr(result.image, small) for result in results]
    assert quality == sorted(quality, reverse=True) and len(set(quality)) == 3, quality
    assert quality[0] > 25 and quality[-1] < 12


def test_levels_are_counted_as_one_run(monkeypatch):
    monkeypatch.setattr(base, "CHUNK_SECONDS", 1e-9)
    seen = []
    result = stylize(size=(128, 140), scales=3, evaluations=18, callback=seen.append)
    counts = [step.evaluations for step in seen]
    assert counts == list(range(19))  # 0: all is ready
    sizes = [tuple(step.image.shape[1:3]) for step in seen]  # without their margins
    assert sizes == 9 * [(35, 32)] + 6 * [(70, 64)] + 4 * [(140, 128)]
    assert [step.level for step in seen] == 9 * [1] + 6 * [2] + 4 * [3]
    fractions = [step.fraction for step in seen]
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] == 1
    np.testing.assert_array_equal(result.losses[:, 0], counts[1:])
    assert result.evaluations == 18 and result.seconds > 0


@pytest.mark.parametrize("looks", [1, 4])
def test_interrupt_gives_the_full_size(looks, monkeypatch):
    monkeypatch.setattr(base, "CHUNK_SECONDS", 1e-9)
    seen = []

    def callback(progress):
        seen.append(progress)
        if progress.evaluations == looks:
            raise KeyboardInterrupt

    result = stylize(scales=2, evaluations=10, callback=callback)
    assert result.outcome is Outcome.STOPPED and result.evaluations == looks
    assert_picture(result.image, 64, 64)
    # With its margin it goes from 34 to 68 pixels: the same inside, but for the filter's ends.
    expected = images.resize(seen[-1].image, 64, 64)
    np.testing.assert_allclose(result.image[:, 8:-8, 8:-8], expected[:, 8:-8, 8:-8], atol=0.02)


def test_interrupt_between_two_levels_keeps_the_picture(monkeypatch):
    content_targets, calls = engine.Engine.content_targets, []

    def interrupted(self, *arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return content_targets(self, *arguments)

    monkeypatch.setattr(engine.Engine, "content_targets", interrupted)
    result = stylize(scales=2, evaluations=10)
    assert result.outcome is Outcome.STOPPED and result.evaluations == 6
    assert_picture(result.image, 64, 64)


def test_features_that_are_not_finite_end_the_run():
    def broken(image):
        return {layer: values * float("nan") for layer, values in network()(image).items()}

    result = stylize(features=broken, scales=2)
    assert result.outcome is Outcome.NOT_FINITE and result.evaluations < 12
    np.testing.assert_allclose(result.image[0], photo(), atol=0.5)


def test_any_callable_is_a_network():
    def colours(image):
        return {"colour": image}

    options = {"statistic": "gram", "style_layers": ["colour"], "evaluations": 60, "tv_weight": 0}
    result = api.synthesize_texture(stripes(), size=32, features=colours, **options)
    moments = [
        np.einsum("bhwi,bhwj->ij", x, x) / x[0, ..., 0].size
        for x in (result.image, stripes()[None])
    ]
    np.testing.assert_allclose(moments[0], moments[1], atol=1e-3)


def test_public_names():
    assert tfstyle.stylize is api.stylize and tfstyle.Result is run.Result
    assert isinstance(texture(), tfstyle.Result)
    assert all(hasattr(tfstyle, name) for name in tfstyle.__all__)
