"""Style transfer and texture synthesis as a TensorFlow module: one graph for pictures of any size.

For pipelines (`dataset.map(stylizer)`) and for export (`tfstyle.serving.saved_model`). The pictures
are those of `tfstyle.stylize` to rounding.
"""

import functools
import hashlib
from typing import Any

import tensorflow as tf

from tfstyle import api, device, engine, levels, resampling, transport
from tfstyle.features import check_settings
from tfstyle.inputs import Inputs, load_styles
from tfstyle.optimizers import base
from tfstyle.plan import Plan
from tfstyle.serving import descriptor, packing, requests
from tfstyle.serving.own_styles import OwnStyles
from tfstyle.serving.presets import FromPreset
from tfstyle.settings import StylizerSettings
from tfstyle.settings.base import keywords

_IMAGE = tf.TensorSpec([1, None, None, 3], tf.float32)
_MASK = tf.TensorSpec([1, None, None, 1], tf.float32)
_MASKS = tf.TensorSpec([1, None, None, None], tf.float32)
_NUMBER = tf.TensorSpec([], tf.int32)
_BYTES = tf.TensorSpec([], tf.string)


def _signature(**specs):
    """A function of a method with these named inputs."""
    return tf.function(
        input_signature=[tf.TensorSpec(x.shape, x.dtype, name) for name, x in specs.items()],
        autograph=False,
    )


