"""A complex steerable pyramid: pictures as oriented bands of one octave each, by way of Fourier.

Simoncelli & Freeman 1995, "The steerable pyramid"; the complex bands are those of Portilla &
Simoncelli 2000, "A parametric texture model based on joint statistics of complex wavelet
coefficients", section 1.2. Pictures continue at their other side. Sides are of any length: filters
are functions of the frequency in radians a pixel, and each scale has half as many rows and columns
as the one before, rounded up, which holds all frequencies that are left there.

Values are in units of pixels at every scale: at scale n those of a spectrum that is cut off, and
nothing else, are 4^n times as large.
"""

import functools
import math
from typing import Any, NamedTuple

import tensorflow as tf

WEAK = 1e-3  # of the amplitude of the strongest octave: weaker ones count as that


class Pyramid(NamedTuple):
    """Pictures `[B, H, W]` in N scales and K orientations.

    The mean squares of the residuals and of the bands' real parts add to that of the picture: a
    tight frame.

    Attributes:
        highpass: what is finer than the first scale, `[B, H, W]`.
        bands: of each scale, from fine to coarse, `[B, K, ceil(H / 2^n), ceil(W / 2^n)]`, complex:
            real and imaginary parts are filters a quarter of a wave apart.
        lowpass: what is coarser than the last scale, `[B, ceil(H / 2^N), ceil(W / 2^N)]`.
    """

    highpass: Any
    bands: tuple
    lowpass: Any


def traced_once(function):
    """A function that is traced once for all scales where it is called in a graph."""
    traced = tf.function(function, autograph=False)

    @functools.wraps(function)
    def called(*given):
        return function(*given) if tf.executing_eagerly() else traced(*given)

    return called


def analyse(image: tf.Tensor, scales: int, orientations: int) -> Pyramid:
    """The pyramid of pictures `[B, H, W]`, float32 or float64; its numbers have that precision."""
    spectrum, shape = fft(image), tf.shape(image)[1:]
    radius, _ = _polar(shape, shape, image.dtype)
    highpass = _real(spectrum * _complex(_high(radius)))
    bands = []
    for scale in range(scales):
        spectrum = cropped(spectrum, at_scale(shape, scale))
        filters = _complex(_oriented(shape, scale, orientations, image.dtype))
        turned = _turn(spectrum, orientations - 1)[:, None] * (2 * filters)
        bands.append(_sampled(turned, shape))
    return Pyramid(highpass, tuple(bands), _lowpass(spectrum, shape, scales, 1))


def synthesise(pyramid: Pyramid) -> tf.Tensor:
    """The pictures `[B, H, W]` of which that is the pyramid; exact."""
    shape, scales = tf.shape(pyramid.highpass)[1:], len(pyramid.bands)
    dtype = pyramid.highpass.dtype
    radius, _ = _polar(at_scale(shape, scales), shape, dtype)
    spectrum = _spectrum(pyramid.lowpass, shape) * _complex(_low(radius + scales))
    for scale, band in reversed(list(enumerate(pyramid.bands))):
        orientations = band.shape[1]
        filters = _complex(_oriented(shape, scale, orientations, dtype, whole=True))
        seen = _turn(_spectrum(tf.math.real(band), shape), 1 - orientations) * filters
        spectrum = padded(spectrum, at_scale(shape, scale)) + tf.reduce_sum(seen, axis=1)
    radius, _ = _polar(shape, shape, dtype)
    return _real(padded(spectrum, shape) + fft(pyramid.highpass) * _complex(_high(radius)))


def lowpasses(image: tf.Tensor, scales: int) -> list[tf.Tensor]:
    """Pictures `[B, H, W]` without what is finer than each scale, `[B, H / 2^n, W / 2^n]`.

    N + 1 of them, from fine to coarse: what the low-pass residual makes together with all bands
    from that scale on.
    """
    spectrum, shape = fft(image), tf.shape(image)[1:]
    return [_lowpass(spectrum, shape, scale, 2) for scale in range(scales + 1)]


def enlarged(bands: tf.Tensor, size) -> tf.Tensor:
    """Complex maps `[..., h, w]` interpolated to a size of about twice that, their values kept."""
    return _sampled(padded(tf.signal.fft2d(bands), size), tf.shape(bands)[-2:])


def falling(image: tf.Tensor, long: int) -> tf.Tensor:
    """Pictures `[..., H, W]` whose frequencies fall as those of most pictures do: 1 / frequency.

    Waves of `long` pixels are weakened to a half, much longer ones not at all. It is linear, and
    its own adjoint.
    """
    return _times(image, lambda octaves: 1 / (1 + long / 2 * 2**octaves))


def shaped(image: tf.Tensor, gains: tf.Tensor) -> tf.Tensor:
    """Pictures `[..., H, W]` times a gain for each octave of the frequency, and between those.

    `gains` are `[M]`, of the highest frequency and of the next octaves; means stay. It is linear,
    and its own adjoint.
    """
    mean = tf.reduce_mean(image, axis=[-2, -1], keepdims=True)
    last = tf.cast(tf.shape(gains)[0] - 1, image.dtype)

    def gain(octaves):
        below = tf.clip_by_value(-octaves, 0, last)[..., None]
        return tf.linalg.matvec(tf.nn.relu(1 - tf.abs(below - tf.range(last + 1))), gains)

    return mean + _times(image - mean, gain)


