"""The Keras layer: the loss of a run, in batches, with a gradient, and saved without pictures."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from test_api import STYLE_LAYERS, photo, stripes

from tfstyle.features import get
from tfstyle.keras import StyleLoss

SMALL = {"statistic": "gram", "style_layers": STYLE_LAYERS, "precision": "float32", "size": 64}


def test_loss_is_that_of_gram_matrices_in_numpy():
    network = get("vgg19_narrow", STYLE_LAYERS, precision="float32")

    def gram(picture, layer):
        rows = (
            network(picture[None])[layer]
            .numpy()
            .reshape(-1, network(picture[None])[layer].shape[-1])
        )
        return rows.T @ rows / len(rows)

    expected = []
    for picture in (photo(), stripes()):
        pairs = [(gram(picture, layer), gram(stripes(), layer)) for layer in STYLE_LAYERS]
        expected.append(np.mean([np.sum((a - b) ** 2) / np.sum(b**2) for a, b in pairs]))
    losses = StyleLoss(stripes(), **SMALL)(np.stack([photo(), stripes()]))
    np.testing.assert_allclose(losses, expected, rtol=1e-3, atol=1e-6)


def test_saved_model_knows_the_style_without_its_picture(tmp_path):
    image = keras.Input([64, 64, 3])
    blend = {"style_rotations": 2, "style_blend": (1, 3), "style_size": (64, 48)}
    model = keras.Model(image, StyleLoss([stripes(), photo()], **blend, **SMALL)(image))
    model.save(tmp_path / "loss.keras")
    again = keras.saving.load_model(tmp_path / "loss.keras")
    np.testing.assert_allclose(again(photo()[None]), model(photo()[None]), rtol=1e-5)
    assert not again.trainable_weights and again.output_shape == (None,)


def test_gradient_is_the_slope_of_the_loss():
    loss = StyleLoss(stripes(), **SMALL)
    picture = tf.constant(photo()[None])
    step = stripes()[None] - photo()[None]
    with tf.GradientTape() as tape:
        tape.watch(picture)
        value = loss(picture)
    slope = tf.reduce_sum(tape.gradient(value, picture) * step)
    there, back = loss(picture + 0.01 * step), loss(picture - 0.01 * step)
    np.testing.assert_allclose((there - back) / 0.02, [slope], rtol=0.02)


def test_what_makes_no_loss_is_refused():
    with pytest.raises(ValueError, match="^statistic: expected one that is known before"):
        StyleLoss(stripes(), statistic="discriminator")
    with pytest.raises(ValueError, match="^style: expected opaque pictures"):
        StyleLoss(Image.new("RGBA", (64, 64), (9, 9, 9, 128)), **SMALL)
    with pytest.raises(ValueError, match="^evaluations: unknown setting"):
        StyleLoss(stripes(), evaluations=3)
