"""Feature networks against `keras.applications`, and every way in which weights do not fit."""

import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfstyle import device, features
from tfstyle.features import architectures, precision, vgg, weights
from tfstyle.features.architectures import VGG19, VGG19_COMPACT, Architecture
from tfstyle.settings import choices

SHARED = pathlib.Path(__file__).parent.parent.parent / "shared"
STYLE = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")
LAYERS = (*STYLE[:4], "block4_conv2", STYLE[4])
AS_TRAINED = {"pooling": "max", "padding": "zeros", "precision": "float32"}
TINY = Architecture(
    repeats=(2, 1, 1), widths=(4, 5, 6), weights="bundled", heads={"block2_conv1": 7}
)


def picture(height=48, width=40, seed=0):
    return np.random.default_rng(seed).uniform(0, 1, (1, height, width, 3)).astype(np.float32)


@pytest.fixture(scope="module", params=["vgg19", "vgg19_compact"])
def network(request):
    """Random weights, all layers that losses look at by default."""
    return vgg.build(features.table(request.param), LAYERS, dtype="float32")


@pytest.fixture(scope="module")
def keras_vgg19():
    """Keras' own, with random weights that its biases take part in."""
    model = keras.applications.VGG19(include_top=False, weights=None)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel * np.float32(1.7), rng.uniform(0, 5, bias.shape)])
    return model


@pytest.fixture(scope="session")
def wide_weights(tmp_path_factory):
    """Full-width files with trained features: written in 7 seconds, 240 MB."""
    script = SHARED / "weights" / "widen.py"
    if not script.is_file():
        pytest.skip(f"needs {script}, which is not part of the repository")
    folder = tmp_path_factory.mktemp("wide")
    subprocess.run([sys.executable, script, folder], check=True, capture_output=True)
    yield folder
    for path in folder.iterdir():
        path.unlink()


def keras_outputs(model, image, layers=LAYERS):
    """Activations of a `keras.applications` model, by way of its own preprocessing."""
    outputs = {layer: model.get_layer(layer).output for layer in layers}
    prepared = keras.applications.vgg19.preprocess_input(255 * image.astype(np.float64))
    return keras.Model(model.input, outputs)(prepared.astype(np.float32))


def assert_close(seen, expected, tolerance, border=0):
    assert list(seen) == list(expected)
    for layer, values in expected.items():
        inner = slice(border, -border or None)
        ours, theirs = (np.asarray(x)[:, inner, inner] for x in (seen[layer], values))
        error = np.abs(ours - theirs).max() / np.abs(theirs).max()
        assert theirs.size and error < tolerance, f"{layer}: {error}"


def test_outputs(network):
    seen = network(picture(64, 48))
    sizes = [(64, 48, 64), (32, 24, 128), (16, 12, 256), (8, 6, 512), (8, 6, 512), (4, 3, 512)]
    assert [(name, values.shape) for name, values in seen.items()] == [
        (layer, (1, *size)) for layer, size in zip(LAYERS, sizes)
    ]
    assert all(values.dtype == "float32" and np.min(values) >= 0 for values in seen.values())


def test_batches(network):
    pictures = [picture(seed=seed) for seed in (0, 1)]
    both = network(np.concatenate(pictures))
    for index, single in enumerate(pictures):
        alone = {layer: values for layer, values in network(single).items()}
        assert_close({k: v[index : index + 1] for k, v in both.items()}, alone, 1e-5)


@pytest.mark.parametrize("name", features.FEATURES)
@pytest.mark.parametrize("layers", [["block2_conv1"], ["block3_conv2", "block1_conv1"]])
def test_cut_at_the_deepest_layer(name, layers):
    network = vgg.build(features.table(name), layers)
    convolutions = [layer.name for layer in network.layers if layer.name.endswith(tuple("1234"))]
    known = features.table(name).convolutions
    assert convolutions == list(known[: known.index(max(layers)) + 1])
    assert list(network(picture())) == sorted(layers)  # in the order of depth


def test_layer_names_are_those_of_keras(keras_vgg19):
    theirs = [layer.name for layer in keras_vgg19.layers if "conv" in layer.name]
    assert list(VGG19.convolutions) == theirs
    assert set(LAYERS) <= set(VGG19_COMPACT.layers) < set(VGG19.layers)


