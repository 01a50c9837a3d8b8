"""Images in and out: load, resize, noise, save, and the settings embedded in a saved picture.

Everywhere outside a feature model an image is RGB float32 NumPy [1, H, W, 3] in [0, 1], encoded
as sRGB. Only NumPy and Pillow are imported here, so that a mistyped path is reported at once.

Files are of strangers: only `FORMATS` are opened, since Pillow has others that start programs, and
metadata that is damaged or too large does not keep the pixels from loading. In every path, "~" is
the home folder.
"""

import contextlib
import io
import json
import logging
import math
import os
import re
import secrets
import shutil
import stat
import struct
import threading
import warnings

import numpy as np
from PIL import Image, ImageCms, ImageColor, PngImagePlugin, UnidentifiedImageError

from tfstyle import containers, native_log
from tfstyle.messages import printable, shown

# The deepest layer sees a sixteenth of each side: less than 2 x 2 positions there say nothing.
MIN_SIDE = 32
# 1.2 GB as float32 RGB: more than any optimisation in memory can work on.
MAX_PIXELS = 100_000_000
# Bytes of a file: 16 for each pixel, and as many for what is not pixels.
MAX_BYTES = 32 * MAX_PIXELS
FORMATS = ("PNG", "JPEG", "WebP", "TIFF", "BMP", "GIF")  # as Pillow names them, but for case
STDIN = "/dev/stdin"
EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")

ORIENTATION, EXIF_IFD, USER_COMMENT = 0x0112, 0x8769, 0x9286
SUBFILE, BITS, MAX_SAMPLE, SIGNED_MAX_SAMPLE = 254, 258, 281, 341  # of TIFF
AVIF = (b"avif", b"avis")  # brands
HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
ASCII = b"ASCII\0\0\0"  # the character code that begins an EXIF user comment
KEY = "tfstyle"
_NO_NAME = "expected the name of a file, received one that no file can have"
_WHITE = 65535  # of 16 bits
_WARNINGS_LOCK = threading.Lock()  # warning filters belong to the whole process


class ImageError(ValueError):
    """An image or a path that cannot be used; the message is one sentence for the user."""


@contextlib.contextmanager
def _quietly():
    """Without Pillow's warnings and log."""
    log = logging.getLogger("PIL")
    with _WARNINGS_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        level = log.level
        log.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            log.setLevel(level)


def expanded(path) -> str:
    """A path as a string, with the home folder in place of "~"."""
    return os.path.expanduser(os.fsdecode(path))


def _label(name, path):
    return f"{name}={printable(os.fsdecode(path))}"


@_quietly()
def load(source, name="image", background=(1.0, 1.0, 1.0)):
    """Reads a picture as a new array, RGB float32 [1, H, W, 3] in [0, 1].

    Files are turned upright (EXIF); an RGB or CMYK profile (ICC) is converted to sRGB, unless
    broken; of several frames the first counts, in a TIFF the first that is no thumbnail. 16-bit
    grey stays exact, 16-bit RGB becomes 8 bits. Fewer bits in more are scaled where a TIFF tells
    how many; where none does, they are an error.

    Args:
      source: the path of a file in one of `FORMATS`, or HEIC with the extra "heif"; "/dev/stdin"; a
        `PIL.Image.Image`; or an array or tensor [H, W], [H, W, 1], [H, W, 3] or [H, W, 4], with or
        without a leading 1, of uint8, uint16 or floats in [0, 1].
      name: the flag or argument that messages begin with; "=path" is added for a path.
      background: the RGB colour in [0, 1] seen through transparent pixels.

    Raises:
      ImageError: a file is missing, a device or named pipe, not readable, not an image or damaged;
        a side is under `MIN_SIDE`; pixels are more than `MAX_PIXELS` (found before decoding);
        16-bit values are all below 4096; or an array has another shape, type or range.
    """
    label = name
    if isinstance(source, (str, os.PathLike)):
        label = _label(name, source)
        with _open(source, label) as image:
            array = _decode(image, label)
    elif isinstance(source, Image.Image):
        array = _decode(source, label)
    elif hasattr(source, "__array__"):
        array = _array(source, name)
    else:
        raise ImageError(
            f"{name}: expected a path, image, array or tensor, received {shown(source)}"
        )
    return _composite(_to_unit(_without_batch(array, label), label), background)


