"""VGG feature networks (Simonyan & Zisserman 2014), every one built from a table.

Layers are named as in `keras.applications`: block4_conv2 is the paper's conv4_2, and the activations
are those after the ReLU (relu4_2).
"""

import dataclasses

import keras
from keras import ops


@dataclasses.dataclass(frozen=True)
class Architecture:
    """What tells one VGG from another.

    Attributes:
        repeats: convolutions in each block.
        widths: channels in each block.
        heads: layers that end in a 1x1 convolution, and its channels; the trunk goes on without it.
        mean: what preprocessing subtracts, per input channel, on the scale 0 to 255.
        scale: what it multiplies by afterwards.
        bgr: whether the network expects blue first.
    """

    repeats: tuple[int, ...]
    widths: tuple[int, ...]
    heads: dict[str, int] = dataclasses.field(default_factory=dict)
    mean: tuple[float, float, float] = (123.68, 116.779, 103.939)
    scale: float = 1.0
    bgr: bool = False

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of all convolutions, from the image inwards."""
        return tuple(
            f"block{block}_conv{index}"
            for block, repeat in enumerate(self.repeats, 1)
            for index in range(1, repeat + 1)
        )


VGG19 = Architecture(
    repeats=(2, 2, 4, 4, 4),
    widths=(64, 128, 256, 512, 512),
    mean=(103.939, 116.779, 123.68),  # as Caffe counts: blue, green, red
    bgr=True,
)

# A quarter of the width. The heads give VGG19's own number of channels where losses usually look.
VGG19_COMPACT = Architecture(
    repeats=(2, 2, 4, 4, 1),
    widths=(16, 32, 64, 128, 128),
    heads={
        "block1_conv1": 64,
        "block2_conv1": 128,
        "block3_conv1": 256,
        "block4_conv1": 512,
        "block4_conv2": 512,
        "block5_conv1": 512,
    },
    scale=1 / 64,
)


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
    depth = max(architecture.layers.index(layer) for layer in layers)
    image = keras.Input((None, None, 3), name="image", dtype="float32")
    x = Preprocess(
        architecture.mean, architecture.scale, architecture.bgr, name="preprocess", dtype="float32"
    )(image)
    outputs = {}
    for name in architecture.layers[: depth + 1]:
        block = int(name[5])
        if name.endswith("conv1") and block > 1:
            x = _pool(pooling, padding, f"block{block - 1}_pool", dtype)(x)
        x = _convolve(x, architecture.widths[block - 1], name, padding, dtype)
        if name in layers:
            outputs[name] = _head(x, architecture.heads.get(name), name, dtype)
    return keras.Model(image, outputs, name="vgg")


def _pool(pooling, padding, name, dtype):
    layer = {"average": keras.layers.AveragePooling2D, "max": keras.layers.MaxPooling2D}[pooling]
    # VGG drops an odd last row; with reflection every pixel of any size of image must count.
    return layer(2, padding="valid" if padding == "zeros" else "same", name=name, dtype=dtype)


def _convolve(x, channels, name, padding, dtype):
    if padding == "reflect":
        x = ReflectPad(name=f"{name}_pad", dtype=dtype)(x)
    keras_padding = "valid" if padding == "reflect" else "same"
    return keras.layers.Conv2D(
        channels,
        3,
        padding=keras_padding,
        activation="relu",
        kernel_initializer="he_normal",
        name=name,
        dtype=dtype,
    )(x)


def _head(x, channels, name, dtype):
    if channels is None:
        return x
    return keras.layers.Conv2D(
        channels, 1, activation="relu", kernel_initializer="he_normal", name=f"{name}_head", dtype=dtype
    )(x)
