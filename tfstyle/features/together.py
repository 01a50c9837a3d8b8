"""Several pictures that belong together, pixel by pixel, seen by one network.

Light to import: TensorFlow is loaded when something is computed.
"""

import dataclasses
from collections.abc import Callable, Collection
from typing import Any

from tfstyle.features.architectures import Architecture
from tfstyle.features.steerable_pyramid import SteerablePyramid


@dataclasses.dataclass(frozen=True)
class Together:
    """The features of `count` pictures side by side, as channels of one map.

    So a statistic of two channels, such as a covariance, also knows which features of one picture
    go with which of another.

    Attributes:
        network: feature network, `[N, H, W, 3]` -> `{layer: [N, h, w, C]}`.
        count: number of pictures.
    """

    network: Callable
    count: int

    def __call__(self, image: Any) -> dict[str, Any]:
        """`{layer: [1, h, w, count C]}` of an image `[1, H, W, 3 count]` in [0, 1]."""
        import tensorflow as tf

        features = self.network(tf.concat(tf.split(image, self.count, axis=3), axis=0))
        return {
            layer: tf.concat(tf.split(values, self.count, axis=0), axis=3)
            for layer, values in features.items()
        }


@dataclasses.dataclass(frozen=True)
class TogetherTable:
    """What such a network costs; see `Architecture`.

    Attributes:
        architecture: of the network.
        count: number of pictures.
    """

    architecture: Architecture | SteerablePyramid
    count: int

    @property
    def local(self) -> bool:
        return self.architecture.local

    def stride(self, layer: str) -> int:
        return self.architecture.stride(layer)

    def radius(self, layers: Collection[str]) -> int:
        return self.architecture.radius(layers)

    def shape(self, layer: str, height: int, width: int) -> tuple[int, int]:
        positions, channels = self.architecture.shape(layer, height, width)
        return positions, self.count * channels

    def flops(self, layers: Collection[str], height: int, width: int) -> float:
        return self.count * self.architecture.flops(layers, height, width)

    def memory_work(self, layers: Collection[str], height: int, width: int) -> float:
        return self.count * self.architecture.memory_work(layers, height, width)

    def activations(self, layers: Collection[str], height: int, width: int) -> int:
        return self.count * self.architecture.activations(layers, height, width)
