"""VGG feature networks (Simonyan & Zisserman 2014), every one built from a table.

Layers are named as in `keras.applications`: block4_conv2 is the paper's conv4_2, and the
activations are those after the ReLU (relu4_2).
"""

import keras
from keras import ops

from tfstyle.features import pixels
from tfstyle.features.architectures import PIXELS, Architecture

LAYOUT = "channels_last"  # whatever Keras' own setting is


@keras.saving.register_keras_serializable("tfstyle")
class Preprocess(keras.layers.Layer):
    """RGB in [0, 1] to what the network was trained on."""

    def __init__(self, mean, scale, bgr, **kwargs):
        super().__init__(**kwargs)
        self.mean, self.scale, self.bgr = mean, scale, bgr

    def call(self, image):
        image = image[..., ::-1] if self.bgr else image
        return (image * 255 - ops.convert_to_tensor(self.mean, image.dtype)) * self.scale

    def get_config(self):
        return super().get_config() | {"mean": self.mean, "scale": self.scale, "bgr": self.bgr}


@keras.saving.register_keras_serializable("tfstyle")
class ReflectPad(keras.layers.Layer):
    """One pixel of mirrored border, so that no edge appears where the picture ends."""

    def call(self, x):
        return ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")


def build(architecture: Architecture, layers, pooling="average", padding="reflect", dtype=None):
    """A network without weights of its own yet, cut at the deepest of `layers`.

    Args:
        architecture: the table to build from.
        layers: names of the activations wanted, e.g. `("block1_conv1", "block4_conv2")`.
        pooling: "average" (Gatys et al. 2015 prefer it: smoother gradients) or "max" (as VGG was
            trained).
        padding: "reflect" or "zeros". VGG was trained with zeros, which the optimised image answers
            with a visible frame; reflection leaves none.
        dtype: Keras dtype policy, e.g. "float32" or "mixed_bfloat16".

    Returns:
        A `keras.Model` from RGB `[batch, H, W, 3]` in [0, 1] to `{layer: [batch, h, w, C]}`.
    """
    image = keras.Input((None, None, 3), name="image", dtype="float32")
    x = Preprocess(
        architecture.mean, architecture.scale, architecture.bgr, name="preprocess", dtype="float32"
    )(image)
    outputs = {}
    if PIXELS in layers:
        bordered = _border(image, padding, PIXELS, "float32")
        outputs[PIXELS] = pixels.Pixels(name=PIXELS, dtype=dtype, autocast=False)(bordered)
    before = 1
    for name in architecture.needed(layers):
        block = architecture.block(name)
        if block > before:
            x = _pool(pooling, padding, f"block{before}_pool", dtype)(x)
        before = block
        x = _convolve(x, architecture.widths[block - 1], name, padding, dtype)
        if name in layers:
            outputs[name] = _head(x, architecture.heads.get(name), name, dtype)
    return keras.Model(image, outputs, name="vgg")


def _pool(pooling, padding, name, dtype):
    layer = {"average": keras.layers.AveragePooling2D, "max": keras.layers.MaxPooling2D}[pooling]
    # VGG drops an odd last row; with reflection every pixel of any size of image must count.
    return layer(
        2,
        padding="valid" if padding == "zeros" else "same",
        data_format=LAYOUT,
        name=name,
        dtype=dtype,
    )


def _border(x, padding, name, dtype):
    if padding == "reflect":
        return ReflectPad(name=f"{name}_pad", dtype=dtype)(x)
    return keras.layers.ZeroPadding2D(data_format=LAYOUT, name=f"{name}_pad", dtype=dtype)(x)


def _convolve(x, channels, name, padding, dtype):
    if padding == "reflect":
        x = _border(x, padding, name, dtype)
    keras_padding = "valid" if padding == "reflect" else "same"
    return keras.layers.Conv2D(
        channels,
        3,
        padding=keras_padding,
        data_format=LAYOUT,
        activation="relu",
        kernel_initializer="he_normal",
        name=name,
        dtype=dtype,
    )(x)


def _head(x, channels, name, dtype):
    if channels is None:
        return x
    return keras.layers.Conv2D(
        channels,
        1,
        data_format=LAYOUT,
        activation="relu",
        kernel_initializer="he_normal",
        name=f"{name}_head",
        dtype=dtype,
    )(x)
