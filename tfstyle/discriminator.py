"""A small network that learns to tell pixels of the style's feature maps from those of the image's.

In the place of fixed statistics: at every position of a layer a classifier looks at the C features
there and nowhere else, which is what 1x1 convolutions do; positions are forgotten as they are in a
Gram matrix. It is trained while the image is changed to fool it (Goodfellow et al. 2014), so that
whatever tells the two distributions of feature vectors apart is found and removed.

Light to import: TensorFlow is loaded when something is computed.
"""

import dataclasses
import functools
import math
from typing import Any

from tfstyle.settings import DEFAULTS
from tfstyle.settings.base import checked_fields
from tfstyle.statistics.base import Learner, importance, rows

SLOPE = 0.2  # of the leaky ReLU below 0
BETA_1, BETA_2 = 0.5, 0.99  # of Adam: shorter memories than usual, since the image changes
# The loss at equality is of the order of 1 and its slope does not vanish as a squared distance's
# does: this brings it to the style weights of the other statistics.
SCALE = 0.01
NAMES = tuple(DEFAULTS.parameters("discriminator"))
STEP = 4e8  # FLOPs of convolutions that take as long as the many small operations of a step


@dataclasses.dataclass(frozen=True)
class Discriminator(Learner):
    """The discriminators of all layers, and how they are trained.

    With no hidden layer it is logistic regression: it sees nothing but means, or with quadratic
    features means and second moments. Every hidden layer lets it see more.

    A blend of styles is a mixture: positions are drawn from each in proportion.

    Attributes:
        hidden: channels of the hidden 1x1 convolutions, at least 1 each; none is allowed.
        features: "linear", or "quadratic" for a logit with products of any two channels besides.
        image_loss: what the image is to do to the logits: "non_saturating" (look like style),
            "minimax" (the same with another slope, Goodfellow et al. 2014), "confusion" (look like
            either, Tzeng et al. 2015) or "least_squares" (Mao et al. 2017, the training too).
        steps: training steps between two steps of the image.
        every: steps of the image between two trainings.
        warm_up: more training steps before the first step of the image.
        learning_rate: of Adam.
        positions: feature vectors drawn of each kind for one step; 0 takes all.
        label_smoothing: the style is labelled 1 minus this, from 0 to 0.5.
        penalty: weight of the squared gradient at the style's features (Mescheder et al. 2018).
        seed: of the first weights and of the positions; int32 scalar.
    """

    hidden: tuple[int, ...] = DEFAULTS.discriminator_hidden
    features: str = DEFAULTS.discriminator_features
    image_loss: str = DEFAULTS.discriminator_image_loss
    steps: int = DEFAULTS.discriminator_steps
    every: int = DEFAULTS.discriminator_every
    warm_up: int = DEFAULTS.discriminator_warm_up
    learning_rate: float = DEFAULTS.discriminator_learning_rate
    positions: int = DEFAULTS.discriminator_positions
    label_smoothing: float = DEFAULTS.discriminator_label_smoothing
    penalty: float = DEFAULTS.discriminator_penalty
    seed: Any = 0

    optimizer = "adam"
    weighs = True

    def __post_init__(self):
        given = {f"discriminator_{name}": getattr(self, name) for name in NAMES}
        for name, value in checked_fields(type(DEFAULTS), **given).items():
            object.__setattr__(self, name.removeprefix("discriminator_"), value)

    def work(self, positions, channels):
        widths = (channels, *self.hidden, 1)
        layers = sum(2 * a * b for a, b in zip(widths, widths[1:]))
        if self.features == "quadratic":
            layers += 2 * channels**2
        drawn = 2 * min(self.positions or positions, positions)
        # Forward and both gradients, and those once more for the penalty.
        training = 8 * self.steps * drawn * layers / self.every
        return 2 * positions * layers + training + STEP * self.steps / self.every

    def numbers(self, positions, channels):
        return 2.0 * positions * channels  # the style's vectors, and the image's, in float32

    def seeded(self, seed):
        return dataclasses.replace(self, seed=seed)

    def target(self, features, parts, weights=None):
        """The style's feature vectors `[n, C]`, their means and deviations, a new network."""
        import tensorflow as tf

        pairs = zip(features, weights or [None] * len(features))
        samples = self._mixture([self._vectors(*each, -1) for each in pairs], parts)
        mean, variance = tf.nn.moments(samples, axes=[0])
        deviation = tf.sqrt(variance)
        shapes = [variable.shape for variable in self._network(samples.shape[1]).variables]
        return {
            "samples": samples,
            "mean": mean,
            # A channel that is silent in the style must not be blown up.
            "deviation": deviation + 0.05 * tf.reduce_mean(deviation) + 1e-6,
            "variables": [self._first(number, shape) for number, shape in enumerate(shapes)],
            "moments": [[tf.zeros(shape) for shape in shapes] for _ in range(2)],
            "steps": tf.constant(0),
        }

    def state(self, target):
        return {name: target[name] for name in ("variables", "moments", "steps")}

    def with_state(self, target, state):
        return target | state

    def loss(self, features, target, weights=None):
        """The image loss, mean over the positions, times `SCALE`."""
        import tensorflow as tf

        model = self._network(features.shape[-1])
        vectors = _normal(tf.cast(rows(features), tf.float32), target)
        logits = _logits(model, vectors, target["variables"])
        losses = _image_loss(self.image_loss, logits)
        if weights is None:
            return SCALE * tf.reduce_mean(losses)
        column = importance(weights)[:, 0]
        total = tf.reduce_sum(column)
        return SCALE * tf.math.divide_no_nan(tf.reduce_sum(column * losses), total)

    def train(self, features, target, weights=None):
        """`steps` steps of Adam."""
        import tensorflow as tf

        model = self._network(features.shape[-1])
        style = tf.ensure_shape(target["samples"], [None, features.shape[-1]])
        begin = target["steps"]
        image = self._vectors(features, weights, begin)
        end = begin + self.steps + tf.where(begin == 0, self.warm_up, 0)

        def step(number, variables, moments, accuracy):
            pair = self._draw(style, 2 * number), self._draw(image, 2 * number + 1)
            correct, gradients = self._gradients(model, variables, *pair, target)
            variables, moments = self._update(variables, moments, gradients, number + 1)
            return number + 1, variables, moments, tf.where(number == begin, correct, accuracy)

        # A graph over all image sizes has forgotten these shapes, too.
        variables, *moments = (
            _shaped(values, model) for values in (target["variables"], *target["moments"])
        )
        end, variables, moments, accuracy = tf.while_loop(
            lambda number, *_: number < end, step, (begin, variables, moments, tf.constant(0.0))
        )
        return target | {"variables": variables, "moments": moments, "steps": end}, accuracy

    def _vectors(self, features, weights, number):
        """Feature vectors of a map, float32 `[n, C]`: those that chance keeps by their weights."""
        import tensorflow as tf

        vectors = tf.cast(rows(features), tf.float32)
        if weights is None:
            return vectors
        column = importance(weights)[:, 0]
        column = tf.where(tf.reduce_any(column > 0), column, 1.0)  # of nothing no mean is known
        chance = tf.random.stateless_uniform(tf.shape(column), tf.stack([self.seed, number]))
        return tf.boolean_mask(vectors, chance < column)

    def _update(self, variables, moments, gradients, count):
        """A step of Adam."""
        from tfstyle.optimizers import adam

        updates = [
            adam.moments(gradient, *before, count, BETA_1, BETA_2, 1e-7)
            for gradient, *before in zip(gradients, *moments)
        ]
        means, squares, changes = zip(*updates)
        variables = [v - self.learning_rate * change for v, change in zip(variables, changes)]
        return variables, [list(means), list(squares)]

    def _network(self, channels):
        """The Keras model for a layer; its own variables are not used."""
        return _network(channels, self.hidden, self.features == "quadratic")

    def _mixture(self, samples, parts):
        """As many vectors of each style as its part allows, `[n, C]`."""
        import tensorflow as tf

        if len(samples) == 1:
            return samples[0]
        counts = [tf.shape(each)[0] for each in samples]
        total = tf.reduce_min([tf.cast(n, tf.float64) / part for n, part in zip(counts, parts)])
        drawn = []
        for number, (each, count, part) in enumerate(zip(samples, counts, parts)):
            seed = tf.stack([self.seed, number])
            order = tf.random.experimental.stateless_shuffle(tf.range(count), seed)
            # Not one less where rounding takes a whole number down, which a graph rounds otherwise.
            drawn.append(tf.gather(each, order[: tf.cast(total * part + 1e-6, tf.int32)]))
        return tf.concat(drawn, axis=0)

    def _first(self, number, shape):
        """The first value of a variable: He's normal kernels, biases of 0."""
        import tensorflow as tf

        if len(shape) < 4:
            return tf.zeros(shape)
        deviation = math.sqrt(2 / shape[2])
        return deviation * tf.random.stateless_normal(shape, tf.stack([self.seed, number]))

    def _draw(self, vectors, number):
        """`positions` of the vectors `[n, C]`, or all."""
        import tensorflow as tf

        if not self.positions:
            return vectors
        count = tf.shape(vectors)[0]
        shape, seed = [tf.minimum(self.positions, count)], tf.stack([self.seed, number])
        return tf.gather(vectors, tf.random.stateless_uniform(shape, seed, 0, count, tf.int32))

    def _gradients(self, model, variables, style, image, target):
        """Accuracy, and gradients of the training loss, on vectors `[n, C]` of both kinds.

        The loss is a mean over each kind: that there are more of one does not count.
        """
        import tensorflow as tf

        style, image = _normal(style, target), _normal(image, target)
        with tf.GradientTape() as tape:
            tape.watch(variables)
            with tf.GradientTape() as inner:
                inner.watch(style)
                here = _logits(model, style, variables)
            there = _logits(model, image, variables)
            loss = _training_loss(self.image_loss, here, there, self.label_smoothing)
            if self.penalty:
                slopes = tf.reduce_sum(tf.square(inner.gradient(here, style)), axis=1)
                loss += self.penalty * tf.reduce_mean(slopes)
        border = 0.5 if self.image_loss == "least_squares" else 0.0
        right = tf.concat(
            [tf.cast(here > border, tf.float32), tf.cast(there < border, tf.float32)], 0
        )
        return tf.reduce_mean(right), tape.gradient(loss, variables)


