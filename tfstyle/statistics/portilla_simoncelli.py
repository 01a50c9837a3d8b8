"""The joint statistics of complex wavelet coefficients of Portilla & Simoncelli."""

import math

import tensorflow as tf

from tfstyle import pyramid
from tfstyle.settings import DEFAULTS
from tfstyle.statistics.base import Statistic, blend

# Added to variances: a part of the picture's own, and of its mean square, where that is flat.
FLAT, ROUNDING, TINY = 1e-8, 1e-10, 1e-16
LIVE = 3e-4  # of the strongest colour's variance: weaker ones are rounding, and not looked at
LEAST = 1e-4  # of a group's mean square: smaller targets count as if they had that size
CHANNELS = 18  # of the pictures of a material, which are made together
RIDGE = 1e-3  # of the largest variance, added to all where covariances are compared
WORK = 20_000.0  # FLOPs of convolutions that take as long, for each value of each band
COPIES = 30.0  # maps as large as the picture that are kept for each channel and orientation
# The families of the paper: what can be left out, and what the numbers of each are called.
FAMILIES = {
    "marginals": ("skewness", "kurtosis", "lowpass_skewness", "lowpass_kurtosis"),
    "correlation": (
        *("lowpass_deviation", "lowpass_correlation", "highpass_variance"),
        "highpass_correlation",
    ),
    "magnitude": (
        *("magnitude_deviation", "magnitude_autocorrelation", "magnitude_correlation"),
        "parent_magnitude",
    ),
    "phase": ("parent_phase",),
    "colour": ("lowpass_colours",),
}
# The axes of each, a letter for one: n counts scales, l maps, k orientations, m neighbours in each
# direction, and p the real and the imaginary part.
AXES = {
    "lowpass_deviation": "nl",
    "lowpass_skewness": "nl",
    "lowpass_kurtosis": "nl",
    "lowpass_correlation": "nlmm",
    "lowpass_colours": "nll",
    "highpass_variance": "nl",
    "highpass_correlation": "nlmm",
    "magnitude_deviation": "nlk",
    "magnitude_autocorrelation": "nlkmm",
    "magnitude_correlation": "nlklk",
    "parent_magnitude": "nlklk",
    "parent_phase": "nlklpk",
}
# Those that can be of very different sizes.
SINGLE = ("lowpass_deviation", "magnitude_deviation")


