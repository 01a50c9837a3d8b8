"""Trained networks for other hosts: as SavedModels, and as LiteRT (TensorFlow Lite) files."""

import os

import tensorflow as tf

from tfstyle import images
from tfstyle.checked import checked
from tfstyle.networks import texture_network
from tfstyle.networks.trained import Trained
from tfstyle.serving import saved_model

MAX_SIZE = 4096  # longest side of a picture that is accepted, in pixels


def save(trained: Trained, path: str | os.PathLike, version: int = 1) -> str:
    """Writes `path/version/saved_model.pb`, and settings and record of the training beside it.

    A style network has two signatures: `stylize`, from image `[N, H, W, 3]` in [0, 1] to an image
    of the same shape, and `serving_default`, from image_bytes, strings `[N]` of JPEG or PNG files,
    to stylized_bytes `[N]`, PNG files. A texture network has `texture`, which is
    `serving_default` too: from height, width and seed, int32 scalars, to an image
    `[1, height, width, 3]`; height and width are multiples of 32.

    Args:
        trained: the network.
        path, version: see `tfstyle.serving.saved_model.save`.

    Returns:
        The directory written.

    Raises:
        ValueError: the version is there already, or the directory cannot be written.
    """
    make = _weaving if trained.kind == "texture" else _painting
    network = trained.network
    description = {"settings": trained.settings, "record": trained.record}
    return saved_model.write(network.variables, lambda: make(network), path, version, description)


def save_lite(trained: Trained, path: str | os.PathLike) -> None:
    """Writes a LiteRT file: image `[1, H, W, 3]` in [0, 1] to an image of the same shape.

    Weights are float16. The size is set by `Interpreter.resize_tensor_input`.

    Raises:
        ValueError: the network makes textures, or the file cannot be written.
    """
    if trained.kind == "texture":
        raise ValueError(
            "output: expected a directory for a network that makes textures, whose random numbers "
            f"LiteRT does not have, received {path}"
        )
    signature = [tf.TensorSpec([1, None, None, 3], tf.float32, "image")]
    painted = tf.function(
        lambda image: _clipped(trained.network(image)), input_signature=signature, autograph=False
    )
    function = painted.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], trained.network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    path = images.expanded(path)
    images.check_writable(path, f"output={path}")
    with images.temporary(path) as beside:
        with open(beside, "xb") as file:
            file.write(converter.convert())
        os.replace(beside, path)


def _clipped(made):
    return tf.clip_by_value(made[0], 0, 1)


def _painting(network):
    signature = [tf.TensorSpec([None, None, None, 3], tf.float32, "image")]

    @tf.function(input_signature=signature, autograph=False)
    def stylize(image):
        sides = tf.shape(image)[1:3]
        fits = tf.reduce_all((sides >= images.MIN_SIDE) & (sides <= MAX_SIZE))
        expected = f"image: expected sides from {images.MIN_SIDE} to {MAX_SIZE}, received"
        return {"image": _clipped(network(checked(image, (fits, [expected, sides]))))}

    def painted(data):
        return stylize(saved_model.decoded(data, MAX_SIZE))["image"]

    files = saved_model.of_files(painted, "stylized_bytes")
    return {"stylize": stylize, "serving_default": files}


def _weaving(network):
    whole = [tf.TensorSpec([], tf.int32, name) for name in ("height", "width", "seed")]

    @tf.function(input_signature=whole, autograph=False)
    def texture(height, width, seed):
        sides = tf.stack([height, width])
        fits = tf.reduce_all((sides > 0) & (sides <= MAX_SIZE) & (sides % network.stride == 0))
        expected = (
            f"height, width: expected multiples of {network.stride} up to {MAX_SIZE}, received"
        )
        sides = checked(sides, (fits, [expected, sides]))
        noise = texture_network.noise(1, sides[0], sides[1], seed)
        return {"image": _clipped(network(noise))}

    return {"texture": texture, "serving_default": texture}
