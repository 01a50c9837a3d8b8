"""What `tfstyle serve` makes of exported networks: its answers are those of the library."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfstyle
from tfstyle import cli, images
from tfstyle.networks import inverter, trained
from tfstyle.server import codec, plain, worker

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(3)


@pytest.fixture(autouse=True)
def no_threads(monkeypatch):
    """Of TensorFlow, whose number cannot be changed any more in the process of the tests."""
    monkeypatch.setattr(tf.config.threading, "set_intra_op_parallelism_threads", lambda count: None)


@pytest.fixture
def photo(folder):
    Image.fromarray(RNG.integers(0, 256, (40, 64, 3), np.uint8)).save("photo.png")
    return images.load("photo.png")


def exported(*flags):
    """What answers for an export, and the plain route of it: its name and its numbers."""
    assert cli.main(["export", "--output=model", *flags]) == 0
    answering = worker.Answering("model/1", threads=1, limit=10**6)
    ((name, inputs),) = plain.signatures(answering.facts()).items()
    return answering, name, plain.parameters(answering.facts(), inputs)


def network(kind, path):
    made = trained.build(kind)
    shapes = [weight.shape for weight in made.get_weights()]
    made.set_weights([RNG.normal(0.05, 0.1, shape).astype(np.float32) for shape in shapes])
    trained.Trained(made, {"kind": kind}, {"steps": 7}).save(path)


def painted(answering, name, numbers, file=b"", form=plain.PNG):
    answer = answering("picture", file, signature=name, numbers=numbers, form=form)
    assert (answer.code, answer.form) == (200, form), answer
    return images.load(answer.content)


def test_a_network_that_paints(photo):
    network("style", "painter.npz")
    answering, name, known = exported("--model=painter.npz")
    assert (name, known) == ("stylize", {"max_size": None})
    file = pathlib.Path("photo.png").read_bytes()
    expected = tfstyle.apply("painter.npz", photo)
    np.testing.assert_allclose(painted(answering, name, known, file), expected, atol=0.51 / 255)
    small = painted(answering, name, {"max_size": 48}, file, plain.JPEG)
    assert small.shape == (1, 32, 48, 3)  # no side is shorter than the networks can see
    rows = {"signature_name": "stylize", "instances": [{"image": photo[0].tolist()}] * 2}
    answer = json.loads(answering("json", json.dumps(rows).encode()).content)["predictions"]
    np.testing.assert_allclose(answer, np.repeat(expected, 2, axis=0), atol=1e-4)


def test_a_network_that_weaves(folder):
    network("texture", "weaver.npz")
    answering, name, known = exported("--model=weaver.npz")
    assert (name, known) == ("texture", {"height": None, "width": None, "seed": 0})
    numbers = plain.read({"height": "32", "width": "64"}, known)
    expected = tfstyle.apply("weaver.npz", size=(64, 32), seed=0)
    np.testing.assert_allclose(painted(answering, name, numbers), expected, atol=0.51 / 255)
    answer = answering("picture", b"", signature=name, numbers=numbers | {"height": 33}, form="")
    assert answer.code == 400 and answer.content.startswith("height, width: expected multiples")


def test_a_network_that_inverts_and_a_fault(photo, monkeypatch):
    answering, name, known = exported("--layer=block1_conv1", "--precision=float32")
    assert (name, known) == ("invert", {"max_size": 1024})
    expected = inverter.get("block1_conv1", "float32")(photo)
    made = painted(answering, name, known, pathlib.Path("photo.png").read_bytes())
    np.testing.assert_allclose(made, expected, atol=0.51 / 255)
    monkeypatch.setattr(images, "load", lambda *arguments: 1 / 0)
    answer = answering("picture", b"", signature=name, numbers=known, form=plain.PNG)
    assert answer[:2] == (500, "failed with ZeroDivisionError, see the log")
    assert answer.trace.startswith("Traceback") and "1 / 0" in answer.trace


def test_an_export_that_says_nothing_of_itself_wants_its_numbers():
    known = plain.parameters({"settings": {}}, ["image", "num_steps", "seed"])
    assert known == {"num_steps": None, "seed": 0, "max_size": None}
    with pytest.raises(codec.BadRequest, match="num_steps: expected a number in the query"):
        plain.read({}, known)
