"""Style transfer and texture synthesis as a TensorFlow module: one graph for pictures of any size.

For pipelines (`dataset.map(stylizer)`) and for export (`tfstyle.saved_model`). The pictures are
those of `tfstyle.stylize` to rounding.
"""

import hashlib

import numpy as np
import tensorflow as tf

from tfstyle import (
    checks,
    descriptor,
    images,
    packing,
    pyramid,
    schedule,
    styles,
    synthesis,
    targets,
)
from tfstyle.optimizers import base
from tfstyle.provided import provided
from tfstyle.statistics.base import Learner

INITS = ("content", "noise")
OPTIMIZERS = ("lbfgs", "adam")
KEPT_SIDE = 1024  # pixels: style pictures up to this are kept as they are

_IMAGE = tf.TensorSpec([1, None, None, 3], tf.float32)
_NUMBER = tf.TensorSpec([], tf.int32)
_BYTES = tf.TensorSpec([], tf.string)


def _signature(**specs):
    """A function of a method with these named inputs."""
    return tf.function(
        input_signature=[tf.TensorSpec(x.shape, x.dtype, name) for name, x in specs.items()]
    )


class Stylizer(tf.Module):
    """Paints any picture in the style of those that it was made with.

    Results have the size of the picture. Its functions are traced once for all sizes; they run in
    the graph from the coarsest scale to the finest and hold nothing that a server without this
    package lacks. A picture or a number that cannot be used is a `tf.errors.InvalidArgumentError`.

    Args:
        style, style_blend, content_weight, style_weight, tv_weight, content_layers, style_layers,
            style_layer_weights, statistic, features, weights, pooling, padding, precision, scales,
            style_size, background: see `tfstyle.stylize`. With a content weight of 0 and noise to
            start from it makes textures.
        optimizer: "lbfgs" or "adam"; `None` takes lbfgs, or adam for the discriminator.
        evaluations: budget where a call names none.
        init: where the image starts, "content" or "noise".
        max_size: longest side of a picture in pixels, at least 32.
        max_evaluations: most evaluations that a call may ask for.

    Raises:
        ValueError: an argument is not as described; the message begins with its name.
    """

    def __init__(
        self,
        style,
        *,
        style_blend=None,
        content_weight=1.0,
        style_weight=100.0,
        tv_weight=0.05,
        content_layers=synthesis.CONTENT_LAYERS,
        style_layers=synthesis.STYLE_LAYERS,
        style_layer_weights=None,
        statistic="gram",
        features="vgg19_compact",
        weights=None,
        pooling="average",
        padding="reflect",
        precision="auto",
        optimizer=None,
        evaluations=225,
        scales=None,
        init="content",
        style_size=None,
        background="white",
        max_size=1024,
        max_evaluations=1000,
    ):
        super().__init__(name="stylizer")
        checks.choice("init", init, INITS)
        checks.integer("max_evaluations", max_evaluations, 1)
        checks.integer("evaluations", evaluations, 1, max_evaluations)
        checks.integer("max_size", max_size, images.MIN_SIDE, int(images.MAX_PIXELS**0.5))
        schedule.levels(max_size, max_size, evaluations, scales)  # raises where there are too many
        if optimizer is not None:
            checks.choice("optimizer", optimizer, OPTIMIZERS)
        loaded = styles.load(
            style, style_blend, style_size, (max_size, max_size), images.colour(background)
        )
        built = synthesis.build(
            {"content": content_weight, "style": style_weight, "tv": tv_weight},
            content_layers,
            synthesis.layer_weights(style_layers, style_layer_weights),
            statistic,
            features,
            optimizer,
            {"weights": weights, "pooling": pooling, "padding": padding, "precision": precision},
        )
        self.evaluations, self.init = evaluations, init
        self.max_size, self.max_evaluations = max_size, max_evaluations
        self._scales, self._style_size = scales, style_size
        self._objective, self._optimizer = built.objective, built.optimizer
        self._content_layers = built.content_layers
        # The network's variables, not the network: a Keras model that is part of an exported module
        # loads in Python and nowhere else.
        weights = getattr(built.objective.network, "weights", [])  # any callable is a network
        self.network_weights = [weight.value for weight in weights]
        pictures = [images.to_pil(_kept(each)) for each in loaded]
        self.style_pictures = [tf.Variable(np.asarray(x)[None], trainable=False) for x in pictures]
        self._parts = [each.part for each in loaded]
        network = features if isinstance(features, str) else type(features).__name__
        mark = _mark(network, self._statistic, style_layers, self.network_weights)
        self._descriptor_label = f"tfstyle descriptor, {mark}\n"
        self._state_label = f"tfstyle state, {type(self._optimizer).__name__} {mark}\n"
        self._form = descriptor.Form(self._example()) if self.describes else None

    @property
    def describes(self):
        """Whether the style is all in its statistics, which it is not for a discriminator."""
        return not isinstance(self._statistic, Learner)

    def __call__(self, pictures, seed=0):
        """Stylized pictures, float32 RGB in [0, 1], of the same shape.

        Args:
            pictures: RGB `[H, W, 3]` or `[N, H, W, 3]`, uint8 or float in [0, 1].
            seed: of the noise and of what the statistic draws, int32.
        """
        pictures = tf.convert_to_tensor(pictures)
        if pictures.shape.rank not in (3, 4):
            raise ValueError(
                f"pictures: expected the shape [H, W, 3] or [N, H, W, 3], received {pictures.shape}"
            )
        batch = pictures if pictures.shape.rank == 4 else pictures[None]
        painted = self._batch(tf.image.convert_image_dtype(batch, tf.float32), seed)
        painted = tf.ensure_shape(painted, batch.shape)
        return painted if pictures.shape.rank == 4 else painted[0]

    @_signature(pictures=tf.TensorSpec([None, None, None, 3], tf.float32), seed=_NUMBER)
    def _batch(self, pictures, seed):
        return tf.map_fn(
            lambda picture: self.stylize(picture[None], self.evaluations, seed)["image"][0],
            pictures,
            parallel_iterations=1,  # one picture keeps all cores busy
        )

    @_signature(image=_IMAGE, num_steps=_NUMBER, seed=_NUMBER)
    def stylize(self, image, num_steps, seed):
        """The whole run, over all scales.

        Args:
            image: content, `[1, H, W, 3]` in [0, 1].
            num_steps: evaluations of the loss and its gradient, over all scales.
            seed: as above.

        Returns:
            image `[1, H, W, 3]`, and losses `[n, 2]` as in `tfstyle.Result`.
        """
        return self._run(image, num_steps, seed, self._measured)

    @_signature(image=_IMAGE, seed=_NUMBER)
    def describe(self, image, seed):
        """The statistics of a style at several scales.

        Args:
            image: the style, `[1, H, W, 3]` in [0, 1], as large as it is to be in the result.
            seed: of what the statistic draws.

        Returns:
            descriptor_bytes.
        """
        image = self._checked("image", image)
        size = tf.shape(image)[1:3]
        long_side = tf.reduce_max(size)
        whole = size + 2 * pyramid.margin(size)  # as large as a result of this size is painted
        enough = pyramid.MAX_LEVELS**2  # evaluations for every scale to have some
        levels = pyramid.levels(whole, enough, None)

        def at(index):
            drawn = pyramid.level_seed(seed, index)
            side = pyramid.shrunk(long_side, levels.scale[index])
            return self._form.vector(
                self._statistics([(pyramid.fitted(image, side), 1.0)], drawn)
            ), drawn

        count = tf.size(levels.number)
        vectors, seeds = tf.map_fn(
            at,
            tf.range(count - 1, -1, -1),  # finest first
            fn_output_signature=(tf.float32, tf.int64),
            parallel_iterations=1,
        )
        packed = packing.pack(self._descriptor_label, (long_side, seeds, vectors))
        return {"descriptor_bytes": packed}

    @_signature(image=_IMAGE, descriptor_bytes=_BYTES, num_steps=_NUMBER, seed=_NUMBER)
    def stylize_with(self, image, descriptor_bytes, num_steps, seed):
        """The same as `stylize`, in the style that was described.

        Args:
            image, num_steps, seed: as there; the statistic draws as it did in `describe`.
            descriptor_bytes: what `describe` returned.

        Returns:
            image and losses as there.
        """
        row = 8 + 4 * self._form.size
        label = self._descriptor_label
        count = tf.maximum(
            0, (tf.strings.length(descriptor_bytes) - len(label) - 4 - len(packing.END)) // row
        )
        form = tf.constant(0), tf.zeros([count], tf.int64), tf.zeros([count, self._form.size])
        long_side, seeds, vectors = packing.unpack(
            "descriptor_bytes", label, descriptor_bytes, form
        )

        def described(size, number, scale, seed):
            # A style larger than the result is shrunk, to a half, a quarter ...
            ratio = tf.maximum(long_side / tf.reduce_max(size), 1) / scale
            halvings = tf.cast(tf.round(tf.math.log(ratio) / np.log(2.0)), tf.int32)
            place = tf.minimum(halvings, count - 1)
            return self._form.statistics(vectors[place]), seeds[place]

        return self._run(image, num_steps, seed, described)

    @_signature(content=_IMAGE, image=_IMAGE, state_bytes=_BYTES, num_steps=_NUMBER, seed=_NUMBER)
    def step(self, content, image, state_bytes, num_steps, seed):
        """Some evaluations at the full size, from one state to the next.

        Args:
            content: `[1, H, W, 3]` in [0, 1].
            image: where to start, of the same shape; not used once there is a state.
            state_bytes: empty to start, afterwards what was returned.
            num_steps: evaluations in this call.
            seed: of what the statistic draws; the same in all calls of a run.

        Returns:
            image `[1, H, W, 3]` as it is now, state_bytes, and losses `[n, 2]` of this call.
        """
        content = self._checked("content", content)
        size = tf.shape(content)[1:3]
        image = self._checked("image", image, size)
        border = pyramid.margin(size)
        style = self._measured(size, tf.constant(0), tf.constant(1.0, tf.float64), seed)
        aims = self._aims(pyramid.reflect(content, border), *style)
        start = self._short(self._start(pyramid.reflect(image, border), aims))
        state = tf.cond(
            state_bytes == "",
            lambda: start,
            lambda: packing.unpack("state_bytes", self._state_label, state_bytes, start),
        )
        state = self._long(state, aims)
        limit = state.evaluations + self._checked_steps(num_steps)
        state, losses = self._optimizer.advance(self._objective, state, aims, limit)
        return {
            "image": pyramid.inside(state.image, border, size),
            "state_bytes": packing.pack(self._state_label, self._short(state)),
            "losses": losses,
        }

    def _run(self, image, num_steps, seed, style_at):
        """All levels, with the style that `style_at(size, number, scale, seed)` gives for each."""
        image = self._checked("image", image)
        num_steps = self._checked_steps(num_steps)
        size = tf.shape(image)[1:3]
        border = pyramid.margin(size)
        content = pyramid.reflect(image, border)
        levels = pyramid.levels(tf.shape(content)[1:3], num_steps, self._scales)
        sides = tf.stack([levels.height, levels.width], axis=1)

        def aims_at(index):
            style = style_at(size, levels.number[index], levels.scale[index], seed)
            return self._aims(pyramid.resize(content, sides[index]), *style)

        def running(index, image, losses, learned, status):
            return (index < tf.size(levels.number)) & (status != base.NOT_FINITE)

        def paint(index, image, losses, learned, status):
            aims = self._taught(aims_at(index), learned)
            state = self._start(pyramid.resize(image, sides[index]), aims)
            limit = levels.evaluations[index]
            state, new = self._optimizer.advance(self._objective, state, aims, limit)
            new += tf.cast([[tf.shape(losses)[0]] + [0] * (new.shape[1] - 1)], tf.float32)
            return (
                index + 1,
                tf.clip_by_value(state.image, 0, 1),
                tf.concat([losses, new], axis=0),
                self._learned(getattr(state, "targets", None)),
                state.status,
            )

        begin = content if self.init == "content" else pyramid.noise(sides[0], seed)
        lessons = () if self.describes else self._learned(aims_at(0))
        begin = 0, begin, tf.zeros([0, self._columns]), lessons, base.RUNNING
        shapes = tf.nest.map_structure(lambda x: tf.convert_to_tensor(x).shape, begin)
        shapes = shapes[0], _IMAGE.shape, tf.TensorShape([None, self._columns]), *shapes[3:]
        _, painted, losses, _, _ = tf.while_loop(running, paint, begin, shape_invariants=shapes)
        painted = pyramid.resize(painted, tf.shape(content)[1:3])
        return {"image": pyramid.inside(painted, border, size), "losses": losses}

    def _checked(self, name, image, size=None):
        """The image, once it is known to be one that can be worked on."""
        sides, low, high = tf.shape(image)[1:3], tf.reduce_min(image), tf.reduce_max(image)
        expected = f"{name}: expected sides from {images.MIN_SIDE} to {self.max_size}, received"
        conditions = [
            (tf.reduce_min(sides) >= images.MIN_SIDE, [expected, sides]),
            (tf.reduce_max(sides) <= self.max_size, [expected, sides]),
            # So written, it finds NaN too.
            ((low >= 0) & (high <= 1), [f"{name}: expected values in [0, 1], received", low, high]),
        ]
        if size is not None:
            same = tf.reduce_all(sides == size)
            conditions.append((same, [f"{name}: expected the size of content, received", sides]))
        return provided(image, *conditions)

    def _checked_steps(self, num_steps):
        within = (num_steps >= 1) & (num_steps <= self.max_evaluations)
        expected = f"num_steps: expected from 1 to {self.max_evaluations}, received"
        return provided(num_steps, (within, [expected, num_steps]))

    def _measured(self, size, number, scale, seed):
        """Statistics of this module's own styles beside a result of that size, and their seed."""
        drawn = pyramid.level_seed(seed, number)
        pictures = []
        for picture, part in zip(self.style_pictures, self._parts):
            own = max(picture.shape)
            long_side = self._style_size or tf.minimum(own, tf.reduce_max(size))
            picture = tf.cast(picture, tf.float32) / 255
            pictures.append((pyramid.fitted(picture, pyramid.shrunk(long_side, scale)), part))
        return self._statistics(pictures, drawn), drawn

    @property
    def _statistic(self):
        return self._objective.style_loss.statistic

    def _statistics(self, pictures, seed):
        """`{layer: target}` of pictures and their parts in the blend."""
        network, layers = self._objective.network, self._objective.style_loss.layer_weights
        measured = targets.measure(network, self._statistic, None, pictures, (), layers, seed)
        return measured.style

    def _example(self):
        """Statistics of a picture that has no symmetries."""
        noise = images.noise(2 * images.MIN_SIDE, 2 * images.MIN_SIDE, seed=0)
        return self._statistics([(noise, 1.0)], 0)

    def _aims(self, content, style, seed):
        """The targets of a level."""
        network, layers = self._objective.network, self._content_layers
        content = content if layers else None
        aims = targets.measure(network, None, content, [], layers, (), seed)
        return aims._replace(style=style)

    def _start(self, image, aims):
        parts = {name: tf.zeros([]) for name in self._objective.names}
        return self._optimizer.start(image, parts, aims)

    # What a learner has learned is in the targets, the rest of which can be measured anew.

    @property
    def _columns(self):
        return 2 if self.describes else 3

    def _learned(self, aims):
        return () if self.describes else self._objective.learned(aims)

    def _taught(self, aims, learned):
        return aims if self.describes else self._objective.taught(aims, learned)

    def _short(self, state):
        return state if self.describes else state._replace(targets=self._learned(state.targets))

    def _long(self, state, aims):
        return (
            state if self.describes else state._replace(targets=self._taught(aims, state.targets))
        )


def _kept(style):
    """The style's picture, smaller where it is large: each scale is resampled from it, once."""
    own = max(style.picture.shape)
    return style._replace(long_side=min(own, max(style.long_side, KEPT_SIDE))).at(1)


def _mark(network, statistic, layers, variables):
    """Tells apart the bytes of exports that do not understand each other."""
    digest = hashlib.sha256(b"".join(variable.numpy().tobytes() for variable in variables))
    parts = network, type(statistic).__name__, *layers, digest.hexdigest()[:8]
    return " ".join(parts)
