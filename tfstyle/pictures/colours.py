"""Colours: their names, and profiles converted to sRGB."""

import contextlib
import functools
import io

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


@functools.cache
def srgb():
    """The profile (ICC) of sRGB; the same bytes each time."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return data[:24] + bytes(12) + data[36:]  # without the time of day


def to_srgb(image):
    """Pillow's image as RGB, by the profile of the file."""
    pixels = image.convert(image.mode if image.mode in ("CMYK", "LAB") else "RGB")
    profile = foreign_profile(image, pixels.mode)
    if profile:
        with contextlib.suppress(Exception):
            stored = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            own = ImageCms.createProfile("sRGB")
            return ImageCms.profileToProfile(pixels, stored, own, outputMode="RGB")
    return pixels.convert("RGB")


def foreign_profile(image, mode):
    """The profile (ICC) of Pillow's image if it is another than sRGB, or None.

    A profile that is missing, broken or of another colour space leaves the plain conversion.
    """
    with contextlib.suppress(Exception):
        data = image.info.get("icc_profile") or b""
        if mode == "LAB":
            data = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        named_srgb = ImageCms.getProfileDescription(profile).startswith("sRGB")
        space = "Lab" if mode == "LAB" else mode
        if profile.profile.xcolor_space.strip() == space and not named_srgb:
            return data
    return None
