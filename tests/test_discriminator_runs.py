"""Runs with a discriminator, and its arguments and flags."""

import os
import shlex

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from test_alternating import assert_same
from test_api import assert_picture, checks, narrow, stripes, stylize, texture
from test_discriminator_sight import as_map

from tfstyle import Outcome, cli, images
from tfstyle.discriminator import Discriminator
from tfstyle.optimizers.alternating import Alternating

pytestmark = pytest.mark.slow

SMALL = {"hidden": (8,), "steps": 2, "warm_up": 4, "positions": 200}
NAMED = {f"discriminator_{name}": value for name, value in SMALL.items()}
NAMED |= {"statistic": "discriminator"}


def assert_learned(result, evaluations=12):
    numbers, values, accuracies = result.losses.T
    np.testing.assert_array_equal(numbers, np.arange(evaluations) + 1)
    assert np.isfinite(values).all() and ((accuracies >= 0) & (accuracies <= 1)).all()
    assert result.outcome is Outcome.DONE


def test_textures():
    twice = [texture(seed=seed, scales=1, size=32, **NAMED) for seed in (1, 1)]
    for result in twice:
        assert_picture(result.image, 32, 32)
        assert_learned(result)
    np.testing.assert_array_equal(twice[0].image, twice[1].image)
    np.testing.assert_array_equal(twice[0].losses, twice[1].losses)
    # One that is trained otherwise leads elsewhere, from the same noise.
    options = NAMED | {"discriminator_learning_rate": 0.1}
    result = texture(seed=1, scales=1, size=32, **options)
    assert np.abs(twice[0].image - result.image).max() > 1e-3


def test_what_was_learned_goes_on_at_the_next_scale(monkeypatch):
    seen = []
    real = Alternating.chunks

    def chunks(self, objective, state, targets, evaluations):
        for chunk in real(self, objective, state, targets, evaluations):
            yield chunk
        seen.append((targets, chunk.state.targets))

    monkeypatch.setattr(Alternating, "chunks", chunks)
    texture(size=64, scales=2, **NAMED)
    (_, learned), (targets, _) = seen
    for layer, target in targets.style.items():
        for name in ("variables", "moments", "steps"):
            assert_same(target[name], learned.style[layer][name])
        assert len(target["samples"]) > 2 * len(learned.style[layer]["samples"])


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
        means = [narrow()(x)[layer].numpy().mean(axis=(0, 1, 2)) for x in pictures]
        gaps = [np.linalg.norm(means[n] - means[1]) for n in (0, 2)]
        assert gaps[0] < 0.5 * gaps[1]


def test_what_was_learned_is_the_part_of_the_target_that_another_size_takes_over():
    model = Discriminator(**SMALL)
    small, large = (as_map(np.random.default_rng(n).random((n, 4)), 5) for n in (50, 200))
    first, _ = model.train(small, model.target([small], [1.0]))
    learned, fresh = model.state(first), model.target([large], [1.0])
    assert {name for name in first if name in learned} == {"variables", "moments", "steps"}
    taught = model.with_state(fresh, learned)
    tf.nest.assert_same_structure(taught, fresh)
    tf.nest.map_structure(assert_same, model.state(taught), learned)
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
    assert len(capfd.readouterr().err.splitlines()) <= 2  # a remark of TensorFlow, result
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
