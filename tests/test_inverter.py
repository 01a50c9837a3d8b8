"""Networks that invert: what comes back, how near it is, and what the method cannot do."""

import pathlib
import re

import numpy as np
import pytest
import tensorflow as tf

import tfstyle
from tfstyle import cli, features, images, working
from tfstyle.networks import decoders, inverter

PHOTOS = pathlib.Path(__file__).parent.parent / "examples" / "photos"


def photo(name, height, width):
    return images.resize(images.load(PHOTOS / name), height, width)


@pytest.mark.parametrize("height, width", [(33, 47), (64, 80)])
def test_pictures_of_any_size_come_back_in_their_size(height, width):
    network = inverter.get("block5_conv1", "float32")
    made = network(np.concatenate([photo("chelsea.jpg", height, width)] * 2))
    assert made.shape == (2, height, width, 3) and made.dtype == tf.float32
    assert 0 <= made.numpy().min() and made.numpy().max() <= 1


@pytest.mark.parametrize("layer", ["block2_conv1", "block4_conv1"])
def test_blocks_make_the_whole_picture(layer):
    network, picture = inverter.get(layer, "float32"), photo("coffee.jpg", 250, 341)
    assert network.grid(128).count(341) > 1
    np.testing.assert_allclose(network(picture, side=128), network(picture), atol=1e-5)


def test_the_halo_is_as_wide_as_a_pixel_is_seen():
    """Finite differences: a changed pixel changes the picture nowhere outside, and near it."""
    network, picture = inverter.get("block3_conv1", "float32"), photo("coffee.jpg", 200, 200)
    changed = picture.copy()
    changed[0, 100, 100] = 1 - changed[0, 100, 100]
    rows = np.abs(network(changed) - network(picture)).max(axis=(0, 2, 3)).nonzero()[0]
    halo = network.grid(128).halo
    assert 100 - halo <= rows.min() <= 100 - halo // 2 and 100 + halo // 2 <= rows.max()
    assert rows.max() <= 100 + halo