class Stylizer(FromPreset, tf.Module):
    """Paints any picture in the style of those that it was made with.

    Results have the size of the picture. Its functions are traced once for all sizes; they run in
    the graph from the coarsest scale to the finest and hold nothing that a server without this
    package lacks. A picture or a number that cannot be used is a `tf.errors.InvalidArgumentError`.

    With a content weight of 0 and noise to start from it makes textures.

    Args:
        style: a picture or a list of pictures, see `tfstyle.stylize`.
        settings: a `tfstyle.settings.StylizerSettings`; other keyword arguments, its fields, change
            some of them.

    Raises:
        ValueError: an argument is not as described; the message begins with its name.
    """

    @keywords(StylizerSettings)
    def __init__(self, style: Any, settings: StylizerSettings | None = None, **changes: Any):
        super().__init__(name="stylizer")
        changes, objects = api.separated(changes)
        given = {name: objects.pop(name) for name in {"style_region"} & objects.keys()}
        for name in {"init", "optimizer"} & objects.keys():
            raise ValueError(f"{name}: expected a name, received an object")
        settings = (settings or StylizerSettings()).replace(**changes)
        most = settings.max_size
        levels.levels(most, most, settings.evaluations, settings.scales)  # too many are an error
        styles = load_styles(settings, style, (most, most), given)
        check_settings(settings, objects.get("features", settings.chosen("features")))
        transport.check_settings(settings, objects)
        self.settings, self._objects = settings, objects
        here = device.find()
        self._engine = engine.get(settings, engine.Parts(**objects), here)
        self.plan = self._planned(styles, here)
        # The network's variables, not the network: a Keras model that is part of an exported module
        # loads in Python and nowhere else.
        weights = getattr(self._engine.network, "weights", [])  # any callable is a network
        self.network_weights = [weight.value for weight in weights]
        if transport.is_asked(settings):
            self.chain_weights = [weight.value for weight in self._engine.chain.weights]
        self.own_styles = OwnStyles(styles)
        self._engine.check_masks(self.own_styles.have_regions, False)
        label = self._label(objects)
        self._state_label = f"tfstyle state, {type(self._engine.optimizer).__name__} {label}\n"
        is_in_statistics = self._engine.styles.describable and not transport.is_asked(settings)
        self._descriptor: Any = (
            descriptor.OfStatistics(self._engine, f"tfstyle descriptor, {label}\n")
            if is_in_statistics
            else descriptor.OfPicture(most)
        )

    def _planned(self, styles, here):
        """The plan of the largest picture, worked on whole whatever the memory of this machine."""
        most = self.settings.max_size
        inputs = Inputs(None, styles, None, (most, most))
        unlimited = here._replace(memory=float("inf"))
        return Plan.of(self.settings, inputs, unlimited, self._engine.workload)

    @property
    def _is_trained(self):
        return self._engine.objective.is_trained

    @property
    def has_masks(self) -> bool:
        """Whether there is `stylize_masked`."""
        return self._engine.takes_masks

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
            lambda picture: self.stylize(picture[None], self.settings.evaluations, seed)["image"][
                0
            ],
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
        return self._run(image, num_steps, seed)

    @_signature(
        image=_IMAGE, style_masks=_MASKS, content_mask=_MASK, num_steps=_NUMBER, seed=_NUMBER
    )
    def stylize_masked(self, image, style_masks, content_mask, num_steps, seed):
        """The same as `stylize`, with each style in its region.

        Args:
            image, num_steps, seed: as there.
            style_masks: `[1, H, W, N]` in [0, 1] for N styles, of the size of the image; where they
                add to more than 1 they are divided by their sum, where to less the image stays.
            content_mask: `[1, H, W, 1]` in [0, 1]: where the content counts.

        Returns:
            image and losses as there.
        """
        size = tf.shape(image)[1:3]
        style_masks = self._picture("style_masks", style_masks, size, len(self.own_styles.parts))
        content_mask = self._picture("content_mask", content_mask, size, 1)
        total = tf.reduce_sum(style_masks, axis=-1, keepdims=True)
        masks = style_masks / tf.maximum(total, 1.0), content_mask
        return self._run(image, num_steps, seed, masks=masks)

    @_signature(image=_IMAGE, seed=_NUMBER)
    def describe(self, image, seed):
        """What `stylize_with` has to know of a style: its statistics at several scales.

        Where these do not say all, it is the picture in 8 bits: for a discriminator, in the
        content's colours (`color` "match" or "luminance"), and at once (`method` or `init`
        "transport").

        Args:
            image: the style, `[1, H, W, 3]` in [0, 1], as large as it is to be in the result.
            seed: of what the statistic draws, where there are statistics.

        Returns:
            descriptor_bytes.
        """
        image = self._picture("image", image)
        return {"descriptor_bytes": self._descriptor.packed(image, seed)}

    @_signature(image=_IMAGE, descriptor_bytes=_BYTES, num_steps=_NUMBER, seed=_NUMBER)
    def stylize_with(self, image, descriptor_bytes, num_steps, seed):
        """The same as `stylize`, in the style that was described.

        Args:
            image, num_steps, seed: as there; statistics that were described were drawn before.
            descriptor_bytes: what `describe` returned.

        Returns:
            image and losses as there.
        """
        described = self._descriptor.unpacked(descriptor_bytes)
        return self._run(image, num_steps, seed, **described, has_grey_styles=False)

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
        content = self._picture("content", content)
        size = tf.unstack(tf.shape(content)[1:3])
        image = self._picture("image", image, tf.stack(size))
        tiling = self._engine.tiling
        level = levels.level(0, 1, *levels.with_margin(*size, tiling), num_steps, tiling)
        whole = self._bordered(content, size)
        style = self._style(self.own_styles.examples, level, size, whole, seed)
        targets = self._targets(whole, level, style)
        begin = self._engine.start(self._bordered(image, size), whole, level)
        start = self._engine.packed(self._start(begin, targets))
        state = tf.cond(
            state_bytes == "",
            lambda: start,
            lambda: packing.unpack("state_bytes", self._state_label, state_bytes, start),
        )
        state = self._engine.unpacked(state, targets)
        limit = state.evaluations + requests.steps(num_steps, self.settings.max_evaluations)
        state, losses = self._advance(state, targets, limit)
        return {
            "image": requests.finite("state_bytes", self._shown(state.image, content, level, size)),
            "state_bytes": packing.pack(self._state_label, self._engine.packed(state)),
            "losses": losses,
        }

    def _run(
        self,
        image,
        num_steps,
        seed,
        style_at=None,
        examples=None,
        has_grey_styles=True,
        masks=(None, None),
    ):
        """All levels, in the module's own styles or in what is given.

        Args:
            style_at: (level, size, content) -> what is remembered of the style, and seed.
            examples: (level, size) -> pictures of the style, in the place of that.
            has_grey_styles: whether the result may be grey where the own styles are.
            masks: those of the styles and of the content.
        """
        examples, by_region = examples or self.own_styles.examples, masks[0] is not None
        style_at = style_at or functools.partial(
            self._style, examples, seed=seed, by_region=by_region
        )
        image = self._picture("image", image)
        num_steps = requests.steps(num_steps, self.settings.max_evaluations)
        size = tf.unstack(tf.shape(image)[1:3])
        tiling = self._engine.tiling
        whole, content = levels.with_margin(*size, tiling), self._bordered(image, size)
        masks = [None if mask is None else self._bordered(mask, size) for mask in masks]
        count = requests.scales(self.settings.chosen("scales"), *whole)

        def level_at(number):
            return levels.level(number, count, *whole, num_steps, tiling)

        def targets_at(level, learned=()):
            return self._targets(content, level, style_at(level, size, content), learned, masks)

        def running(number, image, losses, learned, status):
            return (number < count) & (status != base.NOT_FINITE)

        def paint(number, image, losses, learned, status):
            level = level_at(number)
            return tf.cond(
                level.evaluations > 0,
                lambda: self._paint(level, image, content, losses, targets_at(level, learned)),
                lambda: (number + 1, image, losses, learned, status),
            )

        first, last, begin = level_at(0), level_at(count - 1), content
        if transport.is_asked(self.settings):
            begin = self._at_once(examples, last, size, content, seed, masks[0])
        if self.settings.method == "transport":  # in one step, whatever their number
            painted = self._shown(begin, image, last, size, has_grey_styles)
            return {"image": painted, "losses": tf.zeros([0, 2])}
        if self.settings.init == "noise":
            begin = resampling.noise(first.height, first.width, seed)
        learned = self._engine.objective.learned(targets_at(first)) if self._is_trained else ()
        columns = 3 if self._is_trained else 2
        begin = 0, begin, tf.zeros([0, columns]), learned, base.RUNNING
        shapes = tf.nest.map_structure(lambda x: tf.convert_to_tensor(x).shape, begin)
        shapes = shapes[0], _IMAGE.shape, tf.TensorShape([None, columns]), *shapes[3:]
        _, painted, losses, _, _ = tf.while_loop(running, paint, begin, shape_invariants=shapes)
        painted = self._engine.resized(painted, last.height, last.width)
        painted = self._shown(painted, image, last, size, has_grey_styles)
        return {"image": requests.finite("image", painted), "losses": losses}

    def _bordered(self, picture, size):
        """A picture of the result's size with its margin."""
        return resampling.reflect(picture, *levels.margins(*size, self._engine.tiling))

    def _shown(self, image, content, level, size, has_grey_styles=True):
        """The result, of that size, out of the image of the last level."""
        tiling = self._engine.tiling
        inside = resampling.crop(image, *levels.frame(level, *size, tiling))
        inside = self._engine.resized(inside, *size) if any(tiling.axes) else inside
        shown = self._engine.shown(inside, content, has_grey_styles and self.own_styles.are_grey)
        return tf.ensure_shape(shown, _IMAGE.shape)  # which a graph has forgotten

    def _paint(self, level, image, content, losses, targets):
        """One level."""
        start = self._engine.start(image, content, level)
        state = self._start(start, targets)
        state, new = self._advance(state, targets, level.evaluations)
        new += tf.cast([[tf.shape(losses)[0]] + [0] * (new.shape[1] - 1)], tf.float32)
        return (
            level.number + 1,
            tf.ensure_shape(tf.clip_by_value(targets.masks.shown(state.image), 0, 1), _IMAGE.shape),
            tf.concat([losses, new], axis=0),
            self._engine.learned(state),
            state.status,
        )

    def _picture(self, name, image, size=None, channels=3):
        return requests.picture(name, image, self.settings.max_size, size, channels)

    def _at_once(self, examples, level, size, content, seed, regions):
        """The content in a style at once, at the last level."""
        parts, seed = self.own_styles.parts, tf.cast(descriptor.seed_at(seed, level), tf.int32)
        beside = self._engine.looked_at(content, level)
        given = examples(level, size), seed, None, beside, regions is not None
        style = self._engine.chain.styles.targets(*given)
        painted = self._engine.transported(content, level, style, seed, regions, parts)
        where = self._engine.regions.masks(level, regions, parts, None, content)
        return tf.ensure_shape(where.shown(painted), _IMAGE.shape)

    def _style(self, examples, level, size, content, seed, by_region=False):
        """What is remembered of pictures of a style beside a result of that size, and seed."""
        seed, beside = descriptor.seed_at(seed, level), self._engine.beside(content, level)
        pictures = examples(level, size)
        return self._engine.styles.targets(pictures, seed, None, beside, by_region), seed

    def _targets(self, content, level, style, learned=(), masks=(None, None)):
        """The targets of a level."""
        seen = self._engine.content_targets(content, level)
        parts, (of_styles, of_content) = self.own_styles.parts, masks
        where = self._engine.regions.masks(level, of_styles, parts, of_content, content)
        return self._engine.targets(seen, *style, learned, where)

    def _start(self, image, targets):
        parts = {name: tf.zeros([]) for name in self._engine.objective.names}
        return self._engine.optimizer.start(image, parts, targets)

    def _advance(self, state, targets, limit):
        return self._engine.optimizer.advance(self._engine.objective, state, targets, limit)

    def _label(self, objects):
        """Tells apart the bytes of exports that do not understand each other."""
        network = objects.get("features", self.settings.chosen("features"))
        name = network if isinstance(network, str) else type(network).__name__
        bytes_ = b"".join(variable.numpy().tobytes() for variable in self.network_weights)
        layers, statistic = self.settings.layer_weights(), type(self._engine.statistic).__name__
        return " ".join([name, statistic, *layers, hashlib.sha256(bytes_).hexdigest()[:8]])
