"""Losses: Keras layers from features and targets to a scalar, and their weighted sum.

Every loss is *relative*: its error is divided by the size of its target. So a weight means the same
for every statistic, layer, network and size of image, and the default weights need no retuning.
Gatys et al. (2016) divide by constants of the layer instead (equations 1 and 4).
"""

import keras
import tensorflow as tf

from tfstyle import pyramid
from tfstyle.features.steerable_pyramid import IMAGE
from tfstyle.statistics.base import Learner
from tfstyle.targets import Targets

CHROMA = 0.4  # of the deviation of light: about that of colours
EPSILON = 1e-12  # avoids a division by zero where the target vanishes


class Loss(keras.layers.Layer):
    """A layer that takes its inputs as they are, whatever Keras' global precision."""

    def __init__(self, **kwargs):
        super().__init__(autocast=False, dtype="float32", **kwargs)


class ContentLoss(Loss):
    """Squared error of the feature maps over the target's sum of squares, mean over the layers.

    Attributes:
        in_parts: whether it is a sum over positions, so that it can be computed in blocks.
    """

    in_parts = True

    def work(self, positions, channels):
        """What one layer adds to an evaluation, in FLOPs of float32 convolutions of equal time."""
        return 0.0

    def numbers(self, positions, channels):
        """Numbers that it keeps in memory for a layer, beside features and their targets."""
        return 0.0

    def target(self, features):
        """What is remembered of the content's features: themselves, `{layer: [1, h, w, C]}`."""
        return features

    def call(self, features, targets, sizes=None, weights=()):
        """A float32 scalar from two `{layer: [1, h, w, C]}`; `features` may hold more layers.

        `sizes` are those of the whole targets, `{layer: scalar}`, where these are parts of them.
        `weights` are those of positions, `{layer: [1, h, w, 1]}`; the targets' size is without.
        """
        sizes = sizes or {layer: size(target) for layer, target in targets.items()}
        errors = {}
        for layer, target in targets.items():
            error = tf.cast(features[layer], tf.float32) - tf.cast(target, tf.float32)
            errors[layer] = size(error * tf.sqrt(weights[layer]) if weights else error)
        return sum(error / (sizes[layer] + EPSILON) for layer, error in errors.items()) / len(
            targets
        )


def size(values):
    """The sum of squares, float32."""
    return 2 * tf.nn.l2_loss(
        tf.cast(values, tf.float32)
    )  # no squares in memory, nor in its gradient


class SelfSimilarity(Loss):
    """Which places of the content are alike: it keeps structure, and leaves colour to the style.

    At each layer the cosine distances between feature vectors of different positions, each row over
    its mean, are compared with those of the content (Kolkin, Salavon & Shakhnarovich 2019, STROTSS,
    equations 6 and 7). That takes the mean absolute error; here it is the squared one, which has no
    kink where the image is the content: there a run starts. It is relative to the variation of the
    content's own distances, so a picture of which all places are equally unlike has an error of 1.

    STROTSS compares 1024 positions, others at every step. The line search of L-BFGS needs a loss
    that does not change between evaluations, and positions that are always the same show as a grid
    of dots. So all positions are compared, in groups: every r-th row and c-th column makes a group,
    of `GROUP` positions at most, and each group is compared with the one above and to its left.

    Args:
        tiled: whether the content continues at its other side, of rows, of columns: there r, or c,
            divides the side, so that a rolled picture has the same groups.
    """

    GROUP = 256
    SCALE = 0.3  # with it the style comes as near as with features, by the same content_weight
    FLAT = 1e-3  # of the root mean square length: shorter vectors have no direction
    ALIKE = 1e-3  # added to the mean distances, which a flat picture has none of
    in_parts = False

    def __init__(self, tiled=(False, False)):
        super().__init__()
        self.tiled = tiled

    def work(self, positions, channels):
        return 6.0 * positions * self.GROUP * channels

    def numbers(self, positions, channels):
        return 6.0 * positions * self.GROUP

    def target(self, features):
        """Relative distances in the content, `{layer: [1, h, w, C]}` -> `{layer: [r, c, K, K]}`."""
        return {layer: self.distances(values) for layer, values in features.items()}

    def call(self, features, targets):
        """A float32 scalar from `{layer: [1, h, w, C]}` and what `target` returned."""
        errors = [
            size(self.distances(features[layer]) - target) / (size(target - 1) + EPSILON)
            for layer, target in targets.items()
        ]
        return self.SCALE * sum(errors) / len(errors)

    def distances(self, features):
        """Cosine distances over their row's mean, `[1, h, w, C]` -> r x c groups `[r, c, K, K]`."""
        vectors = tf.cast(groups(features, self.GROUP, self.tiled), tf.float32)
        squares = tf.reduce_sum(tf.square(vectors), axis=3, keepdims=True)
        floor = self.FLAT**2 * tf.reduce_mean(squares) + EPSILON**2
        unit = vectors * tf.math.rsqrt(squares + floor)
        other = tf.roll(unit, [1, 1], axis=[0, 1])
        distances = 1 - tf.matmul(unit, other, transpose_b=True)
        return distances / (tf.reduce_mean(distances, axis=3, keepdims=True) + self.ALIKE)


