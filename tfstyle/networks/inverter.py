"""Pictures from the feature maps of the bundled network, by its decoders, in a few milliseconds."""

import tensorflow as tf

from tfstyle import features
from tfstyle.blocks.block import assembled
from tfstyle.blocks.grid import Grid
from tfstyle.caches import Cache
from tfstyle.features.architectures import VGG19_NARROW
from tfstyle.features.precision import policy
from tfstyle.networks import decoders

KEPT = 5  # as many as there are layers


class Inverter:
    """The bundled feature network up to a layer, and the decoder of its feature maps.

    The compact network's heads are made of the same maps.

    Args:
        layer: one of `decoders.LAYERS`.
        precision: "float32", "bfloat16" or "auto".
    """

    def __init__(self, layer: str, precision: str = "auto"):
        self.layer = layer
        self.network = features.get(VGG19_NARROW, [layer], precision=precision)
        self.decoder = decoders.get(layer, policy(precision))
        pictures = tf.TensorSpec([None, None, None, 3], tf.float32)
        self._rebuild = tf.function(
            self._seen_and_decoded, input_signature=[pictures], autograph=False
        )

    def decode(self, maps, height, width) -> tf.Tensor:
        """Pictures `[batch, height, width, 3]` in [0, 1] of feature maps `[batch, h, w, C]`.

        Height and width are those of the pictures that the maps are of, or 0 to 15 pixels less
        than a multiple of the layer's stride: the maps do not tell.
        """
        return tf.clip_by_value(self.decoder(maps)[:, :height, :width], 0, 1)

    def __call__(self, pictures, side: int | None = None) -> tf.Tensor:
        """What the layer knows of pictures.

        Args:
            pictures: float32 `[batch, H, W, 3]` in [0, 1]; H and W are at least 32.
            side: of the blocks in which large pictures are worked on, in pixels; `None`: whole.

        Returns:
            Pictures of the same shape, float32 in [0, 1].
        """
        pictures = tf.convert_to_tensor(pictures)
        if side is None:
            return self._rebuild(pictures)
        return assembled(pictures, self.grid(side), self._rebuild)

    def grid(self, side: int) -> Grid:
        """Blocks of about `side` pixels, each with all around it that its pixels depend on."""
        step = VGG19_NARROW.stride(self.layer)
        seen = VGG19_NARROW.radius([self.layer]) + decoders.radius(self.layer)
        return Grid(max(1, side // step) * step, step, -(-seen // step) * step, ())

    def _seen_and_decoded(self, pictures):
        height, width = tf.unstack(tf.shape(pictures)[1:3])
        return self.decode(self.network(pictures)[self.layer], height, width)


def get(layer: str, precision: str) -> Inverter:
    """The inverter of a layer; those that were used are kept, with their graphs."""
    return _inverters.get((layer, precision), lambda: Inverter(layer, precision))


_inverters = Cache(KEPT)