@pytest.mark.parametrize("name", features.FEATURES)
def test_tables_tell_the_shapes(name):
    table = features.table(name)
    layers = ("pixels", "block1_conv2", "block3_conv1")
    for layer, values in vgg.build(table, layers)(picture(37, 53)).items():
        _, height, width, channels = values.shape
        assert table.shape(layer, 37, 53) == (height * width, channels)
    assert (table.stride("pixels"), table.radius(["pixels"]), table.block("pixels")) == (1, 1, 1)
    assert table.needed(["pixels"]) == () and table.needed(["pixels", "block1_conv1"])


@pytest.mark.parametrize("pooling", choices.POOLING)
def test_every_pixel_counts_at_odd_sizes(pooling):
    network = vgg.build(TINY, ["block3_conv1"], pooling, "reflect", "float32")
    for layer in network.layers:
        if layer.weights:  # positive kernels: no ReLU hides anything
            layer.set_weights([np.abs(weight) + 0.01 for weight in layer.get_weights()])
    image = picture(9, 13)
    before = network(image)["block3_conv1"].numpy()
    assert before.shape == (1, 3, 4, 6)
    unseen = []
    for row, column in np.ndindex(9, 13):
        changed = image.copy()
        changed[0, row, column] += 10
        if np.array_equal(network(changed)["block3_conv1"], before):
            unseen.append((row, column))
    assert not unseen


@pytest.mark.parametrize("name", features.FEATURES)
def test_odd_sizes_round_up(name):
    seen = vgg.build(features.table(name), STYLE)(picture(37, 53))
    sizes = [tuple(values.shape[1:3]) for values in seen.values()]
    assert sizes == [(37, 53), (19, 27), (10, 14), (5, 7), (3, 4)]


def test_reflection_leaves_no_frame():
    network = vgg.build(TINY, ["block3_conv1"], "average", "reflect", "float32")
    values = network(np.full((1, 20, 24, 3), 0.3, np.float32))["block3_conv1"].numpy()
    np.testing.assert_allclose(values, values[:, :1, :1] * np.ones_like(values), rtol=1e-5)


def test_the_mirrored_border_and_its_gradient():
    image = tf.constant(picture(5, 7))
    upstream = np.random.default_rng(1).random((1, 7, 9, 3), np.float32)
    with tf.GradientTape() as tape:
        tape.watch(image)
        bordered = vgg.Border("reflect")(image)
    np.testing.assert_array_equal(
        bordered, np.pad(image, ((0, 0), (1, 1), (1, 1), (0, 0)), "reflect")
    )
    # The gradient is the transpose: what comes from a mirrored pixel goes to that which it mirrors.
    places = np.pad(np.arange(35).reshape(5, 7), 1, "reflect")
    expected = np.zeros((35, 3))
    np.add.at(expected, places.ravel(), upstream.reshape(-1, 3))
    gradient = tape.gradient(bordered, image, output_gradients=tf.constant(upstream))
    np.testing.assert_allclose(gradient, expected.reshape(1, 5, 7, 3), rtol=1e-6)


def test_preprocessing_is_that_of_keras():
    layer = vgg.Preprocess(VGG19.mean, VGG19.scale, VGG19.bgr)
    image = picture()
    expected = keras.applications.vgg19.preprocess_input(255 * image.astype(np.float64))
    np.testing.assert_allclose(layer(image), expected, atol=1e-4)


def test_preprocessing_of_the_compact_network():
    table = VGG19_COMPACT
    white = vgg.Preprocess(table.mean, table.scale, table.bgr)(np.ones((1, 1, 1, 3), np.float32))
    np.testing.assert_allclose(white[0, 0, 0], np.subtract(255, [123.68, 116.779, 103.939]) / 64)


@pytest.mark.parametrize("suffix", [".weights.h5", ".h5"])
def test_random_keras_file(keras_vgg19, tmp_path, suffix):
    path = tmp_path / f"random{suffix}"
    if suffix == ".h5":
        keras_vgg19.save(path)  # the old format, with the whole model around the weights
    else:
        keras_vgg19.save_weights(path)
    network = features.get("vgg19", LAYERS, weights=str(path), **AS_TRAINED)
    assert_close(network(picture()), keras_outputs(keras_vgg19, picture()), 1e-5)


