"""Images in and out: load, resize, noise, save, and the settings embedded in a saved picture.

Everywhere outside a feature model an image is RGB float32 NumPy [1, H, W, 3] in [0, 1], encoded
as sRGB. Only NumPy and Pillow are imported here, so that a mistyped path is reported at once.
"""

import contextlib
import io
import json
import math
import os
import re
import secrets
import struct
import threading
import warnings

import numpy as np
from PIL import Image, ImageCms, ImageColor, PngImagePlugin, UnidentifiedImageError

# The deepest layer sees a sixteenth of each side: less than 2 x 2 positions there say nothing.
MIN_SIDE = 32
# 1.2 GB as float32 RGB: more than any optimisation in memory can work on.
MAX_PIXELS = 100_000_000
EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")

ORIENTATION, EXIF_IFD, USER_COMMENT = 0x0112, 0x8769, 0x9286
ASCII = b"ASCII\0\0\0"  # the character code that begins an EXIF user comment
KEY = "tfstyle"
_WARNINGS_LOCK = threading.Lock()  # warning filters belong to the whole process


class ImageError(ValueError):
    """An image or a path that cannot be used; the message is one sentence for the user."""


@contextlib.contextmanager
def _without_warnings():
    with _WARNINGS_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@_without_warnings()
def load(source, name="image", background=(1.0, 1.0, 1.0)):
    """Reads a picture as a new array, RGB float32 [1, H, W, 3] in [0, 1].

    Files are turned upright (EXIF); an RGB or CMYK profile (ICC) is converted to sRGB, unless
    broken; the first of several frames counts. 16-bit grey stays exact, 16-bit RGB becomes 8 bits.

    Args:
      source: a path, a `PIL.Image.Image`, or an array or tensor [H, W], [H, W, 1], [H, W, 3] or
        [H, W, 4], with or without a leading 1, of uint8, uint16 or floats in [0, 1].
      name: the flag or argument that messages begin with; "=path" is added for a path.
      background: the RGB colour in [0, 1] seen through transparent pixels.

    Raises:
      ImageError: a file is missing, not readable, not an image or damaged; a side is under
        `MIN_SIDE`; pixels are more than `MAX_PIXELS` (found before decoding); or an array has
        another shape, type or range.
    """
    label = name
    if isinstance(source, (str, os.PathLike)):
        label = f"{name}={os.fspath(source)}"
        with _open(source, label) as image:
            array = _decode(image, label)
    elif isinstance(source, Image.Image):
        array = _decode(source, label)
    elif hasattr(source, "__array__"):
        array = np.asarray(source)
    else:
        raise ImageError(f"{name}: expected a path, image, array or tensor, received {source!r}")
    return _composite(_to_unit(_without_batch(array, label), label), background)


def is_picture(source) -> bool:
    """Whether `load` takes it as pixels, and not as a path."""
    return isinstance(source, Image.Image) or hasattr(source, "__array__")


def _open(path, label):
    try:
        return Image.open(path)
    except Exception as error:  # parsers raise whatever a damaged file makes them trip over
        raise ImageError(f"{label}: {_reason(error, path)}") from error


def _reason(error, path):
    if isinstance(error, FileNotFoundError):
        return "file not found: expected the path of an image"
    if isinstance(error, Image.DecompressionBombError):
        return f"expected at most {MAX_PIXELS} pixels, received more ({error}): scale it down"
    if isinstance(error, UnidentifiedImageError):
        received = "another or a damaged file" if os.path.getsize(path) else "an empty file"
        return f"expected an image such as PNG or JPEG, received {received}"
    reason = getattr(error, "strerror", None) or f"damaged file ({error})"
    return f"{reason.lower()}: expected the path of a readable image"


def _decode(image, label):
    _check_size(image.height, image.width, label)
    try:
        image.load()
        return _upright(_deep_grey(image) if image.mode[0] in "IF" else _shallow(image), image)
    except Exception as error:  # decoders raise whatever a damaged file makes them trip over
        raise ImageError(f"{label}: damaged image ({error}): expected a whole one") from error


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


def _deep_grey(image):
    grey = np.asarray(image)
    if image.mode == "I" and grey.min() >= 0 and grey.max() <= 65535:
        grey = grey.astype(np.uint16)  # 16 bits in a 32-bit container
    if "transparency" in image.info:
        opaque = np.where(grey == image.info["transparency"], 0, 65535).astype(np.uint16)
        grey = np.dstack([grey, grey, grey, opaque])
    return grey


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
    with contextlib.suppress(OSError, ImageCms.PyCMSError):
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
        return tuple(value / 255 for value in ImageColor.getrgb(name)[:3])
    except (ValueError, TypeError):
        expected = 'expected a colour such as "white" or "#ffcc00"'
        raise ImageError(f"background: {expected}, received {name!r}") from None


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
        is a directory or a file that is not writable. The message begins with "name=path".
    """
    label = f"{name}={os.fspath(path)}"
    extension = os.path.splitext(os.path.realpath(path))[1]
    if extension.lower() not in EXTENSIONS:
        raise ImageError(f"{label}: expected one of {' '.join(EXTENSIONS)}, received '{extension}'")
    check_writable(path, label)


def check_writable(path, label):
    """Checks that a file can be written at `path`; the message of an `ImageError` begins so."""
    path = os.path.realpath(path)
    try:
        # Really try: os.access says yes to root, whatever the permissions.
        if os.path.exists(path):
            open(path, "r+b").close()
        with temporary(path) as beside:
            open(beside, "xb").close()
    except OSError as error:
        expected = "expected a file that can be written, in a directory that exists"
        raise ImageError(f"{label}: {error.strerror.lower()}: {expected}") from error


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
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise ImageError(
            f"{name}: expected a folder that can be made, received {path!r}: {error.strerror}"
        ) from error


def remove_temporaries(folder, names):
    """Removes what `save` left in a folder, beside files of these names, when it was killed."""
    for entry in os.listdir(folder):
        stem, extension = os.path.splitext(entry)
        name, middle = os.path.splitext(stem)
        if name + extension in names and re.fullmatch(r"\.[0-9a-f]{16}", middle):
            with contextlib.suppress(FileNotFoundError):
                os.remove(os.path.join(folder, entry))


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
    pixels = np.asarray(image)
    if pixels.dtype.kind != "f" or pixels.shape != (1, *pixels.shape[1:3], 3):
        found = f"{pixels.dtype} {list(pixels.shape)}"
        raise ImageError(f"{path}: expected floating-point values [1, H, W, 3], received {found}")
    if not np.isfinite(pixels).all():
        raise ImageError(f"{path}: expected finite pixel values, received NaN or infinity")
    picture = to_pil(pixels)
    path = os.path.realpath(path)
    metadata = {} if settings is None else _metadata(path, settings)
    try:
        with temporary(path) as beside:
            # Each format takes the options that it knows.
            picture.save(beside, quality=95, subsampling="4:4:4", **metadata)
            os.replace(beside, path)
    except (OSError, ValueError) as error:
        raise ImageError(f"{path}: writing failed ({error}): choose another output") from error


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


@_without_warnings()
def read_settings(path):
    """Returns the dict that `save` embedded, or None; raises ImageError if `path` is no image."""
    # What is suppressed is a missing or damaged block, or the comment of another program.
    with _open(path, os.fspath(path)) as image, contextlib.suppress(Exception):
        if KEY in image.info:
            return json.loads(image.info[KEY])
        comment = image.getexif().get_ifd(EXIF_IFD)[USER_COMMENT]
        return json.loads(comment[len(ASCII) :])[KEY]
    return None
