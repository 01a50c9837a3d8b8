"""Resampling inside a run: that of `images`, where it is computed."""

import numpy as np
import pytest
import tensorflow as tf

from tfstyle import images, resampling

IMAGE = tf.TensorSpec([1, None, None, 3], tf.float32)
INTEGER = tf.TensorSpec([], tf.int32)


@pytest.mark.parametrize(
    "before, after",
    [
        ((40, 70), (40, 70)),
        ((40, 70), (20, 35)),
        ((41, 67), (82, 134)),
        ((64, 33), (32, 32)),
        ((200, 150), (32, 37)),
        ((33, 33), (100, 47)),
    ],
)
def test_resize_is_that_of_pillow(before, after):
    image = np.random.default_rng(1).random((1, *before, 3), np.float32)
    resize = tf.function(resampling.resize, input_signature=[IMAGE, INTEGER, INTEGER])
    wanted = images.resize(image, *after)
    for resized in (resize(image, *after), resampling.resize(image, *after)):
        np.testing.assert_allclose(resized, wanted, atol=1e-5)
        assert resized.numpy().min() >= 0 and resized.numpy().max() <= 1


@pytest.mark.parametrize("borders", [(0, 0), (1, 7), (7, 0)])
def test_reflect_is_that_of_numpy(borders):
    image = np.random.default_rng(2).random((1, 12, 9, 3), np.float32)
    reflect = tf.function(resampling.reflect, input_signature=[IMAGE, INTEGER, INTEGER])
    pads = ((0, 0), *((border, border) for border in borders), (0, 0))
    np.testing.assert_array_equal(reflect(image, *borders), np.pad(image, pads, mode="reflect"))


def test_crop_is_a_slice_in_the_range():
    image = 3 * np.random.default_rng(2).random((1, 12, 9, 3), np.float32) - 1
    crop = tf.function(resampling.crop, input_signature=[IMAGE, *[INTEGER] * 4])
    wanted = np.clip(image[:, 2:7, 1:9], 0, 1)
    np.testing.assert_array_equal(crop(image, 2, 1, 5, 8), wanted)


def test_noise_has_the_moments_of_that_of_images():
    """Another generator: the one thing in which a start differs between library and export."""
    noise = resampling.noise(100, 80, 3).numpy()
    assert noise.shape == (1, 100, 80, 3)
    np.testing.assert_array_equal(noise, resampling.noise(100, 80, 3))
    library = images.noise(100, 80, 3)
    np.testing.assert_allclose([noise.mean(), noise.std()], [library.mean(), library.std()], 0.02)
    assert np.abs(noise - library).mean() > 0.1
