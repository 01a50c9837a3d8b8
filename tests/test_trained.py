"""Networks that make pictures at once: what they compute, their files, and what applies them."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfstyle
from tfstyle import cli, images
from tfstyle.networks import applied, files, texture_network, trained, units
from tfstyle.serving import networks, onnx_file

ROOT = pathlib.Path(__file__).parent.parent
RNG = np.random.default_rng(5)


def network(kind):
    """One whose weights are all at random, the last ones too."""
    made = trained.build(kind)
    shapes = [weight.shape for weight in made.get_weights()]
    rng = np.random.default_rng(9)  # of its own: the same whatever ran before
    made.set_weights([rng.normal(0.05, 0.1, shape).astype(np.float32) for shape in shapes])
    return trained.Trained(made, {"kind": kind}, {"steps": 7})


@pytest.fixture(scope="module")
def painter():
    return network("style")


@pytest.fixture(scope="module")
def weaver():
    return network("texture")


def test_a_unit_normalises_each_picture_by_itself():
    unit = units.Unit(5, size=1)
    x = RNG.random((2, 6, 7, 3)).astype(np.float32)
    (kernel, scale, shift) = (
        RNG.normal(size=(1, 1, 3, 5)),
        RNG.normal(size=5),
        RNG.normal(size=5),
    )
    unit(x)
    unit.convolution.set_weights([kernel])
    unit.scale.assign(scale)
    unit.shift.assign(shift)
    y = x @ kernel[0, 0]
    mean, variance = y.mean(axis=(1, 2), keepdims=True), y.var(axis=(1, 2), keepdims=True)
    expected = np.maximum(scale * (y - mean) / np.sqrt(variance + units.EPSILON) + shift, 0)
    np.testing.assert_allclose(unit(x)[0], expected, rtol=1e-3, atol=1e-4)


def test_blocks_are_parts_of_the_whole(painter):
    photo = RNG.random((1, 101, 150, 3)).astype(np.float32)
    whole = applied.Applier(painter)
    statistics = painter.network(photo)[1]
    in_blocks = applied.Applier(painter, whole=photo[..., 0].size - 1, side=48)
    in_blocks._measure = lambda small: statistics
    painted = whole.painted(photo)
    assert painted.shape == photo.shape
    assert painted.std() > 0.05
    np.testing.assert_allclose(in_blocks.painted(photo), painted, atol=1e-5)


def test_a_texture_continues_at_its_other_side(weaver):
    noise = texture_network.noise(1, 64, 96, seed=3)
    strides = [texture_network.STRIDE >> scale for scale in range(len(noise))]
    moved = [tf.roll(each, 32 // stride, axis=2) for each, stride in zip(noise, strides)]
    picture, shifted = (weaver.network(each)[0].numpy() for each in (noise, moved))
    assert picture.shape == (1, 64, 96, 3)
    np.testing.assert_allclose(shifted, np.roll(picture, 32, axis=2), atol=1e-4)


def test_blocks_of_a_texture_are_parts_of_the_whole(weaver):
    whole, in_blocks = applied.Applier(weaver), applied.Applier(weaver, whole=0, side=64)
    statistics = weaver.network(texture_network.noise(1, 96, 160, seed=2))[1]
    in_blocks._measure = lambda small: statistics
    texture = whole.texture(96, 160, seed=2)
    assert texture.std() > 0.02
    np.testing.assert_allclose(in_blocks.texture(96, 160, seed=2), texture, atol=1e-5)


@pytest.mark.slow
def test_seeds_are_textures_of_their_own(weaver):
    several = texture_network.noise(2, 32, 32, seed=8)
    for scale, each in enumerate(texture_network.noise(1, 32, 32, seed=9)):
        np.testing.assert_array_equal(several[scale][1], each[0])
    made = [tfstyle.apply(weaver, size=(40, 48), seed=seed) for seed in (0, 0, 1)]
    assert made[0].shape == (1, 48, 40, 3)
    np.testing.assert_array_equal(made[0], made[1])
    assert np.abs(made[0] - made[2]).mean() > 0.02


def test_files(painter, tmp_path):
    path = tmp_path / "model.npz"
    painter.save(path)
    assert path.stat().st_size < 1e6
    again = trained.load(path)
    assert (again.settings, again.record) == (painter.settings, painter.record)
    photo = RNG.random((1, 40, 30, 3)).astype(np.float32)
    np.testing.assert_allclose(again.network(photo)[0], painter.network(photo)[0], atol=0.02)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match="^model=.*received another or a damaged file"):
        trained.load(path)
    with pytest.raises(ValueError, match="^model=nowhere: expected a file of tfstyle train"):
        tfstyle.apply("nowhere", photo)


@pytest.mark.parametrize("command", ["export", "apply"])
def test_an_unknown_name_is_refused_before_tensorflow_is_loaded(command):
    code = (
        "import sys; from tfstyle import cli; "
        f"code = cli.main(['{command}', '--model=nowhere', '--output=out.png']); "
        "sys.exit(code != 2 or 'tensorflow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("name", files.BUNDLED)
def test_the_networks_of_the_package_are_small(name):
    assert files.BUNDLED[name].stat().st_size < 1e6


def test_the_texture_of_the_package_is_another_with_every_seed():
    gravel, style = trained.load("gravel"), images.load(ROOT / "examples/textures/gravel.jpg")
    one, other = (tfstyle.apply(gravel, size=192, seed=seed) for seed in (1, 2))
    assert abs(one.mean() - style.mean()) < 0.03
    # Independent pictures differ by their deviation times the root of 2.
    assert np.sqrt(np.mean((one - other) ** 2)) > 0.8 * np.sqrt(2) * one.std()


@pytest.mark.parametrize("name", ["strokes", "woodcut"])
def test_the_networks_of_the_package_paint_in_their_style(name):
    examples = ROOT / "examples"
    photo = images.resize(images.load(examples / "photos/chelsea.jpg"), 150, 225)
    painted = tfstyle.apply(name, photo)
    style = images.load(examples / f"styles/{name}.jpg")
    colours = [picture.reshape(-1, 3) for picture in (photo, painted, style)]
    before, after, aim = (np.r_[each.mean(axis=0), each.std(axis=0)] for each in colours)
    assert np.abs(after - aim).sum() < 0.4 * np.abs(before - aim).sum()


def test_pictures_that_do_not_belong(painter, weaver):
    with pytest.raises(ValueError, match="^content: expected none"):
        tfstyle.apply(weaver, RNG.random((32, 32, 3)))
    with pytest.raises(ValueError, match="^content: expected a picture"):
        tfstyle.apply(painter)


@pytest.mark.slow
def test_folders_are_painted(painter, folder, capsys):
    painter.save("model.npz")
    Image.fromarray(RNG.integers(0, 256, (40, 50, 4), np.uint8)).save("glass.png")
    arguments = ["apply", "--model=model.npz", "--content=.", "--output_dir=out"]
    assert cli.main(arguments) == 0
    assert np.asarray(Image.open("out/content.png")).shape == (50, 60, 3)
    glass = np.asarray(Image.open("out/glass.png"))
    np.testing.assert_array_equal(glass[..., 3], np.asarray(Image.open("glass.png"))[..., 3])
    assert cli.main([*arguments[:2], "--content=*.png", "--output=one.png"]) == 2
    assert "--output: expected one photograph, received 3" in capsys.readouterr().err
    assert cli.main([*arguments[:2], "--content=style.png", "--output=one.png", "--size=40"]) == 0
    assert np.asarray(Image.open("one.png")).shape == (33, 40, 3)


@pytest.mark.slow
def test_exports_make_the_same(painter, weaver, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    painter.save("painter.npz")
    weaver.save("weaver.npz")
    photo = RNG.random((2, 45, 66, 3)).astype(np.float32)
    expected = np.clip(trained.load("painter.npz").network(photo)[0], 0, 1)
    assert cli.main(["export", "--model=painter.npz", "--output=served"]) == 0
    served = tf.saved_model.load("served/1").signatures
    np.testing.assert_allclose(served["stylize"](image=photo)["image"], expected, atol=1e-5)
    assert json.loads(pathlib.Path("served/1/assets.extra/tfstyle.json").read_text()) == {
        "settings": painter.settings,
        "record": painter.record,
    }
    data = tf.io.encode_png(np.uint8(photo[0] * 255 + 0.5))
    answer = served["serving_default"](image_bytes=data[None])["stylized_bytes"][0]
    assert tf.io.decode_png(answer).shape == (45, 66, 3)
    assert cli.main(["export", "--model=weaver.npz", "--output=woven"]) == 0
    woven = tf.saved_model.load("woven/1").signatures["texture"]
    sides = {"height": tf.constant(64), "width": tf.constant(32), "seed": tf.constant(4)}
    made = tfstyle.apply("weaver.npz", size=(32, 64), seed=4)
    np.testing.assert_allclose(woven(**sides)["image"], made, atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
def test_a_lite_file_makes_the_same_at_any_size(painter, tmp_path, capsys):
    path = tmp_path / "painter.tflite"
    networks.save_lite(painter, path)
    assert path.stat().st_size < 2e6
    interpreter = tf.lite.Interpreter(str(path))
    (asked,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    photo = RNG.random((1, 37, 50, 3)).astype(np.float32)
    interpreter.resize_tensor_input(asked["index"], photo.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(asked["index"], photo)
    interpreter.invoke()
    expected = np.clip(painter.network(photo)[0], 0, 1)
    np.testing.assert_allclose(interpreter.get_tensor(answer["index"]), expected, atol=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["style", "texture"])
def test_an_onnx_file_makes_the_same_at_any_size(kind, tmp_path, monkeypatch, capsys):
    pytest.importorskip("onnx", reason="pip install onnx onnxruntime")
    runtime = pytest.importorskip("onnxruntime", reason="pip install onnx onnxruntime")
    monkeypatch.chdir(tmp_path)
    network(kind).save("model.npz")
    assert cli.main(["export", "--model=model.npz", "--output=model.onnx"]) == 0
    session = runtime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
    saved = trained.load("model.npz")
    assert json.loads(session.get_modelmeta().custom_metadata_map["record"]) == {"steps": 7}
    for count, height, width in ((1, 32, 64), (2, 45, 66) if kind == "style" else (2, 96, 32)):
        if kind == "style":
            given = RNG.random((count, height, width, 3)).astype(np.float32)
            named = {"image": given}
        else:
            given = texture_network.noise(count, height, width, seed=1)
            named = {f"noise_{scale}": maps.numpy() for scale, maps in enumerate(given)}
        expected = np.clip(saved.network(given)[0], 0, 1)
        assert expected.std() > 0.01 and expected.shape == (count, height, width, 3)
        (painted,) = session.run(None, named)
        np.testing.assert_allclose(painted, expected, atol=1e-4)


def test_an_onnx_file_needs_its_package(painter, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ValueError, match="^output: expected the package onnx, .*pip install"):
        onnx_file.save(painter, tmp_path / "painter.onnx")
    assert not any(tmp_path.iterdir())
