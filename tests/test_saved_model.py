"""The export as a server meets it: TensorFlow alone, in another process, through its own tool."""

import io
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.core.protobuf import saved_model_pb2
from test_api import CONTENT_LAYERS, STYLE_LAYERS, network, photo, stripes

import tfstyle
from tfstyle import images
from tfstyle.serving import saved_model

pytestmark = pytest.mark.slow

OPTIONS = {"style_layers": STYLE_LAYERS[1:], "content_layers": CONTENT_LAYERS}
OPTIONS |= {"optimizer": "adam", "max_size": 80, "evaluations": 2, "max_evaluations": 9}

# Runs commands of saved_model_cli as its console script does, one after the other.
CLIENT = """
import sys
from tensorflow.python.tools import saved_model_cli
for line in sys.stdin:
    sys.argv = ["saved_model_cli", *line.rstrip("\\n").split("\\t")]
    try:
        saved_model_cli.main()
    except SystemExit as end:
        assert not end.code, end.code
assert not any(name.split(".")[0] == "tfstyle" for name in sys.modules)
"""


def make(**options):
    return tfstyle.Stylizer(
        np.asarray(images.to_pil(stripes()[None])), features=network(), **(OPTIONS | options)
    )


@pytest.fixture(scope="module")
def stylizer():
    return make()


@pytest.fixture(scope="module")
def directory(stylizer, tmp_path_factory):
    return saved_model.save(stylizer, tmp_path_factory.mktemp("models") / "small", 7)


@pytest.fixture(scope="module")
def loaded(directory):
    return tf.saved_model.load(directory)


@pytest.fixture(scope="module")
def served(directory, tmp_path_factory):
    """What saved_model_cli gives for every signature: `{call: {output: array}}`."""
    folder = tmp_path_factory.mktemp("served")
    np.save(folder / "content.npy", content())
    np.save(folder / "image.npy", start())
    for name, mask in zip(("style", "content"), some_masks()):
        np.save(folder / f"{name}_mask.npy", mask)
    np.save(folder / "files.npy", np.array([as_png(colours())], object))
    image, state = "image=content.npy", "content=content.npy;image=image.npy"
    masks = "style_masks=style_mask.npy;content_mask=content_mask.npy"
    # Bytes go from call to call in a file.
    described = "descriptor_bytes=describe/descriptor_bytes.npy"
    calls = {
        "stylize": ("stylize", image, "num_steps=3;seed=4"),
        "first step": ("step", state, "num_steps=2;seed=4;state_bytes=b''"),
        "describe": ("describe", image, "seed=4"),
        "stylize_with": ("stylize_with", f"{image};{described}", "num_steps=3;seed=4"),
        "step": ("step", f"{state};state_bytes=first step/state_bytes.npy", "num_steps=3;seed=4"),
        "stylize_masked": ("stylize_masked", f"{image};{masks}", "num_steps=3;seed=4"),
        "serving_default": ("serving_default", "image_bytes=files.npy", ""),
    }
    run(directory, folder, calls)
    return {
        name: {
            each.stem: np.load(each, allow_pickle=True) for each in (folder / name).glob("*.npy")
        }
        for name in calls
    }