def test_the_picture_is_nearer_than_one_of_the_layers_resolution():
    """On a photograph not trained on: nearer than the means of squares as wide as the stride.

    At the fifth layer this cat is as smooth as its squares; there they are twice as wide.
    """
    content = photo("chelsea.jpg", 128, 192)
    for layer in decoders.LAYERS:
        stride = 2 ** decoders.LAYERS.index(layer)
        stride *= 2 if layer == "block5_conv1" else 1
        small = content.reshape(1, 128 // stride, stride, 192 // stride, stride, 3)
        coarse = small.mean(axis=(2, 4)).repeat(stride, axis=1).repeat(stride, axis=2)
        made = inverter.get(layer, "float32")(content).numpy()
        assert images.psnr(made, content) > min(images.psnr(coarse, content), 30), layer


@pytest.mark.parametrize("layer, least", [("block4_conv1", 18.8), ("block5_conv1", 15)])
def test_an_astronaut_comes_back(layer, least):
    content = images.load(PHOTOS / "astronaut.jpg")
    seen = []
    result = tfstyle.invert(content, method="network", layer=layer, callback=seen.append)
    assert images.psnr(result.image, images.resize(content, 256, 256)) > least
    np.testing.assert_array_equal(seen[0].image, result.image)
    assert len(seen) == result.evaluations == 1 and seen[0].fraction == 1
    assert result.outcome is tfstyle.Outcome.DONE


def test_the_loss_is_that_of_the_network_picture():
    content, layer = photo("rocket.jpg", 64, 64), "block2_conv1"
    settings = {"layer": layer, "size": 64, "tv_weight": 0, "precision": "float32"}
    result = tfstyle.invert(content, method="network", **settings)
    whole = working.working_picture(content, (64, 64))
    made = inverter.get(layer, "float32")(whole)
    network = features.get("vgg19_compact", [layer], precision="float32")
    seen, wanted = (network(image)[layer].numpy() for image in (made, whole))
    error = np.sum((seen - wanted) ** 2) / np.sum(wanted**2)
    assert result.parts["content"] == pytest.approx(error, rel=1e-4)
    assert result.losses.tolist() == [[1, pytest.approx(error, rel=1e-4)]]


def test_the_default_layer_is_one_that_the_method_has_and_scales_do_not_count():
    content = photo("rocket.jpg", 64, 64)
    default, named = (
        tfstyle.invert(content, method="network", size=64, **options)
        for options in ({"scales": 2}, {"layer": "block4_conv1"})
    )
    np.testing.assert_array_equal(default.image, named.image)


def test_both_starts_from_the_network_picture_and_comes_nearer():
    content, starts = photo("rocket.jpg", 64, 64), []
    settings = {"layer": "block4_conv1", "size": 64, "precision": "float32"}
    network = tfstyle.invert(content, method="network", **settings)
    both = tfstyle.invert(
        content, method="both", evaluations=20, callback=starts.append, **settings
    )
    assert starts[0].evaluations == 0 and starts[0].levels == 1
    np.testing.assert_array_equal(starts[0].image, network.image)
    assert both.parts["content"] < 0.7 * network.parts["content"]


@pytest.mark.parametrize(
    "flags, expected",
    [
        (["--layer=block4_conv2"], "--layer: expected one of block1_conv1, .* received block4_con"),
        (["--layer=block1_conv1,block2_conv1"], "--layer: expected one of .* received block1_conv"),
        (["--features=vgg19"], "--features: expected vgg19_compact or vgg19_narrow for method=net"),
        (["--weights=a.npz"], "--weights: expected bundled for method=network, received a.npz: ta"),
        (["--pooling=max"], "--pooling: expected average for method=network"),
        (["--padding=zeros"], "--padding: expected reflect for method=network"),
        (["--init=a.png"], "--init: expected none for method=network"),
        (["--checkpoint=a.npz"], "--checkpoint: expected none for method=network"),
    ],
)
def test_what_the_method_cannot_do_is_refused(tmp_path, monkeypatch, capsys, flags, expected):
    monkeypatch.chdir(tmp_path)
    images.save("a.png", photo("rocket.jpg", 64, 64))
    command = ["invert", "--content=a.png", "--output=b.png", "--method=network"]
    assert cli.main([*command, "--layer=block1_conv1", *flags]) != 0
    assert re.search(expected, capsys.readouterr().err)


def test_objects_are_refused():
    network = lambda image: {"block1_conv1": image}  # noqa: E731
    with pytest.raises(ValueError, match="^features: expected vgg19_compact or .*method=both"):
        tfstyle.invert(PHOTOS / "rocket.jpg", method="both", layer="block1_conv1", features=network)
    with pytest.raises(ValueError, match="^init: expected none for method=both"):
        picture = np.zeros((64, 64, 3), np.float32)
        tfstyle.invert(PHOTOS / "rocket.jpg", method="both", layer="block1_conv1", init=picture)


def test_the_network_that_inverts_a_layer_is_exported(tmp_path, capsys):
    directory = tmp_path / "inversion"
    content = images.quantized(photo("coffee.jpg", 48, 40), 8)[None]
    command = ["export", "--layer=block2_conv1", "--precision=float32", "--max_size=64"]
    assert cli.main([*command, f"--output={directory}"]) == 0
    loaded, unit = tf.saved_model.load(directory / "1"), np.float32(content / 255)
    wanted = inverter.get("block2_conv1", "float32")(unit)
    made = loaded.signatures["invert"](image=tf.constant(unit))["image"]
    np.testing.assert_allclose(made, wanted, atol=1e-5)
    files = tf.stack([tf.io.encode_png(content[0])])
    png = loaded.signatures["serving_default"](image_bytes=files)["inverted_bytes"][0]
    assert np.abs(tf.io.decode_png(png) / 255 - wanted[0]).max() < 0.6 / 255
    with pytest.raises(tf.errors.InvalidArgumentError, match="image: expected sides from 32 to 64"):
        loaded.signatures["invert"](image=tf.zeros([1, 65, 64, 3]))
    assert cli.main([*command, f"--output={directory}", "--style=a.png"]) != 0
    assert "received --style and --layer" in capsys.readouterr().err
