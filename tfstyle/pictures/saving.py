"""Pictures out, and the settings embedded in them."""

import contextlib
import json
import os
import struct

import numpy as np
from PIL import PngImagePlugin

from tfstyle.messages import printable
from tfstyle.pictures.arrays import to_pil
from tfstyle.pictures.base import ASCII, EXIF_IFD, KEY, USER_COMMENT, ImageError, quietly
from tfstyle.pictures.files import opened
from tfstyle.pictures.paths import check_output, expanded, temporary


def save(path, image, settings=None):
    """Writes 8 bits a channel; an existing file is replaced whole or not at all; follows links.

    Args:
      path: the file; its extension, one of `EXTENSIONS`, sets the format.
      image: floating-point [1, H, W, 3] in [0, 1]; rounded half up, values outside are clipped.
      settings: a dict for `json.dumps`, embedded as JSON: in PNG as the text chunk "tfstyle", in
        JPEG, WebP and TIFF as {"tfstyle": settings} in the EXIF user comment. BMP cannot carry it.

    Raises:
      ImageError: the extension is unknown, a pixel is not finite, the shape or type is another,
        or writing fails (a full disk, a side or settings too large for the format).
    """
    check_output(path)
    label = printable(os.fsdecode(path))
    pixels = np.asarray(image)
    if pixels.dtype.kind != "f" or pixels.shape != (1, *pixels.shape[1:3], 3):
        found = f"{pixels.dtype} {list(pixels.shape)}"
        raise ImageError(f"{label}: expected floating-point values [1, H, W, 3], received {found}")
    if not np.isfinite(pixels).all():
        raise ImageError(f"{label}: expected finite pixel values, received NaN or infinity")
    picture = to_pil(pixels)
    path = os.path.realpath(expanded(path))
    metadata = {} if settings is None else _metadata(path, settings)
    try:
        with temporary(path) as beside:
            # Each format takes the options that it knows.
            picture.save(beside, quality=95, subsampling="4:4:4", **metadata)
            os.replace(beside, path)
    except (OSError, ValueError) as error:
        raise ImageError(
            f"{label}: writing failed ({printable(str(error))}): choose another output"
        ) from error


def _metadata(path, settings):
    if path.lower().endswith(".png"):
        chunks = PngImagePlugin.PngInfo()
        chunks.add_text(KEY, json.dumps(settings))
        return {"pnginfo": chunks}
    comment = ASCII + json.dumps({KEY: settings}).encode("ascii")
    # By hand, because Pillow writes this field as BYTE (1) where EXIF asks for UNDEFINED (7).
    head = struct.pack("<2sHI", b"II", 42, 8)
    root = struct.pack("<HHHIII", 1, EXIF_IFD, 4, 1, 26, 0)
    leaf = struct.pack("<HHHIII", 1, USER_COMMENT, 7, len(comment), 44, 0)
    return {"exif": b"Exif\0\0" + head + root + leaf + comment}


@quietly()
def read_settings(path):
    """Returns the dict that `save` embedded, or None; raises ImageError if `path` is no image."""
    # What is suppressed is a missing or damaged block, or the comment of another program.
    with opened(path, printable(os.fsdecode(path))) as image, contextlib.suppress(Exception):
        if KEY in image.info:
            return json.loads(image.info[KEY])
        comment = image.getexif().get_ifd(EXIF_IFD)[USER_COMMENT]
        return json.loads(comment[len(ASCII) :])[KEY]
    return None
