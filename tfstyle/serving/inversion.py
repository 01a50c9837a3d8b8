"""The network that inverts a layer as a TensorFlow module: picture in, picture out."""

from typing import Any

import tensorflow as tf

from tfstyle.networks.inverter import Inverter
from tfstyle.serving import requests

_IMAGE = tf.TensorSpec([1, None, None, 3], tf.float32, "image")


class Inversion(tf.Module):
    """What a layer knows of a picture, by `tfstyle.networks.inverter.Inverter`; to be exported.

    A picture that cannot be used is a `tf.errors.InvalidArgumentError`.

    Args:
        layer: one of `tfstyle.networks.decoders.LAYERS`.
        precision: "float32", "bfloat16" or "auto".
        max_size: longest side of a picture that is accepted, in pixels.
    """

    def __init__(self, layer: str, precision: str = "auto", max_size: int = 1024):
        super().__init__(name="inversion")
        self._inverter, self.max_size = Inverter(layer, precision), max_size
        models: Any = self._inverter.network, self._inverter.decoder
        # Variables, not Keras models, which load in Python and nowhere else.
        self.network_weights = [weight.value for model in models for weight in model.weights]

    @tf.function(input_signature=[_IMAGE], autograph=False)
    def invert(self, image):
        """The picture `[1, H, W, 3]` in [0, 1] that the layer's features of another tell of."""
        image = requests.picture("image", image, self.max_size)
        return {"image": tf.ensure_shape(self._inverter(image), _IMAGE.shape)}
