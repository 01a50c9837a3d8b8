"""Every job without a network: the steerable pyramid in runs, graphs, exports and batches."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfstyle
from tfstyle import cli
from tfstyle.serving import saved_model
from tools import joint_statistics

PYRAMID = {"features": "steerable_pyramid", "optimizer": "adam"}
JOINT = {"portilla_simoncelli_scales": 2, "portilla_simoncelli_angles": 2}


def picture(height=32, width=40, seed=0):
    """Noise of 8 bits, smooth along one direction."""
    noise = np.random.default_rng(seed).random((height, width, 3), np.float32)
    return np.uint8(255 * (noise + np.roll(noise, 1, axis=1)) / 2)


@pytest.fixture(scope="module")
def stylizer():
    """All it knows is the pyramid of the style."""
    options = PYRAMID | JOINT | {"max_size": 64, "evaluations": 3, "max_evaluations": 9}
    return tfstyle.Stylizer(picture(), **options)


def painted(content, steps=3):
    options = PYRAMID | JOINT | {"size": content.shape[1::-1], "evaluations": steps, "seed": 3}
    return tfstyle.stylize(content, picture(), **options)


@pytest.mark.slow
def test_an_export_paints_what_stylize_paints(stylizer, tmp_path):
    """Read again without the library's classes."""
    content = picture(40, 36, seed=1)
    wanted = painted(content)
    model = tf.saved_model.load(saved_model.save(stylizer, tmp_path / "model", 1))
    found = model.signatures["stylize"](
        image=content[None] / np.float32(255), num_steps=tf.constant(3), seed=tf.constant(3)
    )
    assert np.abs(wanted.image - content / 255).max() > 0.01
    assert np.quantile(np.abs(found["image"] - wanted.image), 0.995) < 1e-4
    np.testing.assert_allclose(found["losses"], wanted.losses, rtol=1e-3)


def test_a_batch_paints_what_stylize_paints(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, seed in (("style", 0), ("a", 1)):
        Image.fromarray(picture(seed=seed)).save(f"{name}.png")
    options = PYRAMID | {"statistic": "gram"}  # of its bands
    flags = [f"--{name}={value}" for name, value in options.items()]
    flags += ["--style=style.png", "--size=40", "--evaluations=2"]
    assert cli.main(["batch", "--content=a.png", "--output_dir=out", *flags]) == 0
    assert cli.main(["stylize", "--content=a.png", "--output=a_too.png", *flags]) == 0
    both = [np.asarray(Image.open(name)) for name in ("out/a.png", "a_too.png")]
    np.testing.assert_array_equal(*both)


def test_a_resumed_texture_ends_as_if_it_had_never_stopped(tmp_path):
    options = PYRAMID | JOINT | {"size": 32, "evaluations": 4, "optimizer": "lbfgs"}
    whole = tfstyle.synthesize_texture(picture(), **options).image
    path = tmp_path / "run.npz"
    settings = tfstyle.settings.TextureSettings(**options)
    run = tfstyle.Run(settings, style=picture(), checkpoint=path)
    for step in run:
        if step.evaluations >= 2:
            run.stop()
    resumed = tfstyle.synthesize_texture(picture(), checkpoint=path, resume=True, **options)
    np.testing.assert_array_equal(resumed.image, whole)
    longer = tfstyle.settings.TextureSettings(**options | {"evaluations": None})
    run = tfstyle.Run(longer, style=picture(), checkpoint=path, resume=True)
    assert next(run).evaluations == 4 and sum(run.plan.budgets) == 1200


@pytest.mark.parametrize(
    "rgb, lab",  # of colour tables, D65
    [
        ((1, 1, 1), (100, 0, 0)),
        ((1, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 0, 1), (32.30, 79.19, -107.86)),
        ((0.5, 0.5, 0.5), (53.39, 0, 0)),
        ((0.02, 0.02, 0.02), (1.40, 0, 0)),
    ],
)
def test_cielab(rgb, lab):
    np.testing.assert_allclose(joint_statistics.cielab(np.float64(rgb)), lab, atol=0.05)


def test_errors_are_relative():
    """Twice the contrast about the same mean: twice every deviation, four times a variance."""
    style = picture(64, 64)[None] / np.float32(255)
    double = 2 * style - style.mean((1, 2), keepdims=True)
    found = joint_statistics.errors(double, style)
    expected = {"mean": 0, "skewness": 0, "parent_phase": 0, "lowpass_correlation": 0}
    expected |= {"lowpass_deviation": 1, "magnitude_deviation": 1, "highpass_variance": 3}
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=0.03), name
    assert max(joint_statistics.errors(style, style).values()) < 1e-4
