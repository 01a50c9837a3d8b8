"""The caller's world: whatever Keras and TensorFlow are set to, the pictures are the same."""

import contextlib
import functools
import os
import subprocess
import sys
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_api import CONTENT_LAYERS, STYLE_LAYERS, photo, stripes

import tfstyle
from tfstyle import discriminator, engine, native_log
from tfstyle.settings import StylizeSettings

pytestmark = pytest.mark.slow

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


@contextlib.contextmanager
def another_keras():
    with (
        keras_setting("set_image_data_format", "channels_first"),
        keras_setting("set_floatx", "float64"),
    ):
        yield


@contextlib.contextmanager
def inside():
    """What a caller may be in the middle of."""
    with tf.Graph().as_default(), tf.device("/CPU:0"), tf.GradientTape():
        yield


WORLDS = {"another Keras": another_keras, "another graph": inside, "a tape": tf.GradientTape}


@functools.cache
def wanted(statistic):
    return stylize(statistic=statistic)


@pytest.mark.parametrize(
    "world, statistic",
    [*((world, "gram") for world in WORLDS), ("another Keras", "discriminator")],
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


@pytest.mark.parametrize(
    "changes",
    [
        {"tile": "xy", "color": "keep"},
        {"color": "match", "strength": 0.5, "content_mask": np.tri(48)},
        {"color": "luminance", "style_mask": np.tri(48)},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_what_is_done_to_pictures_is_the_same_within_another_graph(changes):
    expected = stylize(**changes)
    with WORLDS["another graph"]():
        image = stylize(**changes)
    np.testing.assert_array_equal(image, expected)


def test_a_call_while_a_graph_is_traced_is_refused_and_poisons_nothing():
    wanted(SETTINGS.chosen("statistic"))
    engine.forget()

    @tf.function
    def traced():
        return stylize()

    for _ in range(2):
        with pytest.raises(ValueError, match="run: expected a call outside of tf.function.*Styliz"):
            traced()
        np.testing.assert_array_equal(stylize(), wanted(SETTINGS.chosen("statistic")))


QUIET = """
import sys
from tfstyle import native_log
with native_log.hidden():
    import tensorflow
    print("seen", file=sys.stderr)
    assert tensorflow.zeros(3).shape == 3
print("seen", file=sys.stderr)
"""


def test_tensorflows_remarks_can_be_hidden():
    ran = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "seen\nseen\n")


def test_the_console_comes_back_when_the_last_thread_has_hidden_it(capfd):
    inside, ready = threading.Event(), threading.Event()

    def hides():
        with native_log.hidden():
            ready.set()
            inside.wait(10)

    other = threading.Thread(target=hides)
    other.start()
    ready.wait(10)
    with native_log.hidden():
        os.write(2, b"hidden")
    os.write(2, b"hidden")
    inside.set()
    other.join()
    os.write(2, b"shown")
    assert capfd.readouterr().err == "shown"