class PortillaSimoncelli(Statistic):
    """Statistics of a picture's steerable pyramid: of pixels, of bands, and of bands together.

    Portilla & Simoncelli 2000, "A parametric texture model based on joint statistics of complex
    wavelet coefficients", section 2; for colour Vacher & Briand 2021 (IPOL), "The Portilla-
    Simoncelli Texture Model: towards Understanding the Early Visual Cortex". For a grey picture, 4
    scales, 4 orientations and a width of 7 these are the 710 numbers of the paper, and what their
    symmetries repeat. It is for pictures: their number grows with the channels' square.

    The pyramid is that of the style's principal colours, each in units of its deviation, and
    correlations are those within and between them. A colour that hardly varies is left out: a grey
    picture takes a third of the time.

    The paper projects onto one group of numbers after the other. Here the squared relative errors
    of all groups are added: so the small variance of the high-pass counts as much as a large one.
    The smallest and the largest value bound the pixels, by a penalty on what lies beyond them.

    A blend has the mean of the statistics. Costs some 40 N K FFTs of the picture's size a channel.

    Args:
        scales, angles: of the pyramid, N and K.
        reach: neighbours on each side in autocorrelations; the paper's M is 2 reach + 1.
        without: a family of numbers that is not compared, see `FAMILIES`; or "nothing".
    """

    def __init__(
        self,
        scales: int = DEFAULTS.portilla_simoncelli_scales,
        angles: int = DEFAULTS.portilla_simoncelli_angles,
        reach: int = DEFAULTS.portilla_simoncelli_reach,
        without: str = DEFAULTS.portilla_simoncelli_without,
    ):
        self.scales, self.angles, self.reach = scales, angles, reach
        self.without = without

    def work(self, positions, channels):
        pairs = 8.0 * positions * (channels * self.angles) ** 2
        return WORK * self.angles * positions * channels + pairs

    def numbers(self, positions, channels):
        return COPIES * self.angles * positions * channels

    def measure(self, features):
        """Float32 tensors by name, of a map `[1, h, w, C]`, of its channels as they are."""
        maps = channels_of(features)
        return self._along(maps, tf.eye(maps.shape[0]))

    def target(self, features, parts, weights=None):
        maps = [channels_of(each) for each in features]
        axes = principal(blend([covariance(each) for each in maps], parts))
        return blend([self._along(each, axes) for each in maps], parts)

    def loss(self, features, target, weights=None):
        maps = channels_of(features)
        return self.relative(self._along(maps, target["axes"]), target) + outside(maps, target)

    def scaled(self, change, target):
        """A change of a picture `[1, H, W, C]`, weakest where a style hardly varies.

        The numbers are relative: those of a weak colour, and of fine waves, change by small steps
        as much as others by large ones. So an optimiser takes its steps along the deviations of
        the style's colours, and of the octaves of the strongest. Linear, and its own adjoint.
        """
        maps = tf.einsum("bhwc,cd->bdhw", change, deviations(target["covariance"]))
        strongest = target["lowpass_deviation"][:, 0], target["highpass_variance"][0, 0]
        return tf.transpose(pyramid.shaped(maps, pyramid.amplitudes(*strongest)), [0, 2, 3, 1])

    def compared(self, features, target) -> dict:
        """`errors` of a map `[1, h, w, C]`."""
        return self.errors(self._along(channels_of(features), target["axes"]), target)

    def distance(self, measured, target):
        """The squared relative errors of all groups, added."""
        return tf.add_n(list(self.errors(measured, target).values()))

    def errors(self, measured, target) -> dict:
        """The squared relative error of each group: means, covariance, and those of `FAMILIES`."""
        names = [
            name for family, each in FAMILIES.items() for name in each if family != self.without
        ]
        found = {"mean": _of_means, "covariance": _of_covariances}
        return {name: error(measured, target) for name, error in found.items()} | {
            name: (_each if name in SINGLE else _whole)(measured[name], target[name])
            for name in names
        }

    def size(self, target):
        """The number of groups: the error of each is relative by itself."""
        groups = sum(len(names) for family, names in FAMILIES.items() if family != self.without)
        return tf.constant(2.0 + groups)

    def _along(self, maps, axes):
        """The numbers of maps `[C, h, w]`, of their pyramid along axes `[C, C]`.

        Axes of nothing, the last ones, are not looked at; their numbers are 0.
        """
        live = tf.math.count_nonzero(tf.reduce_any(axes != 0, axis=0), dtype=tf.int32)
        turned = tf.einsum("chw,cl->lhw", maps, axes[:, :live])
        bands = summary(turned, self.scales, self.angles, self.reach)
        numbers = {name: _padded(each, AXES[name], maps.shape[0]) for name, each in bands.items()}
        return pixels(maps) | numbers | {"axes": axes}


def channels_of(features):
    """A map `[1, h, w, C]` as C maps, float32 `[C, h, w]`; refuses those of a network."""
    if features.shape[-1] > CHANNELS:
        raise ValueError(
            f"statistic: expected a layer of at most {CHANNELS} channels for portilla_simoncelli, "
            f"such as image of features=steerable_pyramid, received one of {features.shape[-1]}"
        )
    return tf.transpose(tf.cast(features, tf.float32)[0], [2, 0, 1])


def pixels(maps):
    """Mean, skewness and kurtosis `[C]`, covariance `[C, C]`, and extremes `[2, C]`."""
    mean, centred = _centred(maps)
    _, skewness, kurtosis = _moments(centred, _floor(maps))
    ends = tf.reduce_min(maps, axis=[1, 2]), tf.reduce_max(maps, axis=[1, 2])
    return {
        "mean": mean[:, 0, 0],
        "covariance": covariance(maps),
        "skewness": skewness,
        "kurtosis": kurtosis,
        "extremes": tf.stack(ends),
    }


def covariance(maps):
    """Of maps `[C, h, w]`, over their positions, `[C, C]`."""
    centred = _centred(maps)[1]
    return _products(centred, centred)


def summary(maps, scales: int, orientations: int, reach: int) -> dict:
    """The numbers of a pyramid, by name, with the axes of `AXES`.

    Args:
        maps: `[L, h, w]`, float32 or float64.
        scales, orientations, reach: see `PortillaSimoncelli`.

    Returns:
        `{name: tensor}`; n is N for bands, N + 1 for low-passes, N - 1 for pairs of scales.
    """
    floor, width = _floor(maps), 2 * reach + 1
    highpass, bands, _ = pyramid.analyse(maps, scales, orientations)
    lows = pyramid.lowpasses(maps, scales)
    found = [_of_lowpass(low, floor, width) for low in lows]
    lengths = [_magnitudes(tf.math.real(band), tf.math.imag(band), floor) for band in bands]
    units = [_unit(_centred(each)[1], floor) for each in lengths]
    found += [_of_magnitudes(unit, deviation, width) for unit, deviation in units]
    found += [
        _of_parents(tf.math.real(band), unit, coarser, floor)
        for band, (unit, _), coarser in zip(bands, units, bands[1:])
    ]
    found.append(_of_highpass(highpass, floor, width))
    return {name: tf.stack([each[name] for each in found if name in each]) for name in AXES}


