"""VGG feature networks (Simonyan & Zisserman 2014), every one built from a table.

Layers are named as in `keras.applications`: block4_conv2 is the paper's conv4_2, and the
activations are those after the ReLU (relu4_2).
"""

import keras
from keras import ops

from tfstyle.features import pixels
from tfstyle.features.architectures import PIXELS, Architecture

LAYOUT = "channels_last"  # whatever Keras' own setting is
ACTIVATION = "relu"


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
class Border(keras.layers.Layer):
    """One pixel around a map `[batch, h, w, C]`, so that no edge appears where the picture ends.

    Args:
        padding: "reflect" mirrors what is inside, "zeros" is nothing.
        tiled: whether the other side is there instead, of rows, of columns.
    """

    def __init__(self, padding="reflect", tiled=(False, False), **kwargs):
        super().__init__(**kwargs)
        self.padding, self.tiled = padding, tuple(tiled)

    def call(self, x):
        is_mirrored = self.padding == "reflect" and not any(self.tiled)
        if is_mirrored and keras.backend.backend() == "tensorflow":
            from tfstyle.features import mirror

            return mirror.bordered(x)
        if not all(self.tiled):
            pads = ((0, 0), *((0, 0) if tiled else (1, 1) for tiled in self.tiled), (0, 0))
            x = ops.pad(x, pads, mode="reflect" if self.padding == "reflect" else "constant")
        if self.tiled[0]:
            x = ops.concatenate([x[:, -1:], x, x[:, :1]], axis=1)
        if self.tiled[1]:
            x = ops.concatenate([x[:, :, -1:], x, x[:, :, :1]], axis=2)
        return x

    def get_config(self):
        return super().get_config() | {"padding": self.padding, "tiled": self.tiled}


def build(
    architecture: Architecture,
    layers,
    pooling="average",
    padding="reflect",
    dtype=None,
    tiled=(False, False),
):
    """A network without weights of its own yet, cut at the deepest of `layers`.

    Args:
        architecture: the table to build from.
        layers: names of the activations wanted, e.g. `("block1_conv1", "block4_conv2")`.
        pooling: "average" (Gatys et al. 2015 prefer it: smoother gradients) or "max" (as VGG was
            trained).
        padding: "reflect" or "zeros". VGG was trained with zeros, which the optimised image answers
            with a visible frame; reflection leaves none.
        dtype: Keras dtype policy, e.g. "float32" or "mixed_bfloat16".
        tiled: whether the picture is continued at its other side instead, from top to bottom, from
            left to right; the sides must be multiples of the deepest layer's stride then.

    Returns:
        A `keras.Model` from RGB `[batch, H, W, 3]` in [0, 1] to `{layer: [batch, h, w, C]}`.
    """
    image = keras.Input((None, None, 3), name="image", dtype="float32")
    x = Preprocess(
        architecture.mean, architecture.scale, architecture.bgr, name="preprocess", dtype="float32"
    )(image)
    outputs = {}
    if PIXELS in layers:
        bordered = Border(padding, tiled, name=f"{PIXELS}_pad", dtype="float32")(image)
        outputs[PIXELS] = pixels.Pixels(name=PIXELS, dtype=dtype, autocast=False)(bordered)
    before = 1
    for name in architecture.needed(layers):
        block = architecture.block(name)
        if block > before:
            x = _pool(pooling, padding, f"block{before}_pool", dtype)(x)
        before = block
        x = _convolve(x, architecture.widths[block - 1], name, padding, dtype, tiled)
        if name in layers:
            outputs[name] = _head(x, architecture.heads.get(name), name, dtype)
    return keras.Model(image, outputs, name="vgg")


def untiled(model):
    """The same network with the same weights for pictures that are not tiled."""

    def opened(layer):
        if not isinstance(layer, Border):
            return layer
        return Border(layer.padding, name=layer.name, dtype=layer.dtype_policy)

    return keras.models.clone_model(model, clone_function=opened)


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


def _convolve(x, channels, name, padding, dtype, tiled):
    bordered = padding == "reflect" or any(tiled)
    if bordered:
        x = Border(padding, tiled, name=f"{name}_pad", dtype=dtype)(x)
    return keras.layers.Conv2D(
        channels,
        3,
        padding="valid" if bordered else "same",
        data_format=LAYOUT,
        activation=ACTIVATION,
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
        activation=ACTIVATION,
        kernel_initializer="he_normal",
        name=f"{name}_head",
        dtype=dtype,
    )(x)
