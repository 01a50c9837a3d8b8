"""Colours as the eye orders them, from those that a screen is sent, and back.

For NumPy and TensorFlow alike: `xp` is the one or the other.
"""

from typing import Any

import numpy as np

# Luminance and two differences of colours, as JPEG has them: rows that RGB is multiplied by
# (ITU-R BT.601).
LUMINANCE_AND_CHROMA = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
)

# Linear sRGB -> cones, and the cube roots of these -> L, a, b.
CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
OPPONENTS = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def oklab(rgb: Any, xp: Any = np) -> Any:
    """Lightness and two opponent colours, in which equal distances look about equal.

    See Björn Ottosson, "A perceptual color space for image processing", 2020.

    Args:
        rgb: sRGB `[..., 3]` in [0, 1].
        xp: `numpy`, or `tensorflow` where `rgb` is a tensor.

    Returns:
        `[..., 3]`, float64 of NumPy or of the tensor's type: L from 0 (black) to 1 (white), a from
        green (-0.23) to red and magenta (0.28), b from blue (-0.31) to yellow (0.2); a and b of any
        grey are 0.
    """
    rgb = np.asarray(rgb, np.float64) if xp is np else rgb
    curve = ((xp.maximum(rgb, 0.04045) + 0.055) / 1.055) ** 2.4
    linear = xp.where(rgb <= 0.04045, rgb / 12.92, curve)
    cones = xp.maximum(linear @ CONES.T, 0.0)  # rounding apart they are not negative
    return cones ** (1 / 3) @ OPPONENTS.T


def rgb_of(lab: Any, xp: Any = np) -> Any:
    """sRGB of a colour of `oklab`; outside [0, 1] where a screen does not have it."""
    linear = (lab @ np.linalg.inv(OPPONENTS).T) ** 3 @ np.linalg.inv(CONES).T
    curve = 1.055 * xp.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return xp.where(linear <= 0.0031308, linear * 12.92, curve)
