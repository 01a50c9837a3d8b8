"""The loss of a network: that of every picture it makes, and how different its textures are."""

from typing import Any

import tensorflow as tf

from tfstyle import levels

LEAST = 1e-4  # added to squared distances: the logarithm has no end at 0


class Painted:
    """The loss of paintings of photographs.

    Args:
        engine: a `tfstyle.engine.Engine`.
        settings: a `TrainSettings`.
        styles: as `tfstyle.inputs.load_styles` returns them.
    """

    def __init__(self, engine: Any, settings: Any, styles: list[Any]):
        level = levels.Level(0, settings.size, settings.size, 1, 1)
        style = engine.styles.kept(styles, level, settings.seed, None)
        self._aims = engine.targets({}, style, settings.seed)
        self._network, self._objective = engine.network, engine.objective
        self._content_layers, self._diversity = engine.content_layers, settings.diversity

    def __call__(self, paintings, photographs=None):
        """The mean loss of a batch, and its terms, float32 scalars.

        Args:
            paintings: `[batch, size, size, 3]`, about in [0, 1].
            photographs: of the same shape; `None` for textures.
        """
        count, photographed = paintings.shape[0], [{}] * paintings.shape[0]
        if photographs is not None:
            photographed = _apart(self._network(photographs), count, self._content_layers)
        pictures = zip(
            tf.split(paintings, count), _apart(self._network(paintings), count), photographed
        )
        losses, parts = zip(*(self._of_one(*each) for each in pictures))
        means = {name: sum(part[name] for part in parts) / count for name in parts[0]}
        total = sum(losses) / count
        if photographs is not None or not self._diversity or count == 1:
            return total, means
        entropy = self._diversity * different(paintings)
        return total - entropy, means | {"diversity": -entropy}

    def _of_one(self, painting, features, photographed):
        content = {}
        if photographed:
            content = self._objective.content_loss.target(photographed)
            content = tf.nest.map_structure(tf.stop_gradient, content)
        aims = self._aims._replace(content=content)
        return self._objective.of_features(painting, features, aims)


def _apart(features, count, layers=None):
    """Features of a batch, `{layer: [count, h, w, C]}`, as those of each picture."""
    split = {layer: tf.split(features[layer], count) for layer in layers or features}
    return [{layer: parts[number] for layer, parts in split.items()} for number in range(count)]


def different(pictures):
    """Mean logarithm of each picture's distance to the nearest other, `[batch, H, W, 3]`.

    By it the entropy of the distribution they come from is estimated (Ulyanov, Vedaldi & Lempitsky
    2017, equation 8). Distances are root mean squares.
    """
    rows = tf.reshape(pictures, [pictures.shape[0], -1])
    apart = tf.reduce_mean(tf.square(rows[:, None] - rows[None]), axis=-1)
    apart += tf.linalg.diag(tf.fill([pictures.shape[0]], 1e9))
    return tf.reduce_mean(tf.math.log(tf.reduce_min(apart, axis=1) + LEAST)) / 2