def _array(source, name):
    try:
        return np.asarray(source)
    except Exception as error:  # whatever an object does that says it is an array
        raise ImageError(
            f"{name}: expected an array, received {type(source).__name__}, which gives none: "
            f"{' '.join(str(error).split())}"
        ) from error


def is_picture(source) -> bool:
    """Whether `load` takes it as pixels, and not as a path."""
    return isinstance(source, Image.Image) or hasattr(source, "__array__")


def _open(path, label):
    try:
        return _parse(_read(path, label), label)
    except ImageError:
        raise
    except Exception as error:  # parsers raise whatever a damaged file makes them trip over
        raise ImageError(f"{label}: {_reason(error)}") from error


def _read(path, label):
    path = expanded(path)
    if path != STDIN:
        _check_regular(_mode(path, label), label)  # first: to open a named pipe waits
    with open(path, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ImageError(f"{label}: expected at most {MAX_BYTES} bytes, received more")
    if not data:
        raise ImageError(f"{label}: {_expected_picture()}, received an empty file")
    return data


def _mode(path, label):
    try:
        return os.stat(path).st_mode
    except ValueError as error:
        raise ImageError(f"{label}: {_NO_NAME}") from error


def _check_regular(mode, label):
    """Refuses what is neither a file nor a folder, which has messages of its own."""
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        pipe = stat.S_ISFIFO(mode)
        found = "a named pipe" if pipe else "a socket" if stat.S_ISSOCK(mode) else "a device"
        raise ImageError(f"{label}: expected a regular file, received {found}")


def _expected_picture():
    return f"expected a picture in one of the formats {', '.join(FORMATS)}"


def _parse(data, label):
    brand = data[8:12] if data[4:8] == b"ftyp" else b""
    if brand in HEIC:
        return _parse_heic(data, label)
    if brand in AVIF:
        raise ImageError(f"{label}: {_expected_picture()}, received AVIF: convert it")
    failure = None
    for version in containers.leaner(data, KEY):
        try:
            return _pillow(version)
        except Exception as error:
            failure = failure or error
    raise failure


def _pillow(data):
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
        raise ImageError(f"{label}: {_expected_picture()}, received HEIC: {remedy}") from error
    opened = pillow_heif.open_heif(io.BytesIO(data))
    _check_size(*opened.size[::-1], label)  # before it is decoded
    return opened.to_pillow()


def _reason(error):
    if isinstance(error, FileNotFoundError):
        return "file not found: expected the path of an image"
    if isinstance(error, Image.DecompressionBombError):
        return f"expected at most {MAX_PIXELS} pixels, received more ({error}): scale it down"
    if isinstance(error, UnidentifiedImageError):
        return f"{_expected_picture()}, received another or a damaged file"
    reason = getattr(error, "strerror", None) or f"damaged file ({printable(str(error))})"
    return f"{reason.lower()}: expected the path of a readable image"


def _decode(image, label):
    _check_size(image.height, image.width, label)
    try:
        deep = ";16" in str(getattr(image, "tile", ""))  # gone once it is loaded
        image = _loaded(image)
        if image.mode[0] in "IF":
            return _upright(_deep_grey(image, label), image)
        colours = _shallow(image)
        if deep:
            _check_not_dark(257 * colours[..., :3].max().astype(int), label)
        return _upright(colours, image)
    except ImageError:
        raise
    except Exception as error:  # decoders raise whatever a damaged file makes them trip over
        raise ImageError(
            f"{label}: damaged image ({printable(str(error))}): expected a whole one"
        ) from error


def _loaded(image):
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
        return _pillow(containers.lean_tiff(source.getvalue()))
    ended = [_pillow(data) for data in containers.ended_jpegs(source.getvalue())]
    same = form == "JPEG" and ended and np.array_equal(*ended)
    return ended[0] if same else None


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
        if grey.min() < 0 or grey.max() > _WHITE:
            raise ImageError(
                f"{label}: expected grey values in [0, {_WHITE}], received {grey.min()} to "
                f"{grey.max()}: scale them, or save floats in [0, 1]"
            )
        grey = grey.astype(np.uint16)
    if "transparency" in image.info:
        opaque = np.where(grey == image.info["transparency"], 0, _WHITE).astype(np.uint16)
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


def _check_not_dark(greatest, label):
    """Refuses what looks black, since most such pictures have fewer bits in a container of 16."""
    if 0 < greatest < 4096:
        white = 2 ** max(8, int(greatest).bit_length()) - 1
        raise ImageError(
            f"{label}: expected 16-bit values up to {_WHITE}, received none above {greatest}, "
            f"which is nearly black: divide by the value of white, such as {white} (or {_WHITE}, "
            "if it is to be so dark), and pass or save floats"
        )


def _shallow(image):
    if image.mode == "La":
        image = image.convert("LA")  # the only conversion that Pillow has for it
    colour = np.asarray(_to_srgb(image))
    if not image.has_transparency_data:
        return colour
    return np.dstack([colour, image.convert("RGBA").getchannel("A")])


def _to_srgb(image):
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


def _without_batch(array, label):
    shape = array.shape
    if shape[:1] == (1,) and (array.ndim == 4 or shape[-1] not in (1, 3, 4)):
        array = array[0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (1, 3, 4)):
        raise ImageError(
            f"{label}: expected the shape [H, W], [H, W, 1], [H, W, 3] or [H, W, 4], with or "
            f"without a leading 1, received {list(shape)}: pass one image, channels last"
        )
    _check_size(*array.shape[:2], label)
    return array


def _check_size(height, width, label):
    if min(height, width) < MIN_SIDE or height * width > MAX_PIXELS:
        raise ImageError(
            f"{label}: expected at least {MIN_SIDE} pixels a side and at most {MAX_PIXELS} in all, "
            f"received a width of {width} and a height of {height}: scale it"
        )


def _to_unit(array, label):
    if array.dtype.kind == "u" and array.dtype.itemsize <= 2:
        if array.dtype.itemsize == 2:
            _check_not_dark(array[..., :3].max() if array.ndim == 3 else array.max(), label)
        return array.astype(np.float32, order="C") / np.iinfo(array.dtype).max
    if array.dtype.kind != "f":
        raise ImageError(f"{label}: expected uint8, uint16 or float values, received {array.dtype}")
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 1):  # so written, it finds NaN too
        received = f"down to {low:.9g}" if high <= 1 else f"up to {high:.9g}"
        remedy = "divide by 255" if low >= 0 and 2 < high <= 255 else "scale or clip them"
        raise ImageError(f"{label}: expected values in [0, 1], received {received}: {remedy}")
    return array.astype(np.float32, order="C")