@pyramid.traced_once
def _of_lowpass(low, floor, width):
    """Of maps `[L, h, w]` of what is left at a scale; variances `floor` `[L]` are nothing."""
    _, centred = _centred(low)
    variance, skewness, kurtosis = _moments(centred, floor)
    unit = centred / tf.sqrt(variance)[:, None, None]
    return {
        "lowpass_deviation": tf.sqrt(variance),
        "lowpass_skewness": skewness,
        "lowpass_kurtosis": kurtosis,
        "lowpass_correlation": autocorrelation(unit, width),
        "lowpass_colours": _products(unit, unit),
    }


@pyramid.traced_once
def _of_highpass(high, floor, width):
    """Of maps `[L, h, w]` of what is finer than all scales."""
    unit, _ = _unit(high[:, None], floor)
    return {
        "highpass_variance": tf.reduce_mean(tf.square(high), axis=[1, 2]),
        "highpass_correlation": autocorrelation(unit[:, 0], width),
    }


@pyramid.traced_once
def _of_magnitudes(unit, deviation, width):
    """Of the magnitudes of bands `[L, K, h, w]` over their deviations `[L, K]`."""
    return {
        "magnitude_deviation": deviation,
        "magnitude_autocorrelation": autocorrelation(unit, width),
        "magnitude_correlation": _products(unit, unit),
    }


@pyramid.traced_once
def _of_parents(filtered, magnitudes, coarser, floor):
    """Of bands and those of the next scale, `coarser`, whose phase is doubled.

    The phase of a feature turns half as fast at the next scale (section 2.3).

    Args:
        filtered: the bands' real parts, `[L, K, h, w]`.
        magnitudes: the bands' magnitudes, centred and over their deviation.
    """
    parents = pyramid.enlarged(coarser, tf.shape(filtered)[2:])
    real, imaginary = tf.math.real(parents), tf.math.imag(parents)
    length = _magnitudes(real, imaginary, floor)
    doubled = (tf.square(real) - tf.square(imaginary)) / length, 2 * real * imaginary / length
    parts = [_unit(part, floor)[0] for part in doubled]
    above = _unit(_centred(length)[1], floor)[0]
    here = _unit(filtered, floor)[0]
    return {
        "parent_magnitude": _products(magnitudes, above),
        "parent_phase": _products(here, tf.stack(parts, axis=1)),
    }


def autocorrelation(maps, width: int):
    """Mean products with neighbours, `[..., h, w]` -> `[..., M, M]`, across the borders."""
    height, length = tf.unstack(tf.shape(maps)[-2:])
    count = tf.cast(height * length, maps.dtype)
    power = tf.square(tf.abs(pyramid.fft(maps / count)))
    down, across = (_waves(side, width, maps.dtype) for side in (height, length))
    even, odd = (
        tf.einsum("mh,...hw,nw->...mn", *(down[part], power, across[part])) for part in (0, 1)
    )
    return even - odd


def _waves(side, width, dtype):
    """Cosine and sine of all frequencies at neighbours, `[M, side]` each."""
    steps = tf.range(width) - width // 2
    turns = tf.math.floormod(steps[:, None] * tf.range(side), side)
    phases = 2 * math.pi * tf.cast(turns, dtype) / tf.cast(side, dtype)
    return tf.cos(phases), tf.sin(phases)


def _floor(maps):
    """Variances that are nothing beside that of maps `[L, h, w]`, `[L]`."""
    mean, centred = _centred(maps)
    variance = tf.reduce_mean(tf.square(centred), axis=[1, 2])
    return tf.stop_gradient(FLAT * variance + ROUNDING * tf.square(mean[:, 0, 0]) + TINY)


def _centred(maps):
    """Means and what is left, over the last two axes."""
    mean = tf.reduce_mean(maps, axis=[-2, -1], keepdims=True)
    return mean, maps - mean


def _moments(centred, floor):
    """Variance, skewness and kurtosis `[L]` of centred maps `[L, h, w]`."""
    squares = tf.square(centred)
    variance = tf.reduce_mean(squares, axis=[1, 2]) + floor
    skewness = tf.reduce_mean(squares * centred, axis=[1, 2]) / variance**1.5
    return variance, skewness, tf.reduce_mean(tf.square(squares), axis=[1, 2]) / variance**2


