"""What trained networks make: paintings of photographs of any size, and textures."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfstyle import images, resampling
from tfstyle.blocks.block import assembled
from tfstyle.blocks.grid import Grid
from tfstyle.inputs import alpha_of, fitted
from tfstyle.levels import output_size
from tfstyle.networks import texture_network
from tfstyle.networks.trained import Trained
from tfstyle.settings.training import ApplySettings

WHOLE = 2**21  # pixels of a picture that is looked at at once
SIDE = 1024  # of the blocks of larger ones
TEXTURE = 512  # side of a texture, where none is asked for
TILED = (True, True)
# Of films: frames from one measurement of the statistics to the next, how much of what is new in
# them is taken over, the mean change of a pixel that is a cut, and a change that is none.
EVERY, FOLLOWED, CUT, NOISE = 8, 0.25, 0.15, 6 / 255


class Made(NamedTuple):
    """A picture that a network made.

    Attributes:
        image: float32 `[1, H, W, 3]` in [0, 1].
        alpha: transparency of the photograph, `[1, H, W, 1]`; `None` where it is opaque.
        metadata: of the photograph.
    """

    image: np.ndarray
    alpha: np.ndarray | None = None
    metadata: images.Metadata = images.Metadata()


class Applier:
    """A trained network that makes pictures.

    Args:
        trained: the network.
        whole: pixels of a picture that is made at once; larger ones are made in blocks, paintings
            with the statistics of the whole photograph, brought down to so many pixels.
        side: of the blocks.
    """

    def __init__(self, trained: Trained, whole: int = WHOLE, side: int = SIDE):
        self.trained, self.whole, self.side = trained, whole, side
        self._network = trained.network
        given = self._network.signature  # of any size, so that a graph is built once
        self._paint = tf.function(self._painted, reduce_retracing=True, autograph=False)
        self._paint_whole = tf.function(
            lambda given: self._painted(given, None), input_signature=[given], autograph=False
        )
        self._measure = tf.function(
            lambda given: self._network(given)[1], input_signature=[given], autograph=False
        )

    def __call__(self, content: Any, settings: ApplySettings) -> Made:
        """A painting of a photograph, or a texture.

        Args:
            content: see `tfstyle.images.load`; `None` for a texture.

        Raises:
            ValueError: a picture that cannot be used, or one too many.
        """
        if self.trained.kind == "texture":
            if content is not None:
                raise ValueError(
                    "content: expected none, since the model makes textures of noise, received one"
                )
            size = output_size(1, 1, settings.size or TEXTURE)
            return Made(self.texture(*size, settings.seed))
        if content is None:
            raise ValueError("content: expected a picture, which the model paints, received none")
        background = images.colour(settings.background)
        photo = images.read(content, "content")
        height, width = photo.pixels.shape[1:3]
        asked = settings.size or (width, height)
        settings, size = settings.replace(size=asked), output_size(height, width, asked)
        picture = fitted(photo.over(background), size, settings, background)
        image = self.painted(images.resize(picture, *size))
        return Made(image, alpha_of(photo, size, settings), photo.metadata)

    def painted(self, picture: np.ndarray) -> np.ndarray:
        """A painting of the same shape of a photograph, float32 `[1, H, W, 3]` in [0, 1]."""
        photograph = tf.constant(picture)
        if picture[..., 0].size <= self.whole:
            return self._paint_whole(photograph).numpy()
        return self._with(self._statistics(photograph), photograph)

    def frames(self, pictures: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Paintings of the frames of a film, of the same shape.

        The statistics of a network depend on the whole frame: what moves somewhere would change the
        colours everywhere. So they follow slowly, and are measured now and then; at a cut anew. And
        pixels that hardly change stay as they were: of their noise other strokes would be made.
        """
        statistics: Any = None
        last: Any = None
        for number, picture in enumerate(pictures):
            is_cut = last is None or np.abs(picture - last).mean() > CUT
            if not is_cut:
                rests = np.abs(picture - last).max(axis=-1, keepdims=True) < NOISE
                picture = np.where(rests, last, picture)
            frame = tf.constant(picture)
            if is_cut:
                statistics = self._statistics(frame)
            elif number % EVERY == 0:
                now = self._statistics(frame)
                statistics = tf.nest.map_structure(
                    lambda old, new: old + FOLLOWED * (new - old), statistics, now
                )
            last = picture
            yield self._with(statistics, frame)

    def _statistics(self, photograph):
        """Those of the whole, brought down to so many pixels as are looked at at once."""
        height, width = photograph.shape[1:3]
        shrink = min(1.0, (self.whole / (height * width)) ** 0.5)
        small = resampling.resize(photograph, int(shrink * height), int(shrink * width))
        return self._measure(small)

    def _with(self, statistics, photograph):
        """A painting with given statistics, in blocks."""
        stride = self._network.stride
        halo = -(-self._network.radius // stride) * stride
        grid = Grid(max(1, self.side // stride) * stride, stride, halo, ())
        return assembled(photograph, grid, lambda part: self._paint(part, statistics)).numpy()

    def texture(self, height: int, width: int, seed: int) -> np.ndarray:
        """A texture, float32 `[1, height, width, 3]` in [0, 1], which continues at its other side.

        It is made in the next multiples of the network's stride, and brought to its size. A large
        one is made in blocks, with the statistics of one of the size of a block.
        """
        stride = self._network.stride
        rows, columns = (-(-side // stride) for side in (height, width))
        noise = texture_network.noise(1, stride * rows, stride * columns, seed)
        if stride**2 * rows * columns <= self.whole:
            image = self._paint_whole(noise)
        else:
            image = self._woven(noise, rows, columns, seed)
        return resampling.resize(image, height, width, TILED).numpy()

    def _woven(self, noise, rows, columns, seed):
        """A texture of so many cells, each of the network's stride, in blocks."""
        stride = self._network.stride
        side, halo = max(1, self.side // stride), -(-self._network.radius // stride)
        small = texture_network.noise(1, stride * side, stride * side, seed)
        statistics, image = self._measure(small), []
        for top in range(0, rows, side):
            row, height = [], min(side, rows - top)
            for left in range(0, columns, side):
                width = min(side, columns - left)
                around = top - halo, left - halo, height + 2 * halo, width + 2 * halo
                block = self._paint(texture_network.part(noise, *around), statistics)
                row.append(resampling.without(block, stride * halo, stride * halo))
            image.append(tf.concat(row, axis=2))
        return tf.concat(image, axis=1)

    def _painted(self, given, statistics):
        return tf.clip_by_value(self._network(given, statistics=statistics)[0], 0, 1)
