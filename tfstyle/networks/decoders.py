"""Decoders that make a picture of feature maps at once (Dosovitskiy & Brox 2016).

"Inverting Visual Representations with Convolutional Networks", with nearest up-sampling before 3x3
convolutions in the place of transposed ones, which leave a checkerboard, and with reflection at the
border. `python -m tools.train_inverter` trains them.
"""

import functools
import pathlib

import keras

from tfstyle.features import vgg, weights
from tfstyle.features.architectures import VGG19_NARROW
from tfstyle.settings.choices import GATYS_LAYERS

BUNDLED = pathlib.Path(__file__).with_name("data") / "inverters.npz"
LAYERS = GATYS_LAYERS
WIDTHS = (16, 32, 96, 128, 128)  # at the resolution of each block of the feature network
RESIDUALS = 2  # at the resolution of the feature maps, where a convolution sees the widest
_GREY = keras.initializers.Constant(0.5)


def get(layer: str, dtype: str | None = None, tiled=(False, False)) -> keras.Model:
    """The decoder of a layer with the weights that come with the package; see `build`."""
    model = build(layer, dtype, tiled)
    weights.assign(model, weights.read(BUNDLED), BUNDLED.name)
    return model


def build(layer: str, dtype: str | None = None, tiled=(False, False)) -> keras.Model:
    """A decoder without weights of its own yet.

    Args:
        layer: of `VGG19_NARROW`, of which it takes the feature maps.
        dtype: Keras dtype policy, e.g. "float32" or "mixed_bfloat16".
        tiled: whether the picture continues at its other side, of rows, of columns.

    Returns:
        A `keras.Model` from `[batch, h, w, C]` to RGB float32 `[batch, h s, w s, 3]`, about in
        [0, 1], with the layer's stride s; h and w are at least 2.
    """
    block = VGG19_NARROW.block(layer)
    convolve = functools.partial(_convolve, dtype=dtype, tiled=tiled)
    features = keras.Input((None, None, VGG19_NARROW.widths[block - 1]), name="features")
    x = convolve(features, WIDTHS[block - 1], f"{layer}_in")
    for number in range(RESIDUALS):
        name = f"{layer}_residual{number + 1}"
        change = convolve(x, WIDTHS[block - 1], f"{name}_a")
        change = convolve(change, WIDTHS[block - 1], f"{name}_b", activation=None)
        x = keras.layers.Add(name=name, dtype=dtype)([x, change])
    for level in range(block - 1, 0, -1):
        x = keras.layers.UpSampling2D(
            2, data_format=vgg.LAYOUT, name=f"{layer}_up{level}", dtype=dtype
        )(x)
        x = convolve(x, WIDTHS[level - 1], f"{layer}_level{level}_a")
        x = convolve(x, WIDTHS[level - 1], f"{layer}_level{level}_b")
    image = convolve(x, 3, f"{layer}_out", dtype="float32", activation=None, bias_initializer=_GREY)
    return keras.Model(features, image, name=f"{layer}_inverter")


def radius(layer: str) -> int:
    """Pixels on each side of its own that a pixel of the picture depends on, at most."""
    strides = [2**level for level in range(VGG19_NARROW.block(layer))]
    # Up-sampling looks at a position that lies up to one stride away.
    return (2 + 2 * RESIDUALS) * strides[-1] + 2 * sum(strides[:-1]) + 1


def _convolve(x, channels, name, dtype, tiled, activation="leaky_relu", bias_initializer="zeros"):
    x = vgg.Border(tiled=tiled, name=f"{name}_pad", dtype=dtype)(x)
    return keras.layers.Conv2D(
        channels,
        3,
        data_format=vgg.LAYOUT,
        activation=activation,
        kernel_initializer="he_normal" if activation else "glorot_normal",
        bias_initializer=bias_initializer,
        name=name,
        dtype=dtype,
    )(x)