def test_random_torchvision_file(keras_vgg19, tmp_path):
    """Torchvision's form of the same network, derived from what its normalisation means."""
    mean, deviation = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
    state, index = {}, 0
    for name in VGG19.convolutions:
        kernel, bias = (w.astype(np.float64) for w in keras_vgg19.get_layer(name).get_weights())
        if index == 0:
            # 255 (n d + m) - c, blue first, is what the kernel of Caffe's network expects.
            bias = bias + np.einsum("hwio,i->o", kernel, (255 * mean)[::-1] - VGG19.mean)
            kernel = kernel[:, :, ::-1] * (255 * deviation)[:, None]
        elif name.endswith("conv1"):
            index += 1  # the pooling
        state[f"features.{index}.weight"] = np.float32(kernel.transpose(3, 2, 0, 1))
        state[f"features.{index}.bias"] = np.float32(bias)
        index += 2
    assert index - 2 == 34  # as in torchvision's list
    np.savez(tmp_path / "torchvision.npz", **state)
    network = features.get("vgg19", LAYERS, weights=tmp_path / "torchvision.npz", **AS_TRAINED)
    expected = keras_outputs(keras_vgg19, picture(80, 96))
    # Zero padding means another colour there: the mean of another data set.
    first = {"block1_conv1": expected["block1_conv1"]}
    seen = network(picture(80, 96))
    assert_close({"block1_conv1": seen["block1_conv1"]}, first, 1e-5, border=1)
    assert_close(seen, expected, 0.02)


@pytest.mark.parametrize("file", ["vgg19_wide.h5", "vgg19_wide.weights.h5"])
def test_trained_keras_files(wide_weights, file):
    reference = keras.applications.VGG19(include_top=False, weights=str(wide_weights / file))
    network = features.get("vgg19", LAYERS, weights=wide_weights / file, **AS_TRAINED)
    assert_close(network(picture()), keras_outputs(reference, picture()), 1e-5)


def test_trained_torchvision_file(wide_weights):
    reference = keras.applications.VGG19(
        include_top=False, weights=str(wide_weights / "vgg19_wide.h5")
    )
    path = wide_weights / "vgg19_wide_torchvision.npz"
    seen = features.get("vgg19", LAYERS, weights=path, **AS_TRAINED)(picture(128, 128))
    expected = keras_outputs(reference, picture(128, 128))
    shallow = {layer: expected[layer] for layer in LAYERS[:3]}
    assert_close({layer: seen[layer] for layer in shallow}, shallow, 1e-4, border=12)
    assert_close(seen, expected, 0.1)


def test_bfloat16_is_close_to_float32(keras_vgg19, tmp_path):
    keras_vgg19.save_weights(tmp_path / "random.weights.h5")
    options = {"weights": tmp_path / "random.weights.h5"}
    seen = features.get("vgg19", STYLE[:4], precision="bfloat16", **options)(picture())
    exact = features.get("vgg19", STYLE[:4], precision="float32", **options)(picture())
    assert all(values.dtype == "bfloat16" for values in seen.values())
    for layer, values in exact.items():
        difference = np.asarray(seen[layer], np.float32) - values.numpy()
        assert np.linalg.norm(difference) < 0.02 * np.linalg.norm(values)


@pytest.mark.parametrize("has_bfloat16, chosen", [(True, "mixed_bfloat16"), (False, "float32")])
def test_precision(monkeypatch, has_bfloat16, chosen):
    monkeypatch.setattr(device, "has_bfloat16", lambda: has_bfloat16)
    assert precision.policy("auto") == chosen
    assert precision.policy("float32") == "float32"
    assert precision.policy("bfloat16") == "mixed_bfloat16"