def run(directory, folder, calls):
    """All in one process: each call reads what those before it have written."""
    lines = []
    for name, (signature, inputs, expressions) in calls.items():
        command = ["run", f"--dir={directory}", "--tag_set=serve", f"--signature_def={signature}"]
        command += [f"--outdir={folder / name}", f"--inputs={inputs}"]
        lines.append("\t".join([*command, f"--input_exprs={expressions}"]))
    done = subprocess.run(
        [sys.executable, "-c", CLIENT],
        input="\n".join(lines),
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def content():
    return photo(40, 48)[None]


def start():
    return images.noise(40, 48, seed=1)


def some_masks():
    left = np.zeros((1, 40, 48, 1), np.float32)
    left[:, :, :24] = 1
    return left, 1 - left / 2


def colours(height=36, width=44, channels=3):
    return np.random.default_rng(2).integers(0, 256, (height, width, channels), np.uint8)


def encoded(picture, kind, **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def as_png(array):
    return encoded(Image.fromarray(array), "PNG")


def serve(loaded, data):
    return loaded.signatures["serving_default"](tf.constant([data]))["stylized_bytes"][0].numpy()


def decoded(data):
    return np.asarray(Image.open(io.BytesIO(data))).astype(int)


# --- another process ------------------------------------------------------------------------------


def assert_near(got, wanted, names):
    for name in names:
        np.testing.assert_allclose(got[name], wanted[name], rtol=1e-4, atol=1e-4, err_msg=name)


def test_served_stylize(served, stylizer):
    wanted = stylizer.stylize(content(), 3, 4)
    assert_near(served["stylize"], wanted, ["image", "losses"])
    assert np.abs(served["stylize"]["image"] - content()).max() > 0.01


def test_served_masks(served, stylizer):
    wanted = stylizer.stylize_masked(content(), *some_masks(), 3, 4)
    assert_near(served["stylize_masked"], wanted, ["image", "losses"])
    painted = np.abs(served["stylize_masked"]["image"] - content())
    assert painted[:, :, 26:].max() == 0 and painted[:, :, :22].max() > 0.01


def test_served_steps_go_on_where_they_were(served, stylizer):
    first = stylizer.step(content(), start(), b"", 2, 4)
    second = stylizer.step(content(), start(), first["state_bytes"], 3, 4)
    assert_near(served["first step"], first, ["image", "losses"])
    assert_near(served["step"], second, ["image", "losses"])
    assert served["step"]["losses"][:, 0].tolist() == [3, 4, 5]


def test_served_description_is_as_good_as_the_librarys(served, stylizer):
    described = stylizer.describe(content(), 4)["descriptor_bytes"]
    ours = stylizer.stylize_with(content(), described, 3, 4)
    theirs = stylizer.stylize_with(content(), served["describe"]["descriptor_bytes"], 3, 4)
    assert_near(theirs, ours, ["image", "losses"])
    assert_near(served["stylize_with"], ours, ["image", "losses"])


def test_served_files(served, stylizer):
    (data,) = served["serving_default"]["stylized_bytes"]
    assert np.abs(decoded(data) - painted(stylizer, as_png(colours()))).max() <= 1


# --- what is in it --------------------------------------------------------------------------------

PICTURE, NUMBER, BYTES = (tf.float32, [1, None, None, 3]), (tf.int32, []), (tf.string, [])
MASKS, MASK = (tf.float32, [1, None, None, None]), (tf.float32, [1, None, None, 1])
SIGNATURES = {
    "stylize": (
        {"image": PICTURE, "num_steps": NUMBER, "seed": NUMBER},
        {"image": PICTURE, "losses": (tf.float32, [None, 2])},
    ),
    "stylize_masked": (
        {
            "image": PICTURE,
            "style_masks": MASKS,
            "content_mask": MASK,
            "num_steps": NUMBER,
            "seed": NUMBER,
        },
        {"image": PICTURE, "losses": (tf.float32, [None, 2])},
    ),
    "describe": ({"image": PICTURE, "seed": NUMBER}, {"descriptor_bytes": BYTES}),
    "stylize_with": (
        {"image": PICTURE, "descriptor_bytes": BYTES, "num_steps": NUMBER, "seed": NUMBER},
        {"image": PICTURE, "losses": (tf.float32, [None, 2])},
    ),
    "step": (
        {
            "content": PICTURE,
            "image": PICTURE,
            "state_bytes": BYTES,
            "num_steps": NUMBER,
            "seed": NUMBER,
        },
        {"image": PICTURE, "state_bytes": BYTES, "losses": (tf.float32, [None, 2])},
    ),
    "serving_default": (
        {"image_bytes": (tf.string, [None])},
        {"stylized_bytes": (tf.string, [None])},
    ),
}


def table(specs):
    return {name: (spec.dtype, spec.shape.as_list()) for name, spec in specs.items()}


def test_the_table_of_signatures(loaded):
    assert set(loaded.signatures) == set(SIGNATURES)
    for name, (inputs, outputs) in SIGNATURES.items():
        function = loaded.signatures[name]
        assert table(function.structured_input_signature[1]) == inputs, name
        assert table(function.structured_outputs) == outputs, name


def test_nothing_needs_python(directory):
    with open(os.path.join(directory, "saved_model.pb"), "rb") as file:
        graphs = saved_model_pb2.SavedModel.FromString(file.read()).meta_graphs
    functions = [f for graph in graphs for f in graph.graph_def.library.function]
    operations = {node.op for function in functions for node in function.node_def}
    operations |= {node.op for graph in graphs for node in graph.graph_def.node}
    assert {"Conv2D", "DecodePng", "SerializeTensor"} <= operations
    assert not [operation for operation in operations if "PyFunc" in operation]


def test_the_directory(directory):
    assert os.path.basename(directory) == "7"
    assert {"saved_model.pb", "variables"} <= set(os.listdir(directory))
    assert os.listdir(os.path.dirname(directory)) == ["7"]


# --- files ----------------------------------------------------------------------------------------


def painted(stylizer, data):
    """What the library makes of a file: 8 bits."""
    image = images.load(Image.open(io.BytesIO(data)))
    return np.asarray(images.to_pil(stylizer.stylize(image, 2, 0)["image"].numpy())).astype(int)


FILES = {
    "RGB": as_png(colours()),
    "RGBA": as_png(colours(channels=4)),
    "grey": as_png(colours()[..., 0]),
    "grey and alpha": encoded(Image.fromarray(colours(channels=4)).convert("LA"), "PNG"),
    "palette": encoded(Image.fromarray(colours()).quantize(16), "PNG"),
    "palette and alpha": encoded(
        Image.fromarray(colours()).quantize(16), "PNG", transparency=bytes(range(0, 256, 16))
    ),
    "palette of 256": encoded(Image.fromarray(colours()).quantize(256), "PNG"),
    "grey of 16 bits": as_png(colours()[..., 0].astype(np.uint16) * 257),
    "black and white": encoded(Image.fromarray(colours()).convert("1"), "PNG"),
    "JPEG": encoded(Image.fromarray(colours()), "JPEG", subsampling=0, quality=95),
    "grey JPEG": encoded(Image.fromarray(colours()[..., 0]), "JPEG"),
}


@pytest.mark.parametrize("name", FILES)
def test_files_are_painted_as_by_the_library(name, loaded, stylizer):
    got = serve(loaded, FILES[name])
    assert got.startswith(b"\x89PNG\r\n")
    assert np.abs(decoded(got) - painted(stylizer, FILES[name])).max() <= 1


def test_several_files_of_different_sizes(loaded):
    files = [as_png(colours(32, 50)), FILES["JPEG"]]
    result = loaded.signatures["serving_default"](tf.constant(files))["stylized_bytes"].numpy()
    assert [decoded(data).shape for data in result] == [(32, 50, 3), (36, 44, 3)]
    assert [serve(loaded, data) for data in files] == result.tolist()


def bomb(width, height):
    """A PNG file that claims a size and has nothing in it."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    head = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    return b"\x89PNG\r\n\x1a\n" + head + bytes.fromhex("0000000049454e44ae426082")


KIND = "image_bytes: expected a JPEG or PNG file, received another"
SIZE = "image_bytes: expected sides of at most 80, received"


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", KIND),
        (b"no picture", KIND),
        (encoded(Image.fromarray(colours()), "GIF"), KIND),
        (encoded(Image.fromarray(colours()), "BMP"), KIND),
        (FILES["RGB"][:12], KIND),
        (bomb(30000, 30000), rf"{SIZE}\] \[30000 30000\]"),
        (bomb(40, 2**31), rf"{SIZE}\] \[2147483647 40\]"),
        (bomb(2**32 - 1, 40), SIZE),
        (as_png(colours(40, 81)), rf"{SIZE}\] \[40 81\]"),
        (encoded(Image.new("RGB", (20000, 40)), "JPEG"), rf"{SIZE}\] \[40 20000\]"),
        (as_png(colours(31, 40)), "image: expected sides from 32 to 80, received"),
        (FILES["RGB"][:-500], "."),
        (FILES["JPEG"][:3], "."),
        (bomb(40, 40), "."),
        (bomb(0, 40), "."),
    ],
    ids=lambda x: repr(x[:30])[:20],
)
def test_bad_files(loaded, data, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        serve(loaded, data)


def test_a_loaded_model_tells_what_is_wrong(loaded):
    with pytest.raises(tf.errors.InvalidArgumentError, match="num_steps: expected from 1 to 9"):
        loaded.signatures["stylize"](
            image=tf.constant(content()), num_steps=tf.constant(10), seed=tf.constant(0)
        )


@pytest.mark.parametrize("count", [0, 2])
def test_pictures_that_are_not_one(loaded, count):
    """TensorFlow does not compare them with the signature."""
    several = tf.constant(np.repeat(content(), count, axis=0))
    seed, one = tf.constant(0), {"num_steps": tf.constant(1)}
    described = loaded.signatures["describe"](image=content(), seed=seed)["descriptor_bytes"]
    for name, inputs in {
        "stylize": one,
        "describe": {},
        "stylize_with": one | {"descriptor_bytes": described},
        "step": one | {"content": tf.constant(content()), "state_bytes": tf.constant("")},
    }.items():
        sentence = rf"image: expected one picture \[1, H, W, 3\], received\] \[{count}\] \[40\]"
        with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
            loaded.signatures[name](image=several, seed=seed, **inputs)


# --- saving ---------------------------------------------------------------------------------------


def test_a_version_that_is_there(stylizer, directory):
    with pytest.raises(ValueError, match="^version: expected one that .* does not hold, rec.* 7$"):
        saved_model.save(stylizer, os.path.dirname(directory), 7)


@pytest.mark.parametrize("version", [0, -1, 1.5, "1"])
def test_bad_versions(stylizer, tmp_path, version):
    with pytest.raises(ValueError, match="^version: expected an integer of at least 1"):
        saved_model.save(stylizer, tmp_path / "model", version)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("path", ["file", "file/model", "/proc/none/model"])
def test_a_path_that_cannot_be_written(stylizer, tmp_path, path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(ValueError, match="^output: expected a directory to write to, received"):
        saved_model.save(stylizer, tmp_path / path)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(
    "error, raised",
    [
        (OSError(28, "No space left on device"), ValueError),
        (tf.errors.ResourceExhaustedError(None, None, "disk full"), ValueError),
        (RuntimeError("a bug"), RuntimeError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
    ids=repr,
)
def test_a_failure_leaves_nothing(stylizer, tmp_path, monkeypatch, error, raised):
    def fail(module, path, signatures):
        os.makedirs(os.path.join(path, "variables"))
        raise error

    monkeypatch.setattr(tf.saved_model, "save", fail)
    with pytest.raises(raised, match="^output: .*" if raised is ValueError else None):
        saved_model.save(stylizer, tmp_path / "model")
    assert not os.listdir(tmp_path / "model")
