"""Pictures out, and the settings embedded in them."""

import contextlib
import json
import os

import numpy as np
from PIL import Image, PngImagePlugin

from tfstyle.messages import printable
from tfstyle.pictures import deep
from tfstyle.pictures.arrays import quantized
from tfstyle.pictures.base import ASCII, EXIF_IFD, KEY, USER_COMMENT, ImageError, quietly
from tfstyle.pictures.colours import srgb
from tfstyle.pictures.files import opened
from tfstyle.pictures.metadata import Metadata, exif, exif_parts, resolution_entries
from tfstyle.pictures.paths import check_output, expanded, extension_of, temporary

# Formats that have what others lack.
TRANSPARENT = (".png", ".webp", ".avif", ".tif", ".tiff")
DEEP = (".png", ".tif", ".tiff")
DEPTHS = (8, 16)
PROFILE = 34675  # entry of TIFF
# AVIF shows at 85 what JPEG shows at 95.
QUALITY = {".avif": 85}


def save(path, image, settings=None, *, alpha=None, depth=8, metadata=None, grey=False):
    """Writes a picture, marked as sRGB; an existing file is replaced whole or not at all.

    Args:
      path: the file; its extension, one of `EXTENSIONS`, sets the format. Links are followed.
      image: floating-point [1, H, W, 3] in [0, 1]; rounded half up, values outside are clipped.
      settings: a dict for `json.dumps`, embedded as JSON: in PNG as the text chunk "tfstyle", in
        JPEG, WebP, AVIF and TIFF as {"tfstyle": settings} in the EXIF user comment. BMP cannot
        carry it.
      alpha: floating-point [1, H, W, 1] in [0, 1], 0 where the picture is transparent; or None.
      depth: bits a channel, 8 or 16.
      metadata: a `Metadata` that is written too; BMP carries only its resolution.
      grey: whether one channel is written, the first, as the others are the same; without alpha.

    Raises:
      ImageError: the extension is unknown, a pixel is not finite, the shape or type is another,
        the format has no transparency or not that depth, or writing fails (a full disk, a side or
        settings too large for the format).
    """
    check_output(path)
    label = printable(os.fsdecode(path))
    pixels = _checked(image, 3, label)
    if grey:
        pixels = pixels[..., :1]
    elif alpha is not None:
        pixels = np.concatenate([pixels, _checked(alpha, 1, label)], axis=3)
    check_form(path, "keep" if alpha is not None else None, depth)
    path = os.path.realpath(expanded(path))
    write = _write_deep if depth == 16 else _write_shallow
    try:
        with temporary(path) as beside:
            write(beside, pixels, settings, metadata or Metadata())
            os.replace(beside, path)
    except (OSError, ValueError) as error:
        raise ImageError(
            f"{label}: writing failed ({printable(str(error))}): choose another output"
        ) from error


def check_form(path, alpha, depth):
    """Refuses what the format of a file cannot hold.

    Args:
      path: of the file.
      alpha: "keep" where transparency must not be lost.
      depth: bits a channel.

    Raises:
      ImageError: the message begins with "alpha" or "depth".
    """
    extension = extension_of(path, "output")
    if alpha == "keep" and extension not in TRANSPARENT:
        raise ImageError(
            f"alpha: expected an output with transparency, one of {' '.join(TRANSPARENT)}, "
            f"received '{printable(extension)}': or flatten it"
        )
    if depth not in DEPTHS or (depth == 16 and extension not in DEEP):
        raise ImageError(
            f"depth: expected 8, or 16 for an output with one of {' '.join(DEEP)}, received "
            f"{depth} for '{printable(extension)}'"
        )


def holds_alpha(path):
    """Whether the format of a file has transparency."""
    return extension_of(path, "output") in TRANSPARENT


def holds_depth(path):
    """Whether the format of a file has 16 bits a channel."""
    return extension_of(path, "output") in DEEP


def _checked(values, channels, label):
    values = np.asarray(values)
    if values.dtype.kind != "f" or values.shape != (1, *values.shape[1:3], channels):
        found = f"{values.dtype} {list(values.shape)}"
        raise ImageError(
            f"{label}: expected floating-point values [1, H, W, {channels}], received {found}"
        )
    if not np.isfinite(values).all():
        raise ImageError(f"{label}: expected finite pixel values, received NaN or infinity")
    return values


def _write_shallow(path, pixels, settings, metadata):
    extension = extension_of(path, "output")
    values = quantized(pixels, 8)
    is_grey = values.shape[2] == 1
    picture = Image.fromarray(values[..., 0] if is_grey else values)
    # Each format takes the options that it knows.
    quality = {"quality": QUALITY.get(extension, 95), "subsampling": "4:4:4"}
    picture.save(path, **quality, **_beside(extension, settings, metadata, is_grey))


def _write_deep(path, pixels, settings, metadata):
    values, extension = quantized(pixels, 16), extension_of(path, "output")
    is_grey = values.shape[2] == 1
    if extension == ".png":
        data = deep.png(values, _beside(extension, settings, metadata, is_grey))
    else:
        profile = {} if is_grey else {PROFILE: srgb()}
        entries = {**metadata.camera, **resolution_entries(metadata), **profile}
        data = deep.tiff(values, entries, exif_parts(metadata, _comment(settings)))
    with open(path, "xb") as file:
        file.write(data)


def _beside(extension, settings, metadata, is_grey):
    """Pillow's options for what stands beside the pixels."""
    options = {} if is_grey else {"icc_profile": srgb()}  # a profile of RGB is none of grey
    if metadata.resolution is not None:
        options["dpi"] = metadata.resolution
    if extension == ".png" and settings is not None:
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_text(KEY, json.dumps(settings))
    block = exif(metadata, None if extension == ".png" else _comment(settings))
    return options if block is None else {**options, "exif": block}


def _comment(settings):
    return None if settings is None else json.dumps({KEY: settings})


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
