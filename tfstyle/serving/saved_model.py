"""A stylizer as a SavedModel: signatures that any TensorFlow host runs without this package."""

import json
import os
import shutil

import tensorflow as tf

from tfstyle import images
from tfstyle.checked import checked
from tfstyle.settings.kinds import Integer

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
HEADER = 24  # bytes of a PNG up to its size; its bit depth is next
DESCRIPTION = "assets.extra/tfstyle.json"  # settings; servers leave that folder alone


def save(stylizer, path, version=1) -> str:
    """Writes `path/version/saved_model.pb` and what belongs to it, whole or not at all.

    The signatures, their inputs and outputs are those of the methods of `tfstyle.Stylizer` of the
    same names (`stylize_masked` is left out where it takes no masks), and
    `serving_default`: image_bytes, strings `[N]` of JPEG or PNG files, to stylized_bytes `[N]`, PNG
    files of the same size, after the stylizer's own number of evaluations. Transparent pixels are
    seen on white, and EXIF is not read. The settings lie beside them, in assets.extra/tfstyle.json.

    Args:
        stylizer: a `tfstyle.Stylizer`.
        path: directory of the model, as servers watch it; made if missing.
        version: integer >= 1 that the directory does not hold yet.

    Returns:
        The directory written.

    Raises:
        ValueError: the version is there already, or the directory cannot be written.
    """
    description = {"settings": stylizer.settings.as_json()}
    return write(stylizer.variables, lambda: _signatures(stylizer), path, version, description)


def save_inversion(inversion, path, version=1) -> str:
    """The same of a `tfstyle.serving.inversion.Inversion`.

    The signatures are `invert`, from image to image, both float32 `[1, H, W, 3]` in [0, 1], and
    `serving_default`: image_bytes, strings `[N]` as there, to inverted_bytes `[N]`.
    """

    def inverted(data):
        return inversion.invert(decoded(data, inversion.max_size))["image"]

    def signatures():
        return {
            "invert": inversion.invert.get_concrete_function(),
            "serving_default": of_files(inverted, "inverted_bytes"),
        }

    description = {"settings": {"max_size": inversion.max_size}}
    return write(inversion.variables, signatures, path, version, description)


def write(variables, make, path, version, description) -> str:
    """Writes the signatures `{name: function}` that are made, with their variables; see `save`.

    The description, plain values by name, is written beside them.
    """
    directory = check_output(path, version)
    try:
        with images.temporary(directory) as beside:  # a name that no server takes for a version
            try:
                tf.saved_model.save(_owner(variables), beside, make())
                _describe(os.path.join(beside, DESCRIPTION), description)
                os.rename(beside, directory)
            finally:
                shutil.rmtree(beside, ignore_errors=True)
    except (OSError, tf.errors.OpError) as error:
        raise _not_writable(path, error) from error
    return directory


def _describe(path, description):
    os.makedirs(os.path.dirname(path))
    with open(path, "x", encoding="utf-8") as file:
        json.dump(description, file)


def check_output(path, version) -> str:
    """The directory of that version; makes `path`, and raises what `save` would raise."""
    Integer(1).check("version", version)
    path = images.expanded(path)
    directory = os.path.join(path, str(version))
    if os.path.exists(directory):
        raise ValueError(f"version: expected one that {path} does not hold, received {version}")
    try:
        os.makedirs(path, exist_ok=True)
        images.remove_temporaries(path, {str(version)})
        with images.temporary(directory) as beside:
            open(beside, "xb").close()
    except OSError as error:
        raise _not_writable(path, error) from error
    return directory


def _not_writable(path, error):
    reason = getattr(error, "strerror", None) or error
    return ValueError(f"output: expected a directory to write to, received {path}: {reason}")


def _owner(variables):
    """What holds the variables and nothing else: all functions are signatures."""
    module = tf.Module()
    module.owned = variables
    return module


def _signatures(stylizer):
    names = ["stylize", "step", "describe", "stylize_with"]
    names += ["stylize_masked"] if stylizer.has_masks else []
    signatures = {name: getattr(stylizer, name).get_concrete_function() for name in names}

    def stylized(data):
        image = decoded(data, stylizer.settings.max_size)
        return stylizer.stylize(image, stylizer.settings.evaluations, 0)["image"]

    return signatures | {"serving_default": of_files(stylized, "stylized_bytes")}


def of_files(paint, output):
    """The signature from files to files, of a function from a file to a picture `[1, H, W, 3]`."""

    def painted(data):
        return tf.io.encode_png(tf.cast(paint(data)[0] * 255 + 0.5, tf.uint8))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")], autograph=False)
    def serving_default(image_bytes):
        return {
            output: tf.map_fn(
                painted,
                image_bytes,
                fn_output_signature=tf.TensorSpec([], tf.string),
                parallel_iterations=1,
            )
        }

    return serving_default


def decoded(data, max_size):
    """The picture `[1, H, W, 3]` in [0, 1]; its size is looked at before it is decoded."""
    is_png = _begins(data, PNG) & (tf.strings.length(data) > HEADER)
    another = ["image_bytes: expected a JPEG or PNG file, received another"]
    data = checked(data, (is_png | _begins(data, JPEG), another))
    size = tf.cond(is_png, lambda: _png_size(data), lambda: tf.image.extract_jpeg_shape(data)[:2])
    expected = f"image_bytes: expected sides of at most {max_size}, received"
    data = checked(data, (tf.reduce_max(size) <= max_size, [expected, size]))
    pixels = tf.cond(
        is_png,
        lambda: _on_white(_png(data)),
        lambda: _unit(tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")),
    )
    return tf.ensure_shape(pixels[None], [1, None, None, 3])


def _begins(data, start):
    padded = tf.strings.join([data, " " * len(start)])  # one that is shorter is no error
    return tf.strings.substr(padded, 0, len(start)) == start


def _png_size(data):
    """Height and width, from the file's first bytes."""
    digits = tf.io.decode_raw(tf.strings.substr(data, HEADER - 8, 8), tf.uint8)
    width, height = tf.unstack(
        tf.reduce_sum(tf.cast(tf.reshape(digits, [2, 4]), tf.int64) * [1 << 24, 1 << 16, 256, 1], 1)
    )
    return tf.cast(tf.minimum(tf.stack([height, width]), tf.int32.max), tf.int32)


def _png(data):
    """RGBA, 8 bits. Where there is no alpha, TensorFlow fills in the most that the file's bit depth
    holds, which is 255 for 8 bits only."""
    depth = tf.io.decode_raw(tf.strings.substr(data, HEADER, 1), tf.uint8)[0]
    colour, alpha = tf.split(tf.io.decode_png(data, channels=4), [3, 1], axis=-1)
    full = tf.bitwise.left_shift(1, tf.cast(tf.minimum(depth, 8), tf.int32)) - 1
    opaque = tf.reduce_all(tf.cast(alpha, tf.int32) == full)
    return tf.concat([colour, tf.where(opaque, tf.constant(255, tf.uint8), alpha)], axis=-1)


def _unit(pixels):
    return tf.cast(pixels, tf.float32) / 255


def _on_white(pixels):
    colour, alpha = tf.split(_unit(pixels), [3, 1], axis=-1)
    return colour * alpha + (1 - alpha)
