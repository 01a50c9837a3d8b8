"""The filters of FRAME: intensity, differences, Laplacians of Gaussians, pairs of Gabor filters.

Zhu, Wu & Mumford 1998, "Filters, Random Fields and Maximum Entropy (FRAME)", section 4.1. Here
coefficients are whole numbers, so that responses to whole grey levels are too.
"""

from typing import NamedTuple

import numpy as np

LARGEST = 5  # coefficient, about: rounding hardly shows, tables of responses stay small
SIGMAS = (0.7, 1.2, 2.0)  # of the Gaussians, in pixels
WAVELENGTHS = (3, 5, 8)  # in pixels
DEGREES = (0, 45, 90, 135)


class Filter(NamedTuple):
    """A filter.

    Attributes:
        name: for reports.
        kernel: int32 `[h, w]`; the response at (y, x) is the sum of kernel[i, j] times the level at
            (y + i - h // 2, x + j - w // 2).
    """

    name: str
    kernel: np.ndarray

    @property
    def side(self) -> int:
        """The longer side of the kernel."""
        return max(self.kernel.shape)


def bank(largest: int) -> list[Filter]:
    """All filters of at most `largest` pixels a side."""
    filters = [Filter("intensity", np.ones((1, 1), np.int32))]
    # The finest waves, which the others hardly see.
    filters += [Filter("difference 0", np.array([[-1, 1]], np.int32))]
    filters += [Filter("difference 90", np.array([[-1], [1]], np.int32))]
    filters += [Filter(f"laplacian {sigma:g}", laplacian(sigma)) for sigma in SIGMAS]
    for wavelength in WAVELENGTHS:
        for degrees in DEGREES:
            pair = gabor(wavelength, degrees)
            name = f"{wavelength} {degrees}"
            filters += [Filter(f"cosine {name}", pair[0]), Filter(f"sine {name}", pair[1])]
    return [each for each in filters if each.side <= largest]


def laplacian(sigma: float) -> np.ndarray:
    """The Laplacian of a Gaussian, positive in the middle, sum 0."""
    y, x = _coordinates(round(3 * sigma))
    squared = (x**2 + y**2) / (2 * sigma**2)
    return _whole((1 - squared) * np.exp(-squared))


def gabor(wavelength: float, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """A cosine and a sine wave of one direction, under a Gaussian half a wave wide, sum 0."""
    y, x = _coordinates(round(wavelength))
    angle = np.radians(degrees)
    phase = 2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / wavelength
    envelope = np.exp(-2 * (x**2 + y**2) / wavelength**2)
    wave = np.cos(phase) - (envelope * np.cos(phase)).sum() / envelope.sum()
    return _whole(envelope * wave), _whole(envelope * np.sin(phase))


def _coordinates(radius):
    return np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(float)


def _whole(kernel):
    """Whole numbers in proportion to a kernel of sum 0, without margins of zeros, sum 0.

    Of several scales the one is taken at which rounding changes the sum least.
    """
    kernel = kernel / np.abs(kernel).max()
    scales = np.linspace(0.8, 1.2, 41) * LARGEST
    rounded = [np.round(scale * kernel).astype(np.int32) for scale in scales]
    whole = min(rounded, key=lambda each: abs(each.sum()))
    middle = len(whole) // 2
    whole[middle, middle] -= whole.sum()
    reach = np.abs(np.argwhere(whole) - middle).max()
    return whole[middle - reach : middle + reach + 1, middle - reach : middle + reach + 1]