def groups(features, most, tiled=(False, False)):
    """Feature vectors in groups that are spread over the map, `[1, h, w, C]` -> `[r, c, K, C]`.

    K <= `most`. Up to r - 1 rows and c - 1 columns are left out at the end, none along tiled axes.
    """
    height, width, channels = tf.unstack(tf.shape(features)[1:])
    down, across = _strides(height, width, most, tiled)
    rows, columns = height // down, width // across
    kept = tf.slice(features, [0, 0, 0, 0], [1, rows * down, columns * across, channels])
    apart = tf.reshape(kept, [rows, down, columns, across, channels])
    grouped = tf.transpose(apart, [1, 3, 0, 2, 4])
    return tf.reshape(grouped, [down, across, rows * columns, channels])


def _strides(height, width, most, tiled):
    """Of the fewest groups that are small enough the rows and columns, about as many of each."""
    down, across = tf.meshgrid(tf.range(1, height + 1), tf.range(1, width + 1), indexing="ij")
    fits = (height // down) * (width // across) <= most
    if tiled[0]:
        fits &= height % down == 0
    if tiled[1]:
        fits &= width % across == 0
    cost = tf.where(fits, down * across + tf.abs(down - across), tf.int32.max)
    best = tf.argmin(tf.reshape(cost, [-1]), output_type=tf.int32)
    return best // width + 1, best % width + 1


class StyleLoss(Loss):
    """How far the features are from the style, mean over layers.

    Args:
        statistic: a `tfstyle.statistics.base.Criterion`.
        layer_weights: `{layer: weight}`, all >= 0; only their ratios count.
    """

    def __init__(self, statistic, layer_weights, **kwargs):
        super().__init__(**kwargs)
        total = sum(layer_weights.values())
        self.statistic = statistic
        self.layer_weights = {layer: weight / total for layer, weight in layer_weights.items()}

    def call(self, features, targets, seed=0, regions=()):
        """A float32 scalar from `{layer: [1, h, w, C]}` and `{layer: target}` of that seed.

        With `regions`, `{layer: [1, h, w, N]}`, a layer has a tuple of targets. Each region counts
        by its area: then a pixel is drawn to its style as strongly as without regions.
        """
        statistic = self.statistic.seeded(seed)
        total = 0.0
        for layer, weight in self.layer_weights.items():
            if not regions:
                total += weight * statistic.loss(features[layer], targets[layer])
                continue
            for target, mask in zip(targets[layer], apart(regions[layer])):
                loss = statistic.loss(features[layer], target, mask)
                total += weight * tf.reduce_mean(mask) * loss
        return total

    def measured(self, measured, targets, seed=0, areas=()):
        """The same from what a `Statistic` has measured, `{layer: nest}`.

        With `areas`, `{layer: [N]}`, of regions, a layer has a tuple of nests.
        """
        statistic = self.statistic.seeded(seed)
        total = 0.0
        for layer, weight in self.layer_weights.items():
            if not areas:
                total += weight * statistic.relative(measured[layer], targets[layer])
                continue
            for nest, target, area in zip(measured[layer], targets[layer], areas[layer]):
                total += weight * area * statistic.relative(nest, target)
        return total

    def train(self, features, targets, seed, regions=()):
        """Training at every layer: the new targets, and the mean accuracy (see `Learner`)."""
        statistic = self.statistic.seeded(seed)
        style, accuracies = {}, []
        for layer in self.layer_weights:
            seen, target = features[layer], targets[layer]
            if regions:
                pairs = zip(target, apart(regions[layer]))
                trained = [statistic.train(seen, each, mask) for each, mask in pairs]
                style[layer] = tuple(target for target, _ in trained)
            else:
                trained = [statistic.train(seen, target)]
                style[layer] = trained[0][0]
            accuracies += [accuracy for _, accuracy in trained]
        return style, sum(accuracies) / len(accuracies)


def apart(masks):
    """The masks `[1, h, w, N]` as N of `[1, h, w, 1]`."""
    return tf.split(masks, masks.shape[-1], axis=-1)


class TotalVariation(Loss):
    """Mean length of the image's gradient, `[1, H, W, 3]` -> scalar (Rudin, Osher & Fatemi 1992).

    The length is rounded off below `SMOOTHING`: its kink at a flat image would stop a line search.

    Args:
        beta: power to which the length is raised (Mahendran & Vedaldi 2015, section 3).
    """

    SMOOTHING = 0.02

    def __init__(self, beta=1.0, **kwargs):
        super().__init__(**kwargs)
        self.beta = beta

    def call(self, image):
        # tf.slice: the gradient of image[...] is many times slower.
        height, width = tf.unstack(tf.shape(image)[1:3] - 1)
        size = [-1, height, width, -1]
        here = tf.slice(image, [0, 0, 0, 0], size)
        down = tf.slice(image, [0, 1, 0, 0], size) - here
        right = tf.slice(image, [0, 0, 1, 0], size) - here
        squared = tf.square(down) + tf.square(right) + self.SMOOTHING**2
        return tf.reduce_mean(squared ** (self.beta / 2) - self.SMOOTHING**self.beta)


class RangePenalty(Loss):
    """Mean square of what lies outside [0, 1] and will be cut off when the image is saved."""

    def call(self, image):
        return tf.reduce_mean(tf.square(tf.nn.relu(-image)) + tf.square(tf.nn.relu(image - 1)))


class Objective:
    """The weighted sum of the losses: (image, targets) -> (total, {term: weighted value}).

    Pure: everything it compares with comes in through `targets` (`tfstyle.targets.Targets`).

    Args:
        network: feature network, image -> `{layer: activations}`.
        style_loss: a `StyleLoss`, or `None` where there is no term "style".
        weights: of the terms "content", "style" and "tv"; one of weight 0 is not computed.
        tv_beta: exponent of the total variation.
        content_loss: how content is compared; by default a `ContentLoss`.
        tiled: whether the first row follows the last, and the first column the last one.
        long: pixels that a feature of the content sees, see `natural`.

    Attributes:
        names: of the terms that a call reports.
    """

    # Large enough to pull back values outside [0, 1]; zero inside.
    RANGE_WEIGHT = 100.0

    def __init__(
        self,
        network,
        style_loss,
        weights,
        tv_beta=1.0,
        content_loss=None,
        tiled=(False, False),
        long=128,
    ):
        self.network, self.style_loss, self.tiled = network, style_loss, tiled
        self.long = long
        self.content_loss = content_loss or ContentLoss()
        self.total_variation = TotalVariation(tv_beta)
        self.range_penalty = RangePenalty()
        self.weights = {name: weight for name, weight in weights.items() if weight > 0}
        self.names = (*self.weights, "range")

    def __call__(self, image, targets):
        image = targets.masks.shown(image)
        return self.of_features(image, self.network(image), targets)

    def of_features(self, image, features, targets):
        """The same for an image of which the features are known."""
        masks = targets.masks
        terms = {
            "content": lambda: self.content_error(features, targets.content, masks.content),
            "style": lambda: self.style_loss(features, targets.style, targets.seed, masks.style),
            "tv": lambda: self.total_variation(_closed(image, self.tiled)),
        }
        parts = {name: weight * terms[name]() for name, weight in self.weights.items()}
        parts["range"] = self.RANGE_WEIGHT * self.range_penalty(image)
        return sum(parts.values()), parts

    def scaled(self, change, targets):
        """A change of the image as an optimiser makes it: linear, and its own adjoint.

        Where a statistic looks at the image itself, in its units (`PortillaSimoncelli.scaled`);
        where there is no style, as photographs vary.
        """
        if self.style_loss is None:
            return natural(change, self.long)
        target = targets.style.get(IMAGE)
        scaled = getattr(self.style_loss.statistic, "scaled", None)
        return change if target is None or scaled is None else scaled(change, target)

    def content_error(self, features, targets, weights=(), **sizes):
        """The content loss; a loss without weights is asked without."""
        given = sizes | ({"weights": weights} if weights else {})
        return self.content_loss(features, targets, **given)

    def train(self, image, targets):
        """Trains the style loss on the image as it is: new targets, and the accuracy before."""
        features, masks = self.network(targets.masks.shown(image)), targets.masks
        style, accuracy = self.style_loss.train(features, targets.style, targets.seed, masks.style)
        return targets._replace(style=style), accuracy

    @property
    def is_trained(self) -> bool:
        """Whether the style loss is trained while the image changes."""
        return self.style_loss is not None and isinstance(self.style_loss.statistic, Learner)

    def learned(self, targets: Targets):
        """What the style loss has learned so far, `{layer: nest}`; nothing if it is not trained."""
        if not self.is_trained:
            return ()
        state = self.style_loss.statistic.state
        return {layer: by_region(state, target) for layer, target in targets.style.items()}

    def with_learned(self, targets: Targets, learned) -> Targets:
        """`targets`, with what the style loss has learned from others."""
        if not self.is_trained:
            return targets
        with_state = self.style_loss.statistic.with_state
        style = {
            layer: by_region(with_state, target, learned[layer])
            for layer, target in targets.style.items()
        }
        return targets._replace(style=style)


def natural(change, long):
    """A change of an image `[1, H, W, 3]`, its colours and fine waves as weak as in photographs.

    Many pictures have the same deep features. Of these an optimiser finds one that is near to where
    it begins, in the units of its steps: so they are those in which photographs vary (Olah,
    Mordvintsev & Schubert 2017, "Feature Visualization", section "Preconditioning"). Waves longer
    than `long` pixels are as strong as these. Linear, and its own adjoint.
    """
    light = tf.reduce_mean(change, axis=3, keepdims=True)
    maps = tf.transpose(light + CHROMA * (change - light), [0, 3, 1, 2])
    return tf.transpose(pyramid.falling(maps, long), [0, 2, 3, 1])


def by_region(function, *nests):
    """What a function gives for what a learner remembers: for each region, where there are some."""
    if isinstance(nests[0], tuple):
        return tuple(function(*each) for each in zip(*nests))
    return function(*nests)


def _closed(image, tiled):
    """The image with its first row, and column, once more at the end, where it is tiled."""
    for axis, is_tiled in enumerate(tiled, 1):
        if is_tiled:
            size = [1 if number == axis else -1 for number in range(4)]
            image = tf.concat([image, tf.slice(image, [0, 0, 0, 0], size)], axis=axis)
    return image
