"""Files as Pillow's images.

Files are of strangers: only `FORMATS` are opened, since Pillow has others that start programs, and
metadata that is damaged or too large does not keep the pixels from loading.
"""

import contextlib
import io

import numpy as np
from PIL import Image, UnidentifiedImageError

from tfstyle import containers, native_log
from tfstyle.messages import printable
from tfstyle.pictures.base import HAS_AVIF, KEY, MAX_PIXELS, MIN_SIDE, ImageError, check_size
from tfstyle.pictures.paths import check_regular, expanded, mode_of

# Bytes of a file: 16 for each pixel, and as many for what is not pixels.
MAX_BYTES = 32 * MAX_PIXELS
# As Pillow names them, but for case.
FORMATS = ("PNG", "JPEG", "WebP", "TIFF", "BMP", "GIF", *(["AVIF"] if HAS_AVIF else []))
STDIN = "/dev/stdin"

SUBFILE = 254  # of TIFF
AVIF = (b"avif", b"avis")  # brands
HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def opened(source, label):
    """Pillow's image of a path, or of the bytes of a file."""
    try:
        data = source if isinstance(source, bytes) else _read(source, label)
        return _parse(data, label)
    except ImageError:
        raise
    except Exception as error:  # parsers raise whatever a damaged file makes them trip over
        raise ImageError(f"{label}: {_reason(error)}") from error


def _read(path, label):
    path = expanded(path)
    if path != STDIN:
        check_regular(mode_of(path, label), label)  # first: to open a named pipe waits
    with open(path, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ImageError(f"{label}: expected at most {MAX_BYTES} bytes, received more")
    if not data:
        raise ImageError(f"{label}: {expected_picture()}, received an empty file")
    return data


def expected_picture():
    return f"expected a picture in one of the formats {', '.join(FORMATS)}"


def _parse(data, label):
    brand = data[8:12] if data[4:8] == b"ftyp" else b""
    if brand in HEIC:
        return _parse_heic(data, label)
    if brand in AVIF and "AVIF" not in FORMATS:
        raise ImageError(f"{label}: {expected_picture()}, received AVIF: convert it")
    failure = None
    for version in containers.leaner(data, KEY):
        try:
            return pillow(version)
        except Exception as error:
            failure = failure or error
    raise failure


def pillow(data):
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    if image.format == "TIFF":
        with contextlib.suppress(Exception):  # damaged directories behind the first
            while min(image.size) < MIN_SIDE or image.tag_v2.get(SUBFILE, 0) & 1:  # a thumbnail
                image.seek(image.tell() + 1)
            return image
        image.seek(0)
    return image


def _parse_heic(data, label):
    try:
        import pillow_heif  # optional
    except ImportError as error:
        remedy = 'convert it, or pip install "tfstyle[heif]"'
        raise ImageError(f"{label}: {expected_picture()}, received HEIC: {remedy}") from error
    opened = pillow_heif.open_heif(io.BytesIO(data))
    check_size(*opened.size[::-1], label)  # before it is decoded
    return opened.to_pillow()


def _reason(error):
    if isinstance(error, FileNotFoundError):
        return "file not found: expected the path of an image"
    if isinstance(error, Image.DecompressionBombError):
        return f"expected at most {MAX_PIXELS} pixels, received more ({error}): scale it down"
    if isinstance(error, UnidentifiedImageError):
        return f"{expected_picture()}, received another or a damaged file"
    reason = getattr(error, "strerror", None) or f"damaged file ({printable(str(error))})"
    return f"{reason.lower()}: expected the path of a readable image"


def loaded(image):
    """The image with its pixels, even where what is beside them is damaged or missing."""
    source = getattr(image, "fp", None)
    try:
        return _all_loaded(image)
    except Exception:
        mended = _mended(image.format, source) if isinstance(source, io.BytesIO) else None
        if mended is None:
            raise
        return _all_loaded(mended)


def _all_loaded(image):
    with native_log.hidden() if image.format == "TIFF" else contextlib.nullcontext():  # libtiff's
        image.load()
    return image


def _mended(form, source):
    if form == "TIFF":
        return pillow(containers.lean_tiff(source.getvalue()))
    ended = [pillow(data) for data in containers.ended_jpegs(source.getvalue())]
    same = form == "JPEG" and ended and np.array_equal(*ended)
    return ended[0] if same else None