def _unit(maps, floor):
    """Maps `[L, K, h, w]` over their root mean squares, and those, `[L, K]`."""
    squares = tf.reduce_mean(tf.square(maps), axis=[2, 3], keepdims=True)
    size = tf.sqrt(squares + floor[:, None, None, None])
    return maps / size, size[:, :, 0, 0]


def _magnitudes(real, imaginary, floor):
    """Of complex maps `[L, K, h, w]`; their gradient is 0 where they are."""
    least = FLAT * floor[:, None, None, None]
    return tf.sqrt(tf.square(real) + tf.square(imaginary) + least)


def _products(here, there):
    """Mean products of any two maps `[..., h, w]`, with the axes of the first and the second."""
    height, width = tf.unstack(tf.shape(here)[-2:])
    rows = [tf.reshape(maps, [-1, height * width]) for maps in (here, there)]
    mean = tf.matmul(*rows, transpose_b=True) / tf.cast(height * width, here.dtype)
    shape = tf.concat([tf.shape(here)[:-2], tf.shape(there)[:-2]], axis=0)
    return tf.ensure_shape(tf.reshape(mean, shape), here.shape[:-2] + there.shape[:-2])


def principal(covariance):
    """Principal axes `[C, C]`, the strongest first, over their deviations; 0 for weak ones."""
    values, vectors = _variances(covariance)
    scale = tf.math.rsqrt(values + FLAT) * tf.cast(values >= LIVE * values[0], tf.float64)
    return tf.cast(vectors * scale, tf.float32)


def deviations(covariance):
    """The symmetric root of a covariance, over its largest; weak colours count as live ones."""
    values, vectors = _variances(covariance)
    part = tf.maximum(tf.math.divide_no_nan(values, values[0]), LIVE)
    return tf.cast(tf.matmul(vectors * tf.sqrt(part), vectors, transpose_b=True), tf.float32)


def _variances(covariance):
    """Of the principal axes, and these, float64 `[C]` and `[C, C]`, the largest first."""
    centred = tf.cast(covariance, tf.float64)
    finite = tf.reduce_all(tf.math.is_finite(centred))
    eye = tf.eye(tf.shape(centred)[0], dtype=tf.float64)
    values, vectors = tf.linalg.eigh(tf.where(finite, centred, eye))  # it raises errors else
    return tf.maximum(values[::-1], 0), vectors[:, ::-1]


def outside(maps, target):
    """The mean square of what lies beyond the target's extremes, in units of its variance."""
    lowest, highest = (target["extremes"][end, :, None, None] for end in (0, 1))
    beyond = tf.nn.relu(maps - highest) + tf.nn.relu(lowest - maps)
    variance = tf.reduce_mean(tf.linalg.diag_part(target["covariance"]))
    return tf.reduce_mean(tf.square(beyond)) / (variance + LEAST**2)


def _of_means(measured, target):
    """In units of the deviation: colours are seen by it."""
    spread = tf.linalg.trace(target["covariance"]) + LEAST**2
    spread += RIDGE * tf.reduce_sum(tf.square(target["mean"]))
    return tf.reduce_sum(tf.square(measured["mean"] - target["mean"])) / spread


def _of_covariances(measured, target):
    """Relative in every direction, down to a ridge: a weak colour counts as a strong one does."""
    wanted = target["covariance"]
    ridge = RIDGE * tf.reduce_max(tf.linalg.diag_part(wanted)) + LEAST**2
    eye = tf.eye(tf.shape(wanted)[0])
    ridged = wanted + ridge * eye
    inverse = tf.linalg.inv(tf.where(tf.math.is_finite(ridged), ridged, eye))
    error = (measured["covariance"] - wanted) @ inverse
    return tf.reduce_sum(error * tf.transpose(error)) / tf.cast(tf.shape(wanted)[0], tf.float32)


def _whole(measured, target):
    """The squared error of a group over the target's square."""
    size = tf.reduce_sum(tf.square(target)) + LEAST * tf.cast(tf.size(target), tf.float32)
    return tf.reduce_sum(tf.square(measured - target)) / size


def _each(measured, target):
    """The same, where every number is compared with itself: a weak band counts as a strong one."""
    least = tf.reduce_max(target) / 100 + LEAST
    return _whole(measured / (target + least), target / (target + least))


def _padded(value, letters, count):
    """With zeros for maps that are not there, as float32."""
    missing = [count - tf.shape(value)[axis] for axis in range(len(letters))]
    paddings = [[0, extra if each == "l" else 0] for extra, each in zip(missing, letters)]
    shape = [count if each == "l" else size for each, size in zip(letters, value.shape)]
    return tf.ensure_shape(tf.pad(tf.cast(value, tf.float32), paddings), shape)
