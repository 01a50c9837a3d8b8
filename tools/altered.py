"""Runs with something changed that no setting changes, for `tools/grain`."""

import dataclasses
import functools
import unittest.mock

import keras
import numpy as np
import tensorflow as tf

from tfstyle import engine, images, registry
from tfstyle.features import vgg

ROUND = 0.1  # of a map's root mean square: where a rounded ReLU is no ReLU
STARTS, EVALUATIONS = 8, 25  # of jittered runs, after the first part


def result(name: str, cell):
    """The result of a cell's run, changed as `ALTERED` says.

    Args:
        name: of a change; with any other name the run is as it is.
        cell: a `tfstyle.evaluation.comparison.Cell`.
    """
    if name not in ALTERED:
        return cell.run().complete()
    engine.forget()  # those that are kept know of no change
    made = ALTERED[name](cell)
    engine.forget()
    return made


def within(change, cell):
    """The result of a cell's run within a context."""
    with change():
        return cell.run().complete()


def waves():
    """Fourier variables, see `tools/fourier`."""
    return unittest.mock.patch.dict(registry.OPTIMIZERS, lbfgs="tools.fourier:LBFGS")


def rounded():
    """A ReLU without a kink: x times a sigmoid that is steep beside the map's values."""

    def activation(x):
        squares = tf.reduce_mean(tf.square(tf.cast(x, tf.float32)), axis=(1, 2), keepdims=True)
        width = tf.stop_gradient(ROUND * tf.sqrt(squares) + 1e-6)
        return x * tf.sigmoid(x / tf.cast(width, x.dtype))

    return unittest.mock.patch.object(vgg, "ACTIVATION", activation)


def antialiased():
    """Pooling by 1, 3, 3, 1 (Zhang 2019, "Making convolutional networks shift-invariant again")."""

    def pool(_pooling, _padding, name, dtype):
        def apply(x):
            for stride in (1, 1, 2):
                x = keras.layers.AveragePooling2D(2, stride, "same", dtype=dtype)(x)
            return keras.layers.Identity(name=name)(x)

        return apply

    return unittest.mock.patch.object(vgg, "_pool", pool)


def jittered(cell):
    """A run whose picture moves by a pixel, or not, each time that the optimiser begins anew.

    A content moves with it. The same number of evaluations as without.
    """
    rng, rest = np.random.default_rng(0), STARTS * EVALUATIONS
    settings = cell.settings
    first = settings.replace(evaluations=settings.chosen("evaluations") - rest)
    made = dataclasses.replace(cell, settings=first).run().complete()
    again = settings.replace(evaluations=EVALUATIONS, scales=1)
    content, seconds = cell.pictures.get("content"), made.seconds
    for move in rng.integers(0, 2, (STARTS, 2)):
        pictures = cell.pictures | {"init": np.roll(made.image, move, (1, 2))}
        if content is not None:
            small = images.resize(images.load(content), *made.image.shape[1:3])
            pictures["content"] = np.roll(small, move, (1, 2))
        made = dataclasses.replace(cell, settings=again, pictures=pictures).run().complete()
        made = dataclasses.replace(made, image=np.roll(made.image, -move, (1, 2)))
        seconds += made.seconds
    return dataclasses.replace(made, seconds=seconds)


WAVES, ROUNDED, ANTIALIASED = "Fourier variables", "rounded ReLU", "anti-aliased pooling"
JITTER = "jitter"
ALTERED = {
    WAVES: functools.partial(within, waves),
    ROUNDED: functools.partial(within, rounded),
    ANTIALIASED: functools.partial(within, antialiased),
    JITTER: jittered,
}
