"""16 bits a channel in colour, of which Pillow reads and writes only 8.

PNG goes through TensorFlow, which is imported only then. TIFF is read by imagecodecs, the extra
"deep", which also converts profiles at this depth; it is written as strips of Deflate behind a
directory of Pillow's.
"""

import contextlib
import io
import itertools
import logging
import zlib

import numpy as np
from PIL import Image

from tfstyle import containers, native_log
from tfstyle.pictures.base import WHITE, ImageError
from tfstyle.pictures.colours import foreign_profile, srgb
from tfstyle.pictures.metadata import STRIPS, directories

BITS, PLANES = 258, 284  # entries of TIFF
ROWS = 64  # of a strip

log = logging.getLogger("tfstyle")


def is_deep(image):
    """Whether Pillow's image, not yet loaded, is a file with 16 bits in each of its colours."""
    if image.format == "TIFF":
        bits = image.tag_v2.get(BITS, ())
        return image.mode in ("RGB", "RGBA") and len(bits) >= 3 and set(bits) == {16}
    return image.format == "PNG" and ";16" in str(image.tile) and image.mode in ("RGB", "RGBA")


def samples(image, data, label):
    """RGB or RGBA, uint16 [H, W, 3 or 4], encoded as sRGB; or None where 8 bits have to do.

    Args:
      image: Pillow's.
      data: bytes of the file.
      label: what messages begin with.
    """
    profile = foreign_profile(image, "RGB")
    codecs = _codecs() if profile or image.format == "TIFF" else None
    if codecs is None and (profile or image.format == "TIFF"):
        remedy = 'pip install "tfstyle[deep]"'
        if image.format == "TIFF" and image.tag_v2.get(PLANES) == 2:  # Pillow takes it for noise
            raise ImageError(
                f"{label}: expected colours beside each other, received planes of 16 bits: {remedy}"
            )
        log.warning("%s: 8 of its 16 bits are read: for all of them, %s", label, remedy)
        return None
    values = _of_png(data) if image.format == "PNG" else _of_tiff(codecs, image, data)
    values = values[..., : 4 if image.has_transparency_data else 3]
    if profile:
        colours = np.ascontiguousarray(values[..., :3])
        converted = codecs.cms_transform(
            colours, profile, srgb(), colorspace="rgb", outcolorspace="rgb"
        )
        values = np.dstack([converted, values[..., 3:]])
    return values


def _codecs():
    try:
        import imagecodecs  # optional
    except ImportError:
        return None
    return imagecodecs


@contextlib.contextmanager
def _tensorflow():
    """TensorFlow, which computes at once and says nothing."""
    with native_log.hidden():
        import tensorflow as tf

        with tf.init_scope(), tf.device("CPU"):
            yield tf


def _of_png(data):
    with _tensorflow() as tf:
        return tf.io.decode_png(data, channels=4, dtype=tf.uint16).numpy()


def _of_tiff(codecs, image, data):
    values = codecs.tiff_decode(data, index=image.tell())
    if values.ndim == 3 and values.shape[1:] == image.size[::-1]:  # planes
        values = np.moveaxis(values, 0, -1)
    if values.shape[:2] != image.size[::-1] or values.dtype != np.uint16:
        raise ValueError("pixels that are not those of its directory")
    if image.tag_v2.get(338) == (1,):  # colours that are multiplied by their opacity
        alpha = np.maximum(values[..., 3:], 1)
        colours = np.minimum(np.round(values[..., :3] * (WHITE / alpha)), WHITE)
        values = np.dstack([colours.astype(np.uint16), values[..., 3:]])
    return values


def png(values, options):
    """The bytes of a PNG with uint16 [H, W, 1, 3 or 4].

    Args:
      values: the samples.
      options: of Pillow, for what stands beside the pixels.
    """
    with _tensorflow() as tf:
        data = tf.io.encode_png(values).numpy()
    small = io.BytesIO()
    Image.new("RGB", (1, 1)).save(small, "PNG", **options)
    return containers.with_chunks(data, small.getvalue())


def tiff(values, entries, parts):
    """The bytes of a TIFF with uint16 [H, W, 1, 3 or 4].

    Args:
      values: the samples.
      entries: of its directory beside those of the pixels, `{number: value}`.
      parts: `{number: entries}` of other directories.
    """
    height, width, count = values.shape
    # Differences to the pixel on the left: predictor 2.
    differences = np.concatenate([values[:, :1], values[:, 1:] - values[:, :-1]], axis=1)
    rows = [differences[at : at + ROWS] for at in range(0, height, ROWS)]
    strips = [zlib.compress(each.astype("<u2").tobytes()) for each in rows]
    sizes = [len(strip) for strip in strips]
    entries = {
        256: width,
        257: height,
        BITS: (16,) * count,
        259: 8,  # Deflate
        262: 1 if count == 1 else 2,  # grey, or RGB
        STRIPS: (0, *itertools.accumulate(sizes[:-1])),
        277: count,
        278: ROWS,
        279: tuple(sizes),
        PLANES: 1,
        317: 2,
        **({338: 2} if count == 4 else {}),  # opacity, by which colours are not multiplied
        **entries,
    }
    return b"II*\0" + directories(entries, parts, b"".join(strips))
