"""Colours: their names, and profiles converted to sRGB."""

import contextlib
import io

import numpy as np
from PIL import ImageCms, ImageColor

from tfstyle.messages import shown
from tfstyle.pictures.base import ImageError


def colour(name):
    """Returns RGB in [0, 1] for a colour as Pillow names it: "white", "#rrggbb", "rgb(1, 2, 3)".

    Raises:
      ImageError: there is no such colour.
    """
    try:
        rgb = ImageColor.getrgb(name)[:3]
        if max(rgb) > 255:  # which Pillow takes
            raise ValueError
        return tuple(value / 255 for value in rgb)
    except (ValueError, TypeError):
        expected = 'expected a colour such as "white" or "#ffcc00"'
        raise ImageError(f"background: {expected}, received {shown(name)}") from None


def to_srgb(image):
    pixels = image.convert(image.mode if image.mode in ("CMYK", "LAB") else "RGB")
    space = "Lab" if pixels.mode == "LAB" else pixels.mode
    # A profile that is missing, broken or of another colour space leaves the plain conversion.
    with contextlib.suppress(Exception):
        data = image.info.get("icc_profile") or b""
        stored = ImageCms.createProfile("LAB") if image.mode == "LAB" else io.BytesIO(data)
        profile = ImageCms.ImageCmsProfile(stored)
        named_srgb = ImageCms.getProfileDescription(profile).startswith("sRGB")
        if profile.profile.xcolor_space.strip() == space and not named_srgb:
            srgb = ImageCms.createProfile("sRGB")
            return ImageCms.profileToProfile(pixels, profile, srgb, outputMode="RGB")
    return pixels.convert("RGB")


def composite(values, background):
    values = np.atleast_3d(values)
    if values.shape[2] == 1:
        values = np.repeat(values, 3, axis=2)
    if values.shape[2] == 4:
        alpha = values[..., 3:]
        values = values[..., :3] * alpha + np.asarray(background, np.float32) * (1 - alpha)
    return values[np.newaxis]