def _composite(values, background):
    values = np.atleast_3d(values)
    if values.shape[2] == 1:
        values = np.repeat(values, 3, axis=2)
    if values.shape[2] == 4:
        alpha = values[..., 3:]
        values = values[..., :3] * alpha + np.asarray(background, np.float32) * (1 - alpha)
    return values[np.newaxis]


def resize(image, height, width):
    """Resamples float32 [1, H, W, 3] in [0, 1] to [1, height, width, 3].

    Lanczos windows widen as the image shrinks, so that fine detail does not alias. An image that
    has the size already is returned itself.
    """
    if image.shape[1:3] == (height, width):
        return image
    channels = [Image.fromarray(channel) for channel in np.moveaxis(image[0], -1, 0)]
    resized = [c.resize((width, height), Image.Resampling.LANCZOS) for c in channels]
    return np.clip(np.stack(resized, axis=-1), 0, 1)[np.newaxis]  # Lanczos overshoots at edges


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


def noise(height, width, seed):
    """Returns clip(0.5 + 0.15 N(0, 1)), float32 [1, height, width, 3] in [0, 1], by its seed."""
    normal = np.random.default_rng(seed).standard_normal((1, height, width, 3), np.float32)
    return np.clip(0.5 + 0.15 * normal, 0, 1)


def to_pil(image):
    """A PIL image of 8 bits a channel from [1, H, W, 3] in [0, 1]; rounded half up, clipped."""
    return Image.fromarray((np.clip(image[0], 0, 1) * 255 + 0.5).astype(np.uint8))


