"""Whose colours a result has, as TensorFlow operations on sRGB images `[1, H, W, 3]` in [0, 1].

The setting `color` says it: those of the style, or the content's, in one of three ways (Gatys et
al. 2016, "Preserving color in neural artistic style transfer"; 2017, "Controlling perceptual
factors in neural style transfer").
"""

import tensorflow as tf

from tfstyle.colour import oklab, rgb_of

GREY = 2.5 / 255  # channels of a grey picture differ by no more, whatever its format
# Of a style's colours, along directions in which they vary: less is taken for rounding and noise,
# which a map onto colours that do vary there would blow up.
DEVIATION = 2 / 255
HALVINGS = 10  # in the search for the most colourful a screen has of a lightness and hue


def is_grey(image) -> tf.Tensor:
    """Whether an image has no colour."""
    spread = tf.reduce_max(image, axis=-1) - tf.reduce_min(image, axis=-1)
    return tf.reduce_max(spread) <= GREY


def grey(image) -> tf.Tensor:
    """The image in grey, as light everywhere as it was."""
    return _of_lightness(oklab(image, tf)[..., :1])


def with_chroma(image, content) -> tf.Tensor:
    """The lightness of an image with the hues and the chroma of a content of the same size.

    Where no screen has a colour so light and so colourful, it is less colourful: its lightness and
    its hue stay.
    """
    lightness, chroma = oklab(image, tf)[..., :1], oklab(content, tf)[..., 1:]

    def colour(part):
        return rgb_of(tf.concat([lightness, part * chroma], -1), tf)

    def fits(part):
        rgb = colour(part)
        return tf.reduce_all(tf.abs(rgb - 0.5) <= 0.5 + 1e-4, axis=-1, keepdims=True)

    part, step = tf.ones_like(lightness), 0.5
    most = tf.zeros_like(lightness)
    whole = fits(part)
    for _ in range(HALVINGS):
        most = tf.where(fits(most + step), most + step, most)
        step /= 2
    return tf.clip_by_value(colour(tf.where(whole, part, most)), 0, 1)


def transported(style, content) -> tf.Tensor:
    """The style with the mean and the covariance of the content's colours.

    By the linear map that moves a normal distribution onto another with the least cost (Olkin &
    Pukelsheim 1982; Pitié & Kokaram 2007, equation 7): of all that do so, the one that changes the
    colours least. Not clipped. Directions in which the style hardly varies are not blown up (see
    `DEVIATION`): there it ends with less variance than the content has.
    """
    mean, covariance = _moments(style)
    wanted, onto = _moments(content)
    values, vectors = tf.linalg.eigh(covariance)
    deviations = tf.sqrt(tf.maximum(values, DEVIATION**2))
    half, inverse = _symmetric(vectors, deviations), _symmetric(vectors, 1 / deviations)
    squares, basis = tf.linalg.eigh(half @ onto @ half)
    middle = _symmetric(basis, tf.sqrt(tf.maximum(squares, 0)))
    moved = (tf.cast(style, tf.float64) - mean) @ (inverse @ middle @ inverse) + wanted
    return tf.cast(moved, tf.float32)


def matched_grey(style, content) -> tf.Tensor:
    """The style in grey, its lightness with the content's mean and deviation."""
    there, here = (oklab(each, tf)[..., :1] for each in (style, content))
    deviations = [tf.math.reduce_std(each) for each in (there, here)]
    scale = deviations[1] / tf.maximum(deviations[0], DEVIATION)
    lightness = (there - tf.reduce_mean(there)) * scale + tf.reduce_mean(here)
    return _of_lightness(tf.clip_by_value(lightness, 0, 1))


# What `color` does to a style before it is looked at.
RECOLOURED = {
    "match": lambda style, content: tf.clip_by_value(transported(style, content), 0, 1),
    "luminance": matched_grey,
}


class Grey:
    """A feature network that sees the mean of the channels.

    So the gradient is the same for all of them, and an image that begins grey stays so.
    """

    def __init__(self, network):
        self._network = network
        self.weights = getattr(network, "weights", [])

    def __call__(self, image):
        mean = tf.reduce_mean(image, axis=-1, keepdims=True)
        return self._network(tf.repeat(mean, 3, axis=-1))


def _of_lightness(lightness):
    """The greys of a lightness `[1, H, W, 1]`, with channels that are equal to the bit."""
    none = tf.zeros_like(lightness)
    rgb = rgb_of(tf.concat([lightness, none, none], -1), tf)
    return tf.repeat(tf.clip_by_value(rgb[..., :1], 0, 1), 3, axis=-1)


def _symmetric(vectors, values):
    """The matrix with those eigenvectors and eigenvalues."""
    return tf.matmul(vectors * values, vectors, transpose_b=True)


def _moments(image):
    """Mean `[3]` and covariance `[3, 3]` of the colours, float64."""
    pixels = tf.cast(tf.reshape(image, [-1, 3]), tf.float64)
    mean = tf.reduce_mean(pixels, axis=0)
    centred = pixels - mean
    count = tf.cast(tf.shape(pixels)[0], tf.float64)
    return mean, tf.matmul(centred, centred, transpose_a=True) / count
