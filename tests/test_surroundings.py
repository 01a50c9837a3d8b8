"""The caller's world: whatever Keras and TensorFlow are set to, the pictures are the same."""

import contextlib
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_api import CONTENT_LAYERS, STYLE_LAYERS, photo, stripes

import tfstyle
from tfstyle import discriminator, engine
from tfstyle.settings import StylizeSettings

SETTINGS = StylizeSettings(
    size=48,
    evaluations=3,
    precision="float32",
    style_layers=STYLE_LAYERS,
    content_layers=CONTENT_LAYERS,
)


def stylize(**changes):
    return tfstyle.stylize(photo(), stripes(), SETTINGS, **changes).image


@contextlib.contextmanager
def keras_setting(name, value):
    before = getattr(keras.config, name.removeprefix("set_"))()
    getattr(keras.config, name)(value)
    try:
        yield
    finally:
        getattr(keras.config, name)(before)


WORLDS = {
    "channels first": lambda: keras_setting("set_image_data_format", "channels_first"),
    "float64": lambda: keras_setting("set_floatx", "float64"),
    "another graph": lambda: tf.Graph().as_default(),
    "a device": lambda: tf.device("/CPU:0"),
    "a tape": tf.GradientTape,
}


@functools.cache
def wanted(statistic):
    return stylize(statistic=statistic)


@pytest.mark.parametrize(
    "world, statistic",
    [*((world, "gram") for world in WORLDS), ("channels first", "discriminator")],
)
def test_pictures_are_the_same(world, statistic):
    wanted(statistic)
    engine.forget()
    discriminator._network.cache_clear()
    with WORLDS[world]():
        image = stylize(statistic=statistic)
    np.testing.assert_array_equal(image, wanted(statistic))
    engine.forget()
    discriminator._network.cache_clear()


def test_a_call_while_a_graph_is_traced_is_refused_and_poisons_nothing():
    wanted("gram")
    engine.forget()

    @tf.function
    def traced():
        return stylize()

    for _ in range(2):
        with pytest.raises(ValueError, match="run: expected a call outside of tf.function.*Styliz"):
            traced()
        np.testing.assert_array_equal(stylize(), wanted("gram"))
