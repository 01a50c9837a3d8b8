"""Pictures in: files, Pillow's images and arrays as RGB."""

import os

import numpy as np
from PIL import Image

from tfstyle.messages import shown
from tfstyle.pictures import metadata
from tfstyle.pictures.base import ImageError, check_size, quietly
from tfstyle.pictures.decoding import check_not_dark, decoded
from tfstyle.pictures.files import opened
from tfstyle.pictures.metadata import Metadata
from tfstyle.pictures.paths import label_of
from tfstyle.pictures.picture import Picture

GREY = 0.1  # channels of a grey picture differ by less, whatever the file's compression


def load(source, name="image", background=(1.0, 1.0, 1.0)):
    """Reads a picture as a new array, RGB float32 [1, H, W, 3] in [0, 1].

    Args:
      source, name: see `read`, also for errors.
      background: the RGB colour in [0, 1] seen through transparent pixels.
    """
    return read(source, name).over(background)


def load_mask(source, name="mask"):
    """Reads a grey picture that says where something counts, float32 [1, H, W, 1] in [0, 1].

    What is transparent is black. Arrays may also be of booleans; the rest is as for `load`.

    Raises:
      ImageError: as `load`; or the picture is coloured, or black everywhere.
    """
    path = isinstance(source, (str, os.PathLike))
    label = label_of(name, source) if path else name
    if getattr(source, "dtype", None) == np.bool_:
        source = np.asarray(source, np.float32)
    colours = load(source, name, background=(0.0, 0.0, 0.0))
    if np.ptp(colours, axis=-1).max() > GREY:
        raise ImageError(
            f"{label}: expected a grey picture, white where it counts, received a coloured one: "
            "save a mask for each of its colours"
        )
    mask = np.ascontiguousarray(colours[..., 1:2])
    if not mask.any():
        raise ImageError(f"{label}: expected a picture with white in it, received black everywhere")
    return mask


@quietly()
def read(source, name="image"):
    """Reads a picture with its transparency and metadata.

    Files are turned upright (EXIF); an RGB or CMYK profile (ICC) is converted to sRGB, unless
    broken; of several frames the first counts, in a TIFF the first that is no thumbnail. 16-bit
    values stay exact, but in a TIFF with colours, and where a profile is converted: these have 8
    bits without the extra "deep". Fewer bits in more are scaled where a TIFF tells how many; where
    none does, they are an error.

    Args:
      source: the path of a file in one of `FORMATS`, or HEIC with the extra "heif"; "/dev/stdin";
        the bytes of such a file; a `PIL.Image.Image`; or an array or tensor [H, W], [H, W, 1],
        [H, W, 3] or [H, W, 4], with or without a leading 1, of uint8, uint16 or floats in [0, 1].
      name: the flag or argument that messages begin with; "=path" is added for a path.

    Returns:
      A `Picture`.

    Raises:
      ImageError: a file is missing, a device or named pipe, not readable, not an image or damaged;
        a side is under `MIN_SIDE`; pixels are more than `MAX_PIXELS` (found before decoding);
        16-bit values are all below 4096; or an array has another shape, type or range.
    """
    label, found = name, Metadata()
    if isinstance(source, (str, os.PathLike, bytes)):
        label = name if isinstance(source, bytes) else label_of(name, source)
        with opened(source, label) as image:
            array, found = decoded(image, label), metadata.read(image)
    elif isinstance(source, Image.Image):
        array, found = decoded(source, label), metadata.read(source)
    elif hasattr(source, "__array__"):
        array = _array(source, name)
    else:
        raise ImageError(
            f"{name}: expected a path, image, array or tensor, received {shown(source)}"
        )
    depth = 8 if array.dtype.itemsize == 1 else 16
    return Picture.of(_to_unit(_without_batch(array, label), label), found, depth)


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


def _without_batch(array, label):
    shape = array.shape
    if shape[:1] == (1,) and (array.ndim == 4 or shape[-1] not in (1, 3, 4)):
        array = array[0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (1, 3, 4)):
        raise ImageError(
            f"{label}: expected the shape [H, W], [H, W, 1], [H, W, 3] or [H, W, 4], with or "
            f"without a leading 1, received {list(shape)}: pass one image, channels last"
        )
    check_size(*array.shape[:2], label)
    return array


def _to_unit(array, label):
    if array.dtype.kind == "u" and array.dtype.itemsize <= 2:
        if array.dtype.itemsize == 2:
            check_not_dark(array[..., :3].max() if array.ndim == 3 else array.max(), label)
        return array.astype(np.float32, order="C") / np.iinfo(array.dtype).max
    if array.dtype.kind != "f":
        raise ImageError(f"{label}: expected uint8, uint16 or float values, received {array.dtype}")
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 1):  # so written, it finds NaN too
        received = f"down to {low:.9g}" if high <= 1 else f"up to {high:.9g}"
        remedy = "divide by 255" if low >= 0 and 2 < high <= 255 else "scale or clip them"
        raise ImageError(f"{label}: expected values in [0, 1], received {received}: {remedy}")
    return array.astype(np.float32, order="C")
