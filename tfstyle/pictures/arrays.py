"""Pictures as arrays: resizing, noise, 8 bits, and how far two are apart."""

import math

import numpy as np
from PIL import Image


def resize(image, height, width, method=Image.Resampling.LANCZOS):
    """Resamples float32 [1, H, W, C] in [0, 1] to [1, height, width, C].

    Lanczos windows widen as the image shrinks, so that fine detail does not alias. An image that
    has the size already is returned itself.
    """
    if image.shape[1:3] == (height, width):
        return image
    channels = [Image.fromarray(channel) for channel in np.moveaxis(image[0], -1, 0)]
    resized = [c.resize((width, height), method) for c in channels]
    return np.clip(np.stack(resized, axis=-1), 0, 1)[np.newaxis]  # Lanczos overshoots at edges


def noise(height, width, seed, deviation=0.15):
    """Returns clip(0.5 + deviation N(0, 1)), float32 [1, height, width, 3], by its seed."""
    normal = np.random.default_rng(seed).standard_normal((1, height, width, 3), np.float32)
    return np.clip(0.5 + deviation * normal, 0, 1)


def to_pil(image):
    """A PIL image of 8 bits a channel from [1, H, W, 3] in [0, 1]; rounded half up, clipped."""
    return Image.fromarray(quantized(image, 8))


def quantized(image, depth):
    """Whole numbers [H, W, C] of 8 or 16 bits from [1, H, W, C]; rounded half up, clipped."""
    numbers = np.clip(image[0], 0, 1) * (2**depth - 1) + 0.5
    return numbers.astype(np.uint8 if depth == 8 else np.uint16)


def psnr(image, original):
    """Peak signal-to-noise ratio in dB of two images of one shape in [0, 1]: 10 log10(1 / MSE)."""
    error = np.mean(np.square(image - original, dtype=np.float64))
    return float(-10 * np.log10(error)) if error else math.inf
