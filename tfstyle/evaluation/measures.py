"""What no loss here looks at: grain, palette and order of a picture beside those of its style.

A style is a list of (picture `[1, H, W, 3]` in [0, 1] at the size at which it was looked at, its
part in the blend); parts add to 1. NumPy is all that this takes.
"""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tfstyle.colour import LUMINANCE_AND_CHROMA, oklab

# Grain. Of colours as JPEG has them: they are linear, so that noise counts alike in the dark and in
# the light, and of length 1 at the most.
PATCH, STRIDE = 32, 16  # pixels
FINE = 0.35  # cycles a pixel; the finest mesh along an axis has 0.5
ROUNDING = 1 / 255**2 / 12  # variance of what rounding to 8 bits adds to a channel

# Palette.
COLOURS = 65536  # pixels looked at, in each picture
ROTATIONS, LEVELS = 8, 1024

# Structure.
REACH = 3  # lags up to the shorter side over this
FALLEN = 0.1  # correlation, mean over all directions, at which a pixel's own neighbourhood ends
PEAK, PEAKS = 0.2, 10  # the least height of a peak, and how many
APART = 3  # pixels around a peak with nothing higher
TOLERANCE = 2  # pixels that a peak of the picture may be off


class Grain(NamedTuple):
    """Energy of the finest octave over the style's, at percentiles over the patches."""

    luminance_25: float
    luminance_50: float
    chroma_25: float
    chroma_50: float


def grain(image, styles) -> Grain:
    """How much more fine mesh and noise a picture has than its style; 1 is as much.

    Percentiles, since one half of a picture full of leaves would hide a mesh in the sky from any
    mean. Both sides of a ratio are raised by the energy of rounding to 8 bits, so that a style
    without any, such as a drawing in grey, leaves the ratio finite.

    Args:
        image: picture `[1, H, W, 3]` in [0, 1].
        styles: see above.
    """
    found = []
    for axes in (LUMINANCE_AND_CHROMA[:1], LUMINANCE_AND_CHROMA[1:]):
        floor = ROUNDING * np.mean(_fine()) * np.sum(axes**2)
        here = _quantiles([(_energies(image, axes), 1.0)], (0.25, 0.5))
        there = _quantiles([(_energies(style, axes), part) for style, part in styles], (0.25, 0.5))
        found += [float(ratio) for ratio in (here + floor) / (there + floor)]
    return Grain(*found)


def _energies(image, axes):
    """Of each patch, the variance that the fine frequencies add along some axes of RGB, `[n]`."""
    planes = np.moveaxis(np.asarray(image[0], np.float64) @ axes.T, -1, 0)
    lacking = [(0, max(0, PATCH - side)) for side in planes.shape[1:]]
    planes = np.pad(planes, [(0, 0), *lacking], mode="symmetric")
    hann = np.sin(np.pi * np.arange(PATCH) / PATCH) ** 2
    window = np.outer(hann, hann) / np.sqrt(PATCH**2 * np.sum(np.outer(hann, hann) ** 2))
    patches = sliding_window_view(planes, (PATCH, PATCH), axis=(1, 2))
    rows = np.moveaxis(patches[:, ::STRIDE, ::STRIDE], 1, 0)  # one at a time, to save memory
    return np.concatenate(
        [np.sum(_fine() * np.abs(np.fft.fft2(row * window)) ** 2, axis=(0, 2, 3)) for row in rows]
    )


def _fine():
    """Which frequencies of a patch count, `[PATCH, PATCH]`."""
    frequency = np.fft.fftfreq(PATCH)
    return np.hypot(frequency[:, np.newaxis], frequency) >= FINE


def palette(image, styles) -> float:
    """How far the colours of a picture have to be moved to become those of its style.

    The sliced Wasserstein distance (Rabin et al. 2011) of order 2 in OKLab, times the root of the
    dimensions, 3: it is what W2 is where all colours are shifted alike or spread about their mean,
    and never more than W2. Times 100: between flat colours, 2 is just visible (CSS Color 4).

    Args:
        image, styles: see `grain`.
    """
    beside = [(_colours(style), part) for style, part in styles]
    return 100 * transport([(_colours(image), 1.0)], beside)


def _colours(image):
    """OKLab of pixels at random positions, or of all, `[n, 3]`."""
    pixels = np.reshape(image, (-1, 3))
    if len(pixels) > COLOURS:
        pixels = pixels[np.random.default_rng(0).choice(len(pixels), COLOURS, replace=False)]
    return oklab(pixels)


