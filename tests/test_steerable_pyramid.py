"""The steerable pyramid: closed forms, and another program's numbers where they are at hand."""

import math

import numpy as np
import pytest
import tensorflow as tf
from test_features import SHARED

from tfstyle import pyramid

REFERENCE = SHARED / "reference/portilla_simoncelli.npz"
SIZES = [(64, 64), (48, 80), (37, 53), (17, 96)]


def noise(height, width, count=1):
    return np.random.default_rng(0).standard_normal((count, height, width))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scales, orientations", [(1, 2), (3, 4), (4, 5)])
def test_reconstruction_is_exact(size, scales, orientations):
    image = noise(*size, count=2)
    made = pyramid.synthesise(pyramid.analyse(image, scales, orientations))
    np.testing.assert_allclose(made, image, atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("orientations", [2, 3, 4, 6])
def test_it_is_a_tight_frame(size, orientations):
    image = noise(*size)
    highpass, bands, lowpass = pyramid.analyse(image, 3, orientations)
    maps = [highpass, *map(tf.math.real, bands), lowpass]
    energy = sum(np.square(x).mean(axis=(-2, -1)).sum() for x in maps)
    np.testing.assert_allclose(energy, np.square(image).mean(), rtol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_sizes_round_up_and_partial_sums_are_low_passes(size):
    image = noise(*size)
    seen, low = pyramid.analyse(image, 3, 4), pyramid.lowpasses(image, 3)
    sides = [tuple(math.ceil(side / 2**n) for side in size) for n in range(4)]
    assert [x.shape[-2:] for x in seen.bands] == sides[:3] and seen.lowpass.shape[1:] == sides[3]
    assert [x.shape[1:] for x in low] == sides
    nothing = tuple(tf.zeros_like(band) for band in seen.bands)
    for scale in range(4):
        bands = (*nothing[:scale], *seen.bands[scale:])
        coarse = pyramid.synthesise(seen._replace(highpass=0 * seen.highpass, bands=bands))
        cut = pyramid.cropped(pyramid.fft(coarse), sides[scale])
        cut *= math.prod(sides[scale]) / math.prod(size)
        np.testing.assert_allclose(low[scale], tf.math.real(tf.signal.ifft2d(cut)), atol=1e-12)


@pytest.mark.parametrize("rows, columns", [(5, 0), (0, -9), (7, 7), (-3, 12)])
def test_response_to_a_plane_wave(rows, columns):
    """Its magnitude is radial times angular window, and its phase runs with the wave."""
    height, width, orientations = 60, 90, 4
    y, x = np.mgrid[:height, :width]
    wave = np.exp(2j * np.pi * (rows * y / height + columns * x / width))
    octaves = np.log2(2 * math.hypot(rows / height, columns / width))
    angle = math.atan2(rows / height, columns / width)
    seen = pyramid.analyse(wave.real[None], 3, orientations)
    for scale, bands in enumerate(seen.bands):
        ramp = np.clip([octaves + scale + 1, octaves + scale + 2], 0, 1) * np.pi / 2
        radial = np.cos(ramp[0]) * np.sin(ramp[1])
        for number, band in enumerate(bands[0].numpy()):
            # cos^6 of four evenly turned filters add to 20 / 16.
            window = math.cos(angle - np.pi * number / 4) ** 3 / math.sqrt(20 / 16)
            expected = radial * abs(window)
            np.testing.assert_allclose(np.abs(band), expected, atol=1e-10)
            if expected > 0.01 and scale == 0:
                turned = band / wave if window > 0 else band / wave.conj()
                np.testing.assert_allclose(turned, 1j * expected, atol=1e-10)


def test_of_one_colour_only_the_low_pass_is_left():
    highpass, bands, lowpass = pyramid.analyse(np.full((1, 40, 56), 0.7), 3, 4)
    assert max(np.abs(x).max() for x in (highpass, *bands)) < 1e-12
    np.testing.assert_allclose(lowpass, 0.7)


def test_enlarged_maps_pass_through_the_same_values():
    small = np.exp(2j * np.pi * 3 * np.arange(20) / 20)[None] * np.ones((12, 1))
    large = pyramid.enlarged(tf.constant(small), tf.constant([24, 40])).numpy()
    np.testing.assert_allclose(large[::2, ::2], small, atol=1e-12)


@pytest.mark.skipif(not REFERENCE.is_file(), reason=f"needs {REFERENCE.name}")
@pytest.mark.parametrize("order", [3, 5])
def test_bands_are_those_of_plenoptic(order):
    """Its values are 4^n times as large, and its filters are interpolated from tables.

    Relative to the largest value of the pyramid.
    """
    stored = np.load(REFERENCE)
    image = stored["gravel_64/image"][None] / 255.0
    highpass, bands, lowpass = pyramid.analyse(image, 2, order + 1)
    names = "residual_highpass", "0", "1", "residual_lowpass"
    theirs = [stored[f"pyramid_order{order}/{name}"] for name in names]
    largest = max(np.abs(values).max() for values in theirs)
    for gain, ours, values in zip((1, 1, 4, 16), (highpass, *bands, lowpass), theirs):
        np.testing.assert_allclose(gain * ours[0], values, rtol=0, atol=1e-6 * largest)
