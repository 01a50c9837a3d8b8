"""What a client may keep of a style, as bytes, in a graph: its statistics, or its picture."""

import numpy as np
import tensorflow as tf

from tfstyle import images, levels
from tfstyle.serving import packing, requests
from tfstyle.styles import Example, style_at

ENOUGH = levels.MAX_LEVELS**2  # evaluations for every level to have some
PICTURE_LABEL = "tfstyle style picture\n"


class OfStatistics:
    """The statistics of a style at several scales, which say all that counts.

    Args:
        engine: whose `styles` are `describable`.
        label: what the bytes begin with.
    """

    def __init__(self, engine, label):
        self._engine, self._label = engine, label
        noise = images.noise(2 * images.MIN_SIDE, 2 * images.MIN_SIDE, seed=0)  # no symmetries
        self._form = Form(engine.styles.description(noise, 0))

    def packed(self, image, seed) -> tf.Tensor:
        """The bytes of a picture `[1, H, W, 3]`, with what the statistic draws by that seed."""
        height, width = tf.unstack(tf.shape(image)[1:3])
        long_side = tf.maximum(height, width)
        # As large as a result of this size is painted.
        whole = levels.with_margin(height, width, self._engine.tiling)
        count = levels.default_count(*whole)

        def at(number):
            level = levels.level(number, count, *whole, ENOUGH, self._engine.tiling)
            seed_there = seed_at(seed, level)
            picture = style_at(image, long_side, level)
            nest = self._engine.styles.description(picture, seed_there)
            return self._form.vector(nest), seed_there

        vectors, seeds = tf.map_fn(
            at,
            tf.range(count - 1, -1, -1),  # finest first
            fn_output_signature=(tf.float32, tf.int64),
            parallel_iterations=1,
        )
        return packing.pack(self._label, (long_side, seeds, vectors))

    def unpacked(self, data) -> dict:
        """As `style_at` of a run: (level, size, content) -> what is remembered, and seed."""
        row, length = 8 + 4 * self._form.size, tf.strings.length(data)
        count = tf.maximum(0, (length - len(self._label) - 4 - packing.TAIL) // row)
        form = tf.constant(0), tf.zeros([count], tf.int64), tf.zeros([count, self._form.size])
        long_side, seeds, vectors = packing.unpack("descriptor_bytes", self._label, data, form)

        def described(level, whole, content):
            at = place(long_side, whole, level.shrink, count)
            own, beside = self._form.statistics(vectors[at]), self._engine.beside(content, level)
            return self._engine.styles.described(own, beside, seeds[at]), seeds[at]

        return {"style_at": described}


class OfPicture:
    """The picture of a style in 8 bits, where its statistics do not say all.

    They do not beside each content, or where what is learned looks at the features themselves.

    Args:
        most: longest side that is accepted.
    """

    def __init__(self, most):
        self._most = most

    def packed(self, image, seed) -> tf.Tensor:
        """The bytes of a picture `[1, H, W, 3]` in [0, 1]: its height, its width, its pixels."""
        pixels = tf.cast(image * 255 + 0.5, tf.uint8)
        return packing.pack(PICTURE_LABEL, (tf.shape(image)[1:3], pixels))

    def unpacked(self, data) -> dict:
        """As `examples` of a run: (level, size) -> the style's pictures."""
        padded = tf.strings.join([data, " " * (len(PICTURE_LABEL) + 8)])
        size = tf.io.decode_raw(tf.strings.substr(padded, len(PICTURE_LABEL), 8), tf.int32)
        height, width = tf.unstack(tf.clip_by_value(size, 0, self._most), 2)
        form = tf.zeros([2], tf.int32), tf.zeros([1, height, width, 3], tf.uint8)
        _, pixels = packing.unpack("descriptor_bytes", PICTURE_LABEL, data, form)
        unit = tf.cast(pixels, tf.float32) / 255
        unit = requests.picture("descriptor_bytes", unit, self._most)

        def examples(level, size):
            long_side = levels.minimum(tf.maximum(height, width), tf.reduce_max(size))
            return [Example(style_at(unit, long_side, level))]

        return {"examples": examples}


def seed_at(seed, level):
    """What a statistic draws by at a level."""
    return levels.level_seed(tf.cast(seed, tf.int64), tf.cast(level.number, tf.int64))


class Form:
    """How a nest of statistics becomes a vector and the nest again; of symmetric matrices one half.

    Args:
        nest: the statistics of some picture without symmetries, from which the form is taken.

    Attributes:
        size: of the vector.
    """

    def __init__(self, nest):
        self.nest = tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), nest)
        self._halved = [_is_symmetric(x.numpy()) for x in tf.nest.flatten(nest)]
        self._sizes = [
            spec.shape[0] * (spec.shape[0] + 1) // 2 if halved else spec.shape.num_elements()
            for spec, halved in zip(tf.nest.flatten(self.nest), self._halved)
        ]
        self.size = sum(self._sizes)

    def vector(self, nest):
        """`[size]` float32."""
        return tf.concat(
            [
                tf.gather_nd(x, _half(x.shape[0])) if halved else tf.reshape(x, [-1])
                for x, halved in zip(tf.nest.flatten(nest), self._halved)
            ],
            axis=0,
        )

    def statistics(self, vector):
        """The nest from `[size]`."""
        parts = tf.split(vector, self._sizes)
        specs = tf.nest.flatten(self.nest)
        tensors = [
            _mirrored(part, spec.shape) if halved else tf.reshape(part, spec.shape)
            for part, spec, halved in zip(parts, specs, self._halved)
        ]
        return tf.nest.pack_sequence_as(self.nest, tensors)


def place(long_side, size, shrink, count):
    """Which of the statistics of a style is the one for a level: 0 for the finest.

    A style larger than the result is shrunk, to a half, a quarter ...

    Args:
        long_side: of the style as it was described.
        size: of the result.
        shrink: of the level.
        count: of the statistics.
    """
    ratio = tf.maximum(long_side / tf.reduce_max(size), 1) * tf.cast(shrink, tf.float64)
    halvings = tf.cast(tf.round(tf.math.log(ratio) / np.log(2.0)), tf.int32)
    return tf.minimum(halvings, count - 1)


def _is_symmetric(x):
    square = x.ndim == 2 and x.shape[0] == x.shape[1] > 1
    return square and np.allclose(x, x.T, rtol=1e-4, atol=1e-5 * np.abs(x).max())


def _half(side):
    """Indices `[n, 2]` of the upper half; made in the graph, where it is no constant to store."""
    return tf.where(tf.linalg.band_part(tf.ones([side, side]), 0, -1) > 0)


def _mirrored(half, shape):
    upper = tf.scatter_nd(tf.cast(_half(shape[0]), tf.int32), half, shape)
    return upper + tf.transpose(upper) - tf.linalg.diag(tf.linalg.diag_part(upper))
