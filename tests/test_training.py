"""Trainings of networks: their data, their loss, and that it falls on what is held out."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfstyle
from tfstyle import cli, device, engine, levels
from tfstyle.inputs import load_styles
from tfstyle.networks import style_network, texture_network, trained
from tfstyle.outcome import Outcome
from tfstyle.settings import StylizeSettings, TrainSettings
from tfstyle.training import objective, pictures
from tfstyle.training.run import TrainRun

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(2)
PHOTOS = [RNG.random((80 + 8 * n, 90, 3)).astype(np.float32) ** (1 + n) for n in range(4)]
STYLE = np.float32(np.kron(RNG.random((8, 8, 3)), np.ones((12, 12, 1))))
# A network of few layers, for speed.
SMALL = {
    "style_layers": ("block1_conv1",),
    "content_layers": ("block1_conv1",),
    "statistic": "mean_covariance",
    "size": 64,
    "batch": 2,
    "precision": "float32",
}


def test_crops_depend_on_their_number_and_leave_out_what_is_held_out():
    photographs = pictures.Photographs(PHOTOS, 64, seed=0)
    assert photographs.held_out.shape == (1, 64, 64, 3)
    assert len(photographs.pictures) == 3
    first, second = (next(iter(photographs.batches(4))).numpy() for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == (4, 64, 64, 3) and first.dtype == np.float32
    assert 0 <= first.min() and first.max() <= 1
    assert np.abs(first - next(iter(photographs.batches(4, first=100))).numpy()).mean() > 0.01
    photographs.pictures += ["damaged.jpg"] * 3  # are left out
    assert next(iter(photographs.batches(16))).shape == (16, 64, 64, 3)


def test_the_loss_is_the_mean_of_those_of_the_library():
    settings = TrainSettings(**SMALL)
    parts, here = engine.Parts(), device.find()
    styles = load_styles(settings, STYLE, (64, 64))
    loss = objective.Painted(engine.get(settings, parts, here), settings, styles)
    paintings, photographs = np.float32(RNG.random((2, 2, 64, 64, 3)))
    single = {name: SMALL[name] for name in ("style_layers", "content_layers", "statistic")}
    alone = engine.get(StylizeSettings(**single, precision="float32"), parts, here)
    level = levels.Level(0, 64, 64, 1, 1)
    style = alone.styles.kept(styles, level, 0, None)
    expected = []
    for painting, photograph in zip(paintings, photographs):
        aims = alone.targets(alone.content_targets(photograph[None], level), style, 0)
        expected.append(float(alone.objective(painting[None], aims)[0]))
    total = loss(tf.constant(paintings), tf.constant(photographs))[0]
    np.testing.assert_allclose(total, np.mean(expected), rtol=1e-4)


def test_differences_of_textures():
    made = np.float32([[0.0, 0.0], [0.3, 0.4], [1.0, 0.0]]).reshape(3, 1, 2, 1)
    squares = np.square(made[:, None] - made[None]).mean(axis=(2, 3, 4)) + objective.LEAST
    np.fill_diagonal(squares, np.inf)
    expected = np.log(np.sqrt(squares.min(axis=1))).mean()
    np.testing.assert_allclose(objective.different(tf.constant(made)), expected, rtol=1e-5)


def test_training_lowers_the_loss_on_what_is_held_out_and_resumes(tmp_path, monkeypatch):
    monkeypatch.setattr(style_network, "BLOCKS", 1)
    path = tmp_path / "checkpoint"
    settings = TrainSettings(**SMALL, minutes=0.02)
    run = TrainRun(settings, STYLE, PHOTOS, checkpoint=path)
    steps = list(run)
    assert run.outcome is Outcome.DONE
    assert steps[-1].loss < 0.8 * steps[0].loss
    assert steps[0].image.shape == (1, 64, 64, 3)
    record = run.result.record
    assert record["losses"][-1] == [run.evaluations, pytest.approx(steps[-1].loss, abs=1e-4)]
    assert (record["photographs"], record["held_out"]) == (3, 1)
    more = TrainRun(settings.replace(minutes=0.03), STYLE, PHOTOS, checkpoint=path, resume=True)
    first = next(more)
    assert first.evaluations == run.evaluations
    assert first.loss == pytest.approx(steps[-1].loss, rel=1e-4)
    with pytest.raises(ValueError, match="^checkpoint: expected one of a run with batch=3"):
        next(TrainRun(settings.replace(batch=3), STYLE, PHOTOS, checkpoint=path, resume=True))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 100}, "^size: expected a multiple of 32, received 100"),
        ({"statistic": "discriminator"}, "^statistic: expected one of gram"),
        ({"kind": "texture", "batch": 1}, "^batch: expected at least 2"),
        ({}, "^photos: expected a folder or a list of at least 2 pictures"),
    ],
)
def test_what_cannot_be_trained(changes, message):
    with pytest.raises(ValueError, match=message):
        tfstyle.train(STYLE, [PHOTOS[0]], **changes)


def test_the_command_learns_a_texture_of_noise_alone(folder, capsys):
    Image.fromarray(np.uint8(255 * STYLE)).save("blocks.png")
    flags = ["--style_layers=block1_conv1", "--statistic=mean", "--size=64", "--batch=2"]
    files = ["--style=blocks.png", "--output=model.npz", "--samples=samples.png"]
    arguments = ["train", "--kind=texture", "--minutes=0.02", *flags, *files]
    assert cli.main(arguments) == 0
    assert "model.npz: done after" in capsys.readouterr().err
    losses = trained.load("model.npz").record["losses"]
    assert losses[-1][1] < 0.8 * losses[0][1]
    made = tfstyle.apply("model.npz", size=64)
    noise = texture_network.noise(1, 64, 64, seed=0)
    expected = np.clip(trained.load("model.npz").network(noise)[0], 0, 1)
    np.testing.assert_allclose(made, expected, atol=1e-4)
    assert cli.main([*arguments, "--resume"]) == 2
    assert "--resume: expected a file in --checkpoint" in capsys.readouterr().err
