"""The layer in front of the convolutions: what a pixel and its neighbours say by themselves.

A trained network hardly sees the finest octave, least of all that of colour, and leaves it to
chance: a picture that matches all its layers has a mesh of coloured grain. Here the colours of 3x3
pixels are taken apart by the discrete cosine transform, an orthogonal basis, so that a statistic of
them is one of all patches (Portilla & Simoncelli 2000 match such moments of wavelets). Sizes
without their sign tell a few strong edges from much weak grain of the same energy.
"""

import keras
import numpy as np
from keras import ops

from tfstyle.colour import LUMINANCE_AND_CHROMA
from tfstyle.features.architectures import PIXEL_FILTERS

# Natural pictures have little of both: gains let them count beside luminance and large shapes.
COLOUR_GAIN = 3.0  # of differences of colours
FREQUENCY_GAIN = 2.0  # for each step up in frequency, along each axis
GREY = 0.5


@keras.saving.register_keras_serializable("tfstyle")
class Pixels(keras.layers.Layer):
    """RGB `[batch, H + 2, W + 2, 3]` in [0, 1], with a border, to `[batch, H, W, 51]`."""

    def call(self, image):
        kernel = filters()
        varying = kernel[..., len(LUMINANCE_AND_CHROMA) :]
        kernel = ops.convert_to_tensor(np.concatenate([kernel, varying], -1), image.dtype)
        values = ops.conv(image - GREY, kernel, padding="valid", data_format="channels_last")
        values = ops.cast(values, self.compute_dtype)
        # The sizes by their signs: faster than their own branch, there and back.
        signed = np.arange(kernel.shape[-1]) < PIXEL_FILTERS
        return values * ops.stop_gradient(ops.where(signed, 1, ops.sign(values)))


def filters() -> np.ndarray:
    """Kernels `[3, 3, 3, 27]` of the transform, times their gains; constant ones come first."""
    rows = np.cos(np.pi * np.outer(np.arange(3), np.arange(3) + 0.5) / 3)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    colours = LUMINANCE_AND_CHROMA * np.array([1, COLOUR_GAIN, COLOUR_GAIN])[:, np.newaxis]
    gains = FREQUENCY_GAIN ** np.add.outer(np.arange(3), np.arange(3))
    kernels = np.einsum("uy,vx,ck,uv->yxkuvc", rows, rows, colours, gains)
    return kernels.reshape(3, 3, 3, PIXEL_FILTERS)