@functools.cache
def _network(channels, hidden, quadratic):
    """A model of 1x1 convolutions, `[1, h, w, C]` -> logits `[1, h, w, 1]`."""
    import keras

    x = features = keras.Input((None, None, channels))
    for width in hidden:
        x = keras.layers.Conv2D(width, 1, data_format="channels_last")(x)
        x = keras.layers.LeakyReLU(SLOPE)(x)
    logits = keras.layers.Conv2D(1, 1, data_format="channels_last")(x)
    if quadratic:  # sum over i, j of A_ij f_i f_j / C: the products themselves were C^2 maps
        mixed = keras.layers.Conv2D(channels, 1, data_format="channels_last", use_bias=False)(
            features
        )
        logits = logits + keras.ops.mean(features * mixed, axis=-1, keepdims=True)
    return keras.Model(features, logits, name=f"discriminator_{channels}")


def _shaped(values, model):
    import tensorflow as tf

    return [tf.ensure_shape(value, v.shape) for value, v in zip(values, model.variables)]


def _normal(vectors, target):
    """Feature vectors by the style's own means and deviations."""
    return (vectors - target["mean"]) / target["deviation"]


def _logits(model, vectors, variables):
    """Logits `[n]` of vectors `[n, C]`."""
    logits, _ = model.stateless_call(_shaped(variables, model), [], vectors[None, None])
    return logits[0, 0, :, 0]


def _training_loss(kind, style, image, smoothing):
    """What the discriminator minimises, from logits: style is to be classified as 1, image as 0."""
    import tensorflow as tf

    if kind == "least_squares":
        errors = tf.square(style - (1 - smoothing)), tf.square(image)
    else:
        errors = tf.nn.softplus(style) - (1 - smoothing) * style, tf.nn.softplus(image)
    return tf.reduce_mean(errors[0]) + tf.reduce_mean(errors[1])


def _image_loss(kind, logits):
    """What the image minimises at every position."""
    import tensorflow as tf

    if kind == "non_saturating":
        return tf.nn.softplus(-logits)
    if kind == "minimax":
        return -tf.nn.softplus(logits)
    if kind == "confusion":
        return (tf.nn.softplus(logits) + tf.nn.softplus(-logits)) / 2
    return tf.square(logits - 1)
