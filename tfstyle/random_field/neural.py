"""A random field of colours with the mean features of a network.

    Q(I) proportional to exp(-U(I)) R(I),
    U(I) = sum over layers, positions p and channels c of multipliers[c] features[p, c]

as in Lu, Zhu & Wu 2016, "Learning FRAME Models Using CNN Filters", equation 4. Their reference
measure R is white noise, from which a sampler takes thousands of steps to a picture of which
neighbours are alike. Here it is the Gaussian that has the colours and the frequencies of the
texture already: Galerne, Gousseau & Morel 2011, "Random Phase Textures". A picture is a torus.
"""

import numpy as np
import tensorflow as tf

from tfstyle import features
from tfstyle.features.vgg import untiled

ROUNDING = 1 / 255  # deviation of white noise that the reference has beside the texture's own
RIDGE = 1.0  # times the mean variance of channels, added to each: some hardly vary
PICTURES = 8  # of the reference, which tell how far positions depend on each other


class Reference:
    """The Gaussian of pictures with a texture's mean, colours and spectrum.

    Places are white noise `[B, H, W, 3]`, of which `pictures` makes pictures.

    Args:
        texture: `[h, w, 3]`, not larger than the pictures.
        size: height and width of the pictures.
    """

    def __init__(self, texture: np.ndarray, size: tuple[int, int]):
        height, width = texture.shape[:2]
        # Borders fade out: a picture that does not continue there has no spectrum of its own.
        window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])[..., None]
        mean = texture.mean((0, 1))
        axes = np.linalg.eigh(np.cov((texture - mean).reshape(-1, 3).T))[1]  # of the colours
        values = (texture - mean) @ axes
        faded = (values - (values * window).sum((0, 1)) / window.sum()) * window
        power = np.abs(np.fft.fft2(faded, size, axes=(0, 1))) ** 2
        power *= values.var((0, 1)) / (power.mean((0, 1)) + 1e-12)
        power += ROUNDING**2
        self._mean, self._axes = tf.constant(mean, tf.float32), tf.constant(axes.T, tf.float32)
        self._roots = tf.constant(np.sqrt(power).transpose(2, 0, 1), tf.complex64)

    def pictures(self, places: tf.Tensor) -> tf.Tensor:
        """Pictures float32 `[B, H, W, 3]`, about in [0, 1], from places such as those."""
        channels = tf.transpose(places, [0, 3, 1, 2])
        channels = tf.complex(channels, tf.zeros_like(channels))
        filtered = tf.math.real(tf.signal.ifft2d(tf.signal.fft2d(channels) * self._roots))
        return self._mean + tf.tensordot(tf.transpose(filtered, [0, 2, 3, 1]), self._axes, 1)


class NeuralEnergy:
    """The energy, and the means of the texture.

    Args:
        texture: `[h, w, 3]` in [0, 1].
        size: height and width of the pictures, multiples of the deepest layer's stride.
        network: its name, see `tfstyle.features.get`.
        layers: whose channels count.
        weights: of the network.
    """

    def __init__(
        self,
        texture: np.ndarray,
        size: tuple[int, int],
        network: str,
        layers: tuple[str, ...],
        weights: str | None = None,
    ):
        self.layers, self.reference = layers, Reference(texture, size)
        self._network = features.get(
            network, layers, weights=weights, precision="float32", tiled=(True, True)
        )
        seen = untiled(self._network)(tf.constant(texture[np.newaxis], tf.float32))
        self._observed = [moments(seen[layer]) for layer in layers]
        self.means = [mean[0] for mean, _ in self._observed]
        self._volumes = self._measured_volumes(size)

    def multipliers(self) -> list[tf.Tensor]:
        """Those of the reference itself, zeros `[C]` for each layer."""
        return [tf.zeros_like(mean) for mean in self.means]

    def value(self, places: tf.Tensor, multipliers: list[tf.Tensor]) -> tf.Tensor:
        """U less the logarithm of R, float32 `[B]`, of places float32 `[B, H, W, 3]`."""
        energies = tf.reduce_sum(tf.square(places), axis=(1, 2, 3)) / 2
        seen = self._network(self.reference.pictures(places))
        for layer, weights, mean in zip(self.layers, multipliers, self.means):
            # Less that of the texture, a constant: so float32 has small differences, too.
            excess = tf.tensordot(seen[layer] - mean, weights, 1)
            energies += tf.reduce_sum(excess, axis=(1, 2))
        return energies

    def _measured_volumes(self, size):
        """For each layer the positions that are about as good as one that is independent.

        So many times is the variance of means larger than if all positions were independent.
        """
        measured = []
        for number in range(PICTURES):
            places = tf.random.stateless_normal([1, *size, 3], [number, 0])
            seen = self._network(self.reference.pictures(places))
            measured.append([moments(seen[layer]) for layer in self.layers])
        volumes = []
        for layer, moments_ in zip(self.layers, zip(*measured)):
            of_means = tf.math.reduce_variance([mean for mean, _ in moments_], axis=0)
            of_one = tf.reduce_mean([tf.linalg.trace(covariance) for _, covariance in moments_])
            positions = tf.cast(tf.reduce_prod(tf.shape(seen[layer])[1:3]), tf.float32)
            volumes.append(tf.maximum(positions * tf.reduce_sum(of_means) / (of_one + 1e-12), 1))
        return volumes

    @tf.function(autograph=False)
    def learned(
        self, places: tf.Tensor, multipliers: list[tf.Tensor], rate: tf.Tensor
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Multipliers after a step up the likelihood of the texture, and the errors before it.

        The gradient is the mean of the sample less that of the texture. It is divided by about the
        curvature, as if the reference were the field: the covariance of the channels, as many of
        them respond alike, times the positions that do so together.

        Args:
            places: a sample.
            multipliers: `[C]` for each layer.
            rate: of Newton's step.

        Returns:
            Such multipliers, and for each layer the distance of the means over the texture's norm.
        """
        seen = self._network(self.reference.pictures(places))
        learned, errors = [], []
        each_layer = zip(self.layers, multipliers, self._observed, self._volumes)
        for layer, weights, observed, volume in each_layer:
            (mean, covariance), (wanted, observed_covariance) = moments(seen[layer]), observed
            errors.append(tf.norm(mean - wanted) / (tf.norm(wanted) + 1e-12))
            curvature = volume * (covariance + observed_covariance) / 2
            channels = weights.shape[0]
            ridge = RIDGE * tf.linalg.trace(curvature) / channels + 1e-12
            curvature += ridge * tf.eye(channels)
            step = tf.linalg.solve(curvature, tf.transpose(mean - wanted))
            learned.append(weights + rate * step[:, 0])
        return learned, errors


def moments(seen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean `[1, C]` and covariance `[C, C]`, float32, of maps `[B, h, w, C]`."""
    vectors = tf.reshape(seen, [-1, seen.shape[-1]])
    mean = tf.reduce_mean(vectors, axis=0, keepdims=True)
    centred = vectors - mean
    count = tf.cast(tf.shape(vectors)[0], tf.float32)
    return mean, tf.matmul(centred, centred, transpose_a=True) / count