def transport(points, others) -> float:
    """Sliced W2 between two mixtures in three dimensions, times the root of 3.

    Args:
        points, others: lists of (points `[n, 3]`, part).
    """
    levels = (np.arange(LEVELS) + 0.5) / LEVELS
    normal = np.random.default_rng(0).standard_normal((ROTATIONS, 3, 3))
    # Three at right angles each time: whatever the number, a shift is measured exactly.
    directions = np.linalg.qr(normal)[0].reshape(-1, 3)
    squares = []
    for direction in directions:
        here, there = (
            _quantiles([(each @ direction, part) for each, part in mixture], levels)
            for mixture in (points, others)
        )
        squares.append(np.mean((here - there) ** 2))
    return float(np.sqrt(3 * np.mean(squares)))


def _quantiles(mixture, levels):
    """Those of a mixture of samples, a list of (values `[n]`, part)."""
    values = np.concatenate([each for each, _ in mixture])
    weights = np.concatenate([np.full(len(each), part / len(each)) for each, part in mixture])
    order = np.argsort(values)
    weights = weights[order]
    return np.interp(levels, np.cumsum(weights) - weights / 2, values[order])


def structure(image, styles) -> float | None:
    """How much of what repeats in a style repeats at the same distances in a texture of it.

    That is the lags at which the autocorrelation of the style's lightness peaks, and how high that
    of the picture comes there, together, with `TOLERANCE`: 1 where it comes as high, 0 where it
    stays at 0. Weaves and bricks have such peaks, pebbles have none. The autocorrelation knows the
    power spectrum and nothing else: a picture with the same spectrum and other phases has them too.

    Args:
        image, styles: see `grain`.

    Returns:
        From 0 to 1; `None` where nothing repeats, and for several styles at once.
    """
    if len(styles) > 1:
        return None
    style = styles[0][0]
    reach = min(*image.shape[1:3], *style.shape[1:3]) // REACH
    wanted, found = (autocorrelation(oklab(p[0])[..., 0], reach) for p in (style, image))
    peaks = _peaks(wanted)
    if not len(peaks):
        return None
    height = wanted[tuple(peaks.T)]
    reached = _highest(found, TOLERANCE)[tuple(peaks.T)]
    return float(np.sum(np.clip(reached, 0, height)) / np.sum(height))


def autocorrelation(plane, reach):
    """That of a plane `[H, W]` at lags from -reach to reach, `[2 reach + 1, 2 reach + 1]`.

    In the middle, at lag 0, it is 1; of a plane that is constant it is 0. Nothing wraps around:
    every lag has the mean over the pairs of pixels that there are.
    """
    plane = plane - np.mean(plane)
    shape = [2 * side for side in plane.shape]
    sums, pairs = (
        np.fft.irfft2(np.abs(np.fft.rfft2(each, shape)) ** 2, shape)
        for each in (plane, np.ones_like(plane))
    )
    lags = np.arange(-reach, reach + 1)
    lags = np.ix_(lags, lags)
    variance = np.mean(plane**2)
    return sums[lags] / pairs[lags] / variance if variance > ROUNDING else 0 * sums[lags]


def _peaks(correlation):
    """Where one side of an autocorrelation has its highest peaks, `[n, 2]`."""
    reach = len(correlation) // 2
    down, right = np.indices(correlation.shape) - reach
    distance = np.hypot(down, right)
    rings = [correlation[np.round(distance) == r].mean() for r in range(reach + 1)]
    near = next((r for r, mean in enumerate(rings) if mean <= FALLEN), reach)
    counted = (distance > near) & (np.maximum(np.abs(down), np.abs(right)) < reach)
    counted &= (down > 0) | ((down == 0) & (right > 0))  # the other side is the same
    peaks = np.argwhere(counted & (correlation >= np.maximum(PEAK, _highest(correlation, APART))))
    return peaks[np.argsort(-correlation[tuple(peaks.T)], kind="stable")[:PEAKS]]


def _highest(values, away):
    """The greatest value that is at most so many rows and columns away, for each."""
    padded = np.pad(values, away, mode="edge")
    rows = sliding_window_view(padded, 2 * away + 1, axis=0).max(-1)
    return sliding_window_view(rows, 2 * away + 1, axis=1).max(-1)
