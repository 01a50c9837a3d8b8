"""The style loss as a Keras layer, for training networks of your own."""

import functools
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfstyle import device, features, images, losses, registry, statistics, targets
from tfstyle.inputs import load_styles
from tfstyle.messages import shown
from tfstyle.settings import TextureSettings
from tfstyle.settings.base import refuse_unknown

# Settings that the loss depends on; to these come those of the statistic.
USED = (
    *("style_blend", "style_size", "style_rotations", "background", "size", "seed"),
    *("features", "weights", "pooling", "padding", "precision"),
    *("statistic", "style_layers", "style_layer_weights"),
)
# Settings with a value for each of the pictures, and their defaults.
OF_PICTURES: dict[str, Any] = {"style_blend": None, "style_size": None, "style_rotations": 1}


@keras.saving.register_keras_serializable("tfstyle")
class StyleLoss(keras.layers.Layer):
    """How far pictures are from a style: `[N, H, W, 3]` in [0, 1] -> `[N]`, float32, at least 0.

    It is the style loss of `tfstyle.stylize`, relative to the size of the style's own statistics:
    0 for the style itself, about 1 for a picture without features. Differentiable, and
    deterministic. What it knows of the style are its weights, which are not trained: a saved model
    needs no picture.

    Args:
        style: a picture or a list of pictures, see `tfstyle.stylize`; nothing for a layer whose
            weights are loaded.
        changes: those settings of `tfstyle.synthesize_texture` that a style loss depends on:
            `statistic` and its own, `features`, `style_layers`, `style_layer_weights`, `size` (of
            the pictures that will come, for the size of the style beside them), `style_size`,
            `style_blend`, `style_rotations`, `weights`, `pooling`, `padding`, `precision`, `seed`.

    Raises:
        ValueError: another setting; a statistic that learns; or a value that cannot be used.

    Example:
        >>> loss = tfstyle.keras.StyleLoss("examples/styles/strokes.jpg", size=64)
        >>> style = tfstyle.images.load("examples/styles/strokes.jpg")
        >>> near, far = loss(tfstyle.images.resize(style, 64, 64)), loss(np.zeros([1, 64, 64, 3]))
        >>> bool(near[0] < 0.1 < far[0])
        True
    """

    def __init__(self, style: Any = None, *, name=None, **changes: Any):
        super().__init__(name=name, trainable=False, autocast=False, dtype="float32")
        settings = TextureSettings().replace(**changes)
        statistic = settings.chosen("statistic")
        if statistic in registry.LEARNERS:
            raise ValueError(
                "statistic: expected one that is known before, for a Keras layer, received "
                f"{shown(statistic)}, which learns"
            )
        refuse_unknown(changes, (*USED, *(x for x in changes if x.startswith(f"{statistic}_"))))
        self.changes, self.settings = changes, settings
        features.check_settings(settings, settings.chosen("features"))
        self.network = features.get(
            settings.chosen("features"),
            settings.layers(),
            precision=device.find().precision(settings.precision),
            **settings.select(("weights", "pooling", "padding")),
        )
        if isinstance(self.network, keras.Model):
            self.network.trainable = False
        self.loss = losses.StyleLoss(statistics.get(statistic, settings), settings.layer_weights())
        if style is None:  # any picture will do, for the form of the weights
            style, settings = images.noise(64, 64, seed=0), settings.replace(**OF_PICTURES)
        with device.eagerly():
            form = self._remember(style, settings)
        self._packed = functools.partial(tf.nest.pack_sequence_as, form)
        self.built = True

    def _remember(self, style, settings):
        """Makes weights of what is remembered of the style; gives the nest that they are from."""
        size = settings.size
        size = (size, size) if isinstance(size, int) else size[::-1]
        styles = load_styles(settings, style, size)
        if any(each.region is not None for each in styles):
            raise ValueError(
                "style: expected opaque pictures for a Keras layer, received transparent ones: "
                "cut them to what is to be seen"
            )
        pictures = [(tf.convert_to_tensor(each.resized()), each.part) for each in styles]
        nest = targets.style(
            *(self.network, self.loss.statistic, pictures, settings.layers(), settings.seed)
        )
        self.remembered = [
            self.add_weight(
                name=f"style_{number}",
                shape=value.shape,
                dtype=value.dtype.name,
                initializer=keras.initializers.Constant(value.numpy()),
                trainable=False,
            )
            for number, value in enumerate(tf.nest.flatten(nest))
        ]
        return tf.nest.map_structure(lambda value: 0, nest)

    def call(self, pictures):
        """The loss of each picture, `[N]`, from `[N, H, W, 3]` in [0, 1]; H and W at least 32."""
        remembered = self._packed([weight.value for weight in self.remembered])

        def of_one(picture):
            seen = self.network(picture[None])
            return self.loss(seen, remembered, seed=self.settings.seed)

        pictures = tf.cast(pictures, tf.float32)
        return tf.map_fn(of_one, pictures, parallel_iterations=1)  # one keeps all cores busy

    def compute_output_shape(self, input_shape):
        return input_shape[:1]

    def get_config(self) -> Mapping[str, Any]:
        return {"name": self.name, **self.changes}
