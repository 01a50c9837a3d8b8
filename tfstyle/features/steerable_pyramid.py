"""The steerable pyramid as a feature network. Light: TensorFlow is loaded when it is computed."""

import dataclasses
import math
from collections.abc import Collection
from typing import Any, ClassVar

IMAGE, HIGHPASS, LOWPASS = "image", "highpass", "lowpass"
COLOURS = 3
FFT = 400.0  # FLOPs of convolutions that take as long, for each number that goes through one


@dataclasses.dataclass(frozen=True)
class SteerablePyramid:
    """Bands of a picture (see `tfstyle.pyramid`), and what they cost (see `Architecture`).

    The layer `image` is the picture itself, for statistics that take it apart by themselves. A
    scale has the real part, the imaginary part and the magnitude of each colour and orientation.

    Every pixel has its part in every value: pictures cannot be worked on in blocks, nor regions be
    told apart.

    Attributes:
        scales, orientations: their numbers.
    """

    scales: int = 4
    orientations: int = 4

    local: ClassVar[bool] = False

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of all layers, from fine to coarse."""
        return IMAGE, HIGHPASS, *self._bands, LOWPASS

    @property
    def _bands(self):
        return tuple(f"scale{number}" for number in range(1, self.scales + 1))

    def stride(self, layer: str) -> int:
        """Pixels from one position of a layer to the next."""
        return 2 ** ((*self._bands, LOWPASS).index(layer) if layer not in (IMAGE, HIGHPASS) else 0)

    def radius(self, layers: Collection[str]) -> int:
        """Pixels on each side that a value of the deepest of `layers` sees more than a trace of."""
        return 4 * max(map(self.stride, layers))

    def shape(self, layer: str, height: int, width: int) -> tuple[int, int]:
        """Positions and channels of a layer's map for an image of that size."""
        stride = self.stride(layer)
        maps = 3 * self.orientations if layer in self._bands else 1
        return math.ceil(height / stride) * math.ceil(width / stride), COLOURS * maps

    def flops(self, layers: Collection[str], height: int, width: int) -> float:
        """Nothing is a convolution."""
        return 0.0

    def memory_work(self, layers: Collection[str], height: int, width: int) -> float:
        """FLOPs of float32 convolutions that take as long as the FFTs and their gradients."""
        return FFT * self.activations(layers, height, width)

    def activations(self, layers: Collection[str], height: int, width: int) -> int:
        """Numbers in all maps that are computed for `layers`."""
        seen = self.layers if set(layers) - {IMAGE} else (IMAGE,)
        return sum(math.prod(self.shape(layer, height, width)) for layer in seen)

    def seen(self, image: Any, layers: Collection[str]) -> dict[str, Any]:
        """`{layer: [N, h, w, C]}`, float32, of images `[N, H, W, 3]`; h is H over the stride."""
        import tensorflow as tf

        from tfstyle import pyramid

        image = tf.convert_to_tensor(image)
        found = {IMAGE: image}
        if set(layers) - {IMAGE}:
            height, width = tf.unstack(tf.shape(image)[1:3])
            maps = tf.reshape(tf.transpose(image, [0, 3, 1, 2]), [-1, height, width])
            highpass, bands, lowpass = pyramid.analyse(maps, self.scales, self.orientations)
            parts = {HIGHPASS: highpass[:, None], LOWPASS: lowpass[:, None]}
            parts |= {name: _parts(band) for name, band in zip(self._bands, bands)}
            found |= {name: _as_map(values) for name, values in parts.items()}
        return {layer: found[layer] for layer in layers}


def _as_map(values):
    """`[3 N, P, h, w]` -> `[N, h, w, 3 P]`."""
    import tensorflow as tf

    height, width = tf.unstack(tf.shape(values)[2:])
    values = tf.reshape(values, [-1, COLOURS * values.shape[1], height, width])
    return tf.transpose(values, [0, 2, 3, 1])


def _parts(bands):
    """Real and imaginary parts and magnitudes of `[B, K, h, w]`, `[B, 3 K, h, w]`."""
    import tensorflow as tf

    return tf.concat([tf.math.real(bands), tf.math.imag(bands), tf.abs(bands)], axis=1)


STEERABLE_PYRAMID = SteerablePyramid()