def test_no_bfloat16_without_its_kernels(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    assert not device.has_bfloat16()


@pytest.mark.parametrize("capability, expected", [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_bfloat16_of_gpus(monkeypatch, capability, expected):
    config = tf.config
    monkeypatch.setattr(config, "list_physical_devices", lambda kind: ["GPU:0"])
    details = {"compute_capability": capability}
    monkeypatch.setattr(config.experimental, "get_device_details", lambda gpu: details)
    assert device.has_bfloat16() == expected


def compact_arrays():
    model = vgg.build(VGG19_COMPACT, VGG19_COMPACT.heads)
    return {
        f"{layer.name}/{part}": values
        for layer in model.layers
        if layer.weights
        for part, values in zip(("kernel", "bias"), layer.get_weights())
    }


def test_compact_file(tmp_path):
    arrays = compact_arrays()
    np.savez(tmp_path / "compact.npz", **arrays)
    layers = ["block1_conv1", "block2_conv2"]  # fewer than the file holds
    network = features.get("vgg19_compact", layers, weights=tmp_path / "compact.npz")
    for name in ("block1_conv1_head", "block2_conv2"):
        for weight, part in zip(network.get_layer(name).get_weights(), ("kernel", "bias")):
            np.testing.assert_array_equal(weight, arrays[f"{name}/{part}"])


def test_ready_model_is_taken_as_it_is():
    model = vgg.build(TINY, ["block1_conv1"])
    assert features.get(model, ["block1_conv1"]) is model


def test_weights_that_are_no_weights(tmp_path, keras_vgg19):
    files = {
        "missing.h5": ("not found", None),
        "garbage.h5": ("Keras cannot read", b"garbage" * 100),
        "garbage.weights.h5": ("Keras cannot read", b"garbage" * 100),
        "garbage.npz": ("not a readable .npz", b"garbage" * 100),
        "empty.npz": ("not a readable .npz", b""),
        "weights.pth": ("expected a name ending in .npz, .h5 or .weights.h5", b"x"),
    }
    for name, (message, content) in files.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"(?s)^weights: .*{message}") as error:
            features.get("vgg19", LAYERS, weights=tmp_path / name)
        assert name in str(error.value)


@pytest.mark.parametrize(
    "arrays",
    [
        {"kernel": np.ones(3)},
        {"block1_conv1/kernel": np.ones((3, 3, 3, 64))},
        {"features.0.weight": np.ones((64, 3, 3, 3))},
        {"features.0.bias": np.ones(64)},
        {"object": np.array([{}], object)},
        {},
    ],
    ids=lambda arrays: "-".join(arrays) or "empty",
)
def test_archives_of_something_else(tmp_path, arrays):
    np.savez(tmp_path / "other.npz", **arrays)
    with pytest.raises(ValueError, match="^weights: .*other.npz"):
        features.get("vgg19", ["block1_conv1"], weights=tmp_path / "other.npz")


def test_weights_of_the_other_network(tmp_path, keras_vgg19):
    np.savez(tmp_path / "compact.npz", **compact_arrays())
    keras_vgg19.save_weights(tmp_path / "full.weights.h5")
    for name, file in [("vgg19", "compact.npz"), ("vgg19_compact", "full.weights.h5")]:
        with pytest.raises(ValueError, match=f"^weights: expected .*block1_conv1.*{file}"):
            features.get(name, LAYERS, weights=tmp_path / file)


def test_no_download(monkeypatch):
    def offline(*args, weights=None, **kwargs):
        raise Exception(f"URL fetch failure on {weights}")

    monkeypatch.setattr(keras.applications, "VGG19", offline)
    for options in ({}, {"weights": "imagenet"}):
        with pytest.raises(ValueError, match="^weights: ") as error:
            features.get("vgg19", ["block1_conv1"], **options)
        for remedy in ("--weights=FILE", "--features=vgg19_compact", "URL fetch failure"):
            assert remedy in str(error.value)


def test_unknown_names():
    with pytest.raises(ValueError, match="^features: .*vgg19_compact, vgg19.*'vgg16'"):
        features.get("vgg16", ["block1_conv1"])
    with pytest.raises(ValueError, match="^layers: .*block1_conv1.*'relu1_1'"):
        features.get("vgg19", ["relu1_1"])
    with pytest.raises(ValueError, match="^content_layers: .*'block5_conv2'"):
        features.check_layers("vgg19_compact", ["block5_conv2"], "content_layers")


@pytest.mark.parametrize("option", ["pooling", "padding", "precision"])
def test_unknown_options(option):
    with pytest.raises(ValueError, match=f"^{option}: .*'other'"):
        features.get("vgg19", ["block2_conv1"], weights="missing.npz", **{option: "other"})


def test_bundled_weights():
    assert weights.BUNDLED.stat().st_size <= 6e6
    network = features.get("vgg19_compact", LAYERS, precision="float32")
    seen = network(picture(64, 64))
    other = network(picture(64, 64, seed=1))
    for layer, values in seen.items():
        assert np.isfinite(values).all() and np.std(values) > 0
        # Two pieces of noise look alike, but are not the same.
        difference = np.linalg.norm(values - other[layer]) / np.linalg.norm(values)
        assert 0.01 < difference < 2


def test_registry_is_light():
    code = "import sys, tfstyle.features; sys.exit('tensorflow' in sys.modules)"
    root = pathlib.Path(architectures.__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)