def amplitudes(deviations: tf.Tensor, finest: tf.Tensor) -> tf.Tensor:
    """How strong each octave is, `[N + 2]` over the largest, see `shaped`.

    The geometric mean of the amplitude of one of its waves, and of the deviation of all together.

    Args:
        deviations: of `lowpasses`, `[N + 1]`.
        finest: variance of the high-pass residual.
    """
    below = tf.square(deviations)
    rings = tf.nn.relu(below[:-1] - below[1:])
    # Over their parts of all frequencies: about where each of the filters passes half the energy.
    quarters = 0.25 ** tf.range(tf.shape(below)[0], dtype=below.dtype)
    parts = [rings / (0.21 * quarters[:-1]), below[-1:] / (0.28 * quarters[-1:])]
    squares = tf.concat([[finest / 0.56], *parts], axis=0)
    squares *= 0.5 ** tf.range(tf.shape(squares)[0], dtype=below.dtype)  # fewer waves in each
    largest = tf.reduce_max(squares)
    return tf.sqrt(tf.where(largest > 0, tf.maximum(squares / largest, WEAK**2), 1.0))


def at_scale(length, scale: int):
    """Rows or columns of a scale: half of those before it, rounded up; numbers or tensors."""
    return -(-length // 2**scale)


def fft(image: tf.Tensor) -> tf.Tensor:
    """The spectrum of real maps `[..., H, W]`."""
    return tf.signal.fft2d(_complex(image))


@traced_once
def cropped(spectrum: tf.Tensor, size) -> tf.Tensor:
    """The lowest frequencies of spectra `[..., H, W]`, so many rows and columns of them."""
    for axis, most in zip((-2, -1), tf.unstack(size)):
        up, down = (most + 1) // 2, most // 2
        parts = tf.split(spectrum, [up, tf.shape(spectrum)[axis] - most, down], axis, num=3)
        spectrum = tf.concat(parts[::2], axis)
    return spectrum


def padded(spectrum: tf.Tensor, size) -> tf.Tensor:
    """Spectra `[..., h, w]` with zeros at higher frequencies, so many rows and columns in all."""
    for axis, most in zip((-2, -1), tf.unstack(size)):
        length = tf.shape(spectrum)[axis]
        low, negative = tf.split(spectrum, [(length + 1) // 2, length // 2], axis, num=2)
        paddings = [[0, 0]] * spectrum.shape.rank
        paddings[axis] = [0, most - length]
        spectrum = tf.concat([tf.pad(low, paddings), negative], axis)
    return spectrum


def _lowpass(spectrum, shape, scale, power):
    size = at_scale(shape, scale)
    radius, _ = _polar(size, shape, spectrum.dtype.real_dtype)
    seen = cropped(spectrum, size) * _complex(_low(radius + scale) ** power)
    return tf.math.real(_sampled(seen, shape))


def _sampled(spectrum, shape):
    """The values of maps of that shape at as many positions as a part of their spectrum has."""
    return tf.signal.ifft2d(spectrum) * _ratio(tf.shape(spectrum)[-2:], shape, spectrum.dtype)


def _spectrum(values, shape):
    """A part of the spectrum of maps of that shape, of their values at fewer positions."""
    spectrum = fft(values)
    return spectrum * _ratio(shape, tf.shape(values)[-2:], spectrum.dtype)


def _ratio(size, shape, dtype):
    return tf.cast(tf.reduce_prod(size) / tf.reduce_prod(shape), dtype)


def _oriented(shape, scale, orientations, dtype, whole=False):
    """Filters of a scale `[K, h, w]`: of an octave, and of one half of the plane or the whole."""
    radius, angle = _polar(at_scale(shape, scale), shape, dtype)
    order = orientations - 1
    squared = 4.0**order * math.factorial(order) ** 2 / math.factorial(2 * order) / orientations
    turns = math.pi / orientations * tf.range(orientations, dtype=dtype)
    cosine = tf.cos(angle - turns[:, None, None])
    if not whole:
        cosine = tf.nn.relu(cosine)
    return math.sqrt(squared) * cosine**order * _low(radius + scale) * _high(radius + scale + 1)


def _turn(spectrum, order):
    """Times (-i)^order: so filters of odd order are real too."""
    return spectrum * tf.constant((-1j) ** order, spectrum.dtype)


@traced_once
def _polar(size, shape, dtype):
    """Of the frequencies of a cropped spectrum: log2 of the radius over pi, and the angle."""
    rows, columns = (
        2 * tf.cast(_indices(count), dtype) / tf.cast(length, dtype)
        for count, length in zip(tf.unstack(size), tf.unstack(shape))
    )
    rows = rows[:, None] + tf.zeros_like(columns)
    radius = tf.sqrt(tf.square(rows) + tf.square(columns))
    least = tf.constant(2.0**-40, dtype)  # of a constant: below all octaves
    return tf.math.log(tf.maximum(radius, least)) / math.log(2), tf.atan2(rows, columns)


def _times(image, gain):
    """Pictures `[..., H, W]` times a function of log2 of the radius of the frequency over pi."""
    shape = tf.shape(image)[-2:]
    radius, _ = _polar(shape, shape, image.dtype)
    return tf.ensure_shape(_real(fft(image) * _complex(gain(radius))), image.shape)


def _indices(count):
    return tf.concat([tf.range((count + 1) // 2), tf.range(-(count // 2), 0)], axis=0)


def _low(octaves):
    """Passes what is an octave below, half of the energy half an octave below, nothing above."""
    return tf.cos(math.pi / 2 * tf.clip_by_value(octaves + 1, 0, 1))


def _high(octaves):
    return tf.sin(math.pi / 2 * tf.clip_by_value(octaves + 1, 0, 1))


def _complex(real):
    return tf.complex(real, tf.zeros_like(real))


def _real(spectrum):
    return tf.math.real(tf.signal.ifft2d(spectrum))
