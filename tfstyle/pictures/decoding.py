"""Pillow's images as arrays: upright, in sRGB, with their transparency."""

import contextlib
import io

import numpy as np

from tfstyle.messages import printable
from tfstyle.pictures import deep
from tfstyle.pictures.base import WHITE, ImageError, check_size
from tfstyle.pictures.colours import to_srgb
from tfstyle.pictures.files import loaded

ORIENTATION = 0x0112
BITS, MAX_SAMPLE, SIGNED_MAX_SAMPLE = 258, 281, 341  # of TIFF


def decoded(image, label):
    check_size(image.height, image.width, label)
    try:
        is_deep = ";16" in str(getattr(image, "tile", ""))  # gone once it is loaded
        file = getattr(image, "fp", None)
        data = file.getvalue() if isinstance(file, io.BytesIO) and deep.is_deep(image) else None
        image = loaded(image)
        if image.mode[0] in "IF":
            return _upright(_deep_grey(image, label), image)
        colours = deep.samples(image, data, label) if data else None
        if colours is not None:
            return _upright(colours, image)
        colours = _shallow(image)
        if is_deep:
            check_not_dark(257 * colours[..., :3].max().astype(int), label)
        return _upright(colours, image)
    except ImageError:
        raise
    except Exception as error:  # decoders raise whatever a damaged file makes them trip over
        raise ImageError(
            f"{label}: damaged image ({printable(str(error))}): expected a whole one"
        ) from error


def _upright(pixels, image):
    # Not ImageOps.exif_transpose: it rewrites the EXIF block and fails where that is damaged.
    orientation = None  # also where the block is damaged: no reason to refuse the picture
    with contextlib.suppress(Exception):
        orientation = image.getexif().get(ORIENTATION)
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels[::-1] if orientation in (3, 4, 7, 8) else pixels


def _deep_grey(image, label):
    grey = np.asarray(image)
    white = _white(image)
    if white and grey.min() >= 0 and (image.mode != "F" or grey.max() > 1) and grey.max() <= white:
        return grey.astype(np.float32) / white
    if image.mode == "I":  # 16 bits in a 32-bit container
        if grey.min() < 0 or grey.max() > WHITE:
            raise ImageError(
                f"{label}: expected grey values in [0, {WHITE}], received {grey.min()} to "
                f"{grey.max()}: scale them, or save floats in [0, 1]"
            )
        grey = grey.astype(np.uint16)
    if "transparency" in image.info:
        opaque = np.where(grey == image.info["transparency"], 0, WHITE).astype(np.uint16)
        grey = np.dstack([grey, grey, grey, opaque])
    return grey


def _white(image):
    """The value of white, if a TIFF names it: by its bits, or as the greatest of so many bits."""
    tags = getattr(image, "tag_v2", {})
    with contextlib.suppress(Exception):  # damaged tags
        (bits,) = tags.get(BITS)
        if bits < 16:
            return 2**bits - 1
        for tag in (MAX_SAMPLE, SIGNED_MAX_SAMPLE):
            white = np.ravel(tags.get(tag, 0))[0]
            if white > 1 and np.log2(white + 1.0) % 1 == 0:  # not the greatest of this picture
                return white
    return None


def check_not_dark(greatest, label):
    """Refuses what looks black, since most such pictures have fewer bits in a container of 16."""
    if 0 < greatest < 4096:
        white = 2 ** max(8, int(greatest).bit_length()) - 1
        raise ImageError(
            f"{label}: expected 16-bit values up to {WHITE}, received none above {greatest}, "
            f"which is nearly black: divide by the value of white, such as {white} (or {WHITE}, "
            "if it is to be so dark), and pass or save floats"
        )


def _shallow(image):
    if image.mode == "La":
        image = image.convert("LA")  # the only conversion that Pillow has for it
    colour = np.asarray(to_srgb(image))
    if not image.has_transparency_data:
        return colour
    return np.dstack([colour, image.convert("RGBA").getchannel("A")])