def psnr(image, original):
    """Peak signal-to-noise ratio in dB of two images of one shape in [0, 1]: 10 log10(1 / MSE)."""
    error = np.mean(np.square(image - original, dtype=np.float64))
    return float(-10 * np.log10(error)) if error else math.inf


def check_output(path, name="output"):
    """Checks before a long run that `save` will be able to write `path`; follows links.

    Raises:
      ImageError: the extension is unknown, the directory is missing or not writable, or the path
        is a directory, a named pipe, a socket, a device, or a file that is not writable. The
        message begins with "name=path".
    """
    label = _label(name, path)
    extension = os.path.splitext(_followed(path, label))[1]
    if extension.lower() not in EXTENSIONS:
        expected = f"expected one of {' '.join(EXTENSIONS)}"
        raise ImageError(f"{label}: {expected}, received '{printable(extension)}'")
    check_writable(path, label)


def check_writable(path, label):
    """Checks that a file can be written at `path`; the message of an `ImageError` begins so."""
    path = _followed(path, label)
    try:
        # Really try: os.access says yes to root, whatever the permissions.
        if os.path.exists(path):
            _check_regular(os.stat(path).st_mode, label)
            open(path, "r+b").close()
        with temporary(path) as beside:
            open(beside, "xb").close()
    except OSError as error:
        expected = "expected a file that can be written, in a directory that exists"
        raise ImageError(f"{label}: {error.strerror.lower()}: {expected}") from error


def _followed(path, label):
    """The path behind links."""
    try:
        return os.path.realpath(expanded(path))
    except ValueError as error:
        raise ImageError(f"{label}: {_NO_NAME}") from error


@contextlib.contextmanager
def temporary(path):
    """A name beside `path` for a file that is to replace it; what is left of it is removed."""
    # Only a name: what is then created has the umask's permissions, unlike files of `tempfile`.
    name = f".{secrets.token_hex(8)}".join(os.path.splitext(path))
    try:
        yield name
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(name)


def make_folder(path, name):
    """Makes a folder, if it is not there; the message of an `ImageError` begins with `name`."""
    try:
        os.makedirs(expanded(path), exist_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(
            f"{name}: expected a folder that can be made, received {path!r}: {reason}"
        ) from error


def remove_temporaries(folder, names):
    """Removes what stands under a name of `temporary` in a folder: its process was killed.

    Args:
      folder: if it is there.
      names: of the files and folders that were to be written.
    """
    folder = expanded(folder)
    for entry in os.listdir(folder) if os.path.isdir(folder) else []:
        match = re.fullmatch(r"(.*)\.[0-9a-f]{16}(\.[^.]*)?", entry, re.DOTALL)
        if match and match[1] + (match[2] or "") in names:
            path = os.path.join(folder, entry)
            if os.path.isdir(path):
                shutil.rmtree(path, ignore_errors=True)
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)


def save(path, image, settings=None, grey=False):
    """Writes 8 bits a channel; an existing file is replaced whole or not at all; follows links.

    Args:
      path: the file; its extension, one of `EXTENSIONS`, sets the format.
      image: floating-point [1, H, W, 3] in [0, 1]; rounded half up, values outside are clipped.
      settings: a dict for `json.dumps`, embedded as JSON: in PNG as the text chunk "tfstyle", in
        JPEG, WebP and TIFF as {"tfstyle": settings} in the EXIF user comment. BMP cannot carry it.
      grey: whether one channel is written: the first, as the others are the same.

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
    picture = to_pil(pixels).getchannel(0) if grey else to_pil(pixels)
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


@_quietly()
def read_settings(path):
    """Returns the dict that `save` embedded, or None; raises ImageError if `path` is no image."""
    # What is suppressed is a missing or damaged block, or the comment of another program.
    with _open(path, printable(os.fsdecode(path))) as image, contextlib.suppress(Exception):
        if KEY in image.info:
            return json.loads(image.info[KEY])
        comment = image.getexif().get_ifd(EXIF_IFD)[USER_COMMENT]
        return json.loads(comment[len(ASCII) :])[KEY]
    return None
