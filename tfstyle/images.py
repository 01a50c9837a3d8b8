"""Images in and out: load, resize, noise, save, and the settings embedded in a saved picture.

Everywhere outside a feature model an image is RGB float32 NumPy [1, H, W, 3] in [0, 1], encoded
as sRGB. Only NumPy and Pillow are imported here, so that a mistyped path is reported at once;
TensorFlow is for PNG with 16 bits.
The names are those of `tfstyle.pictures`.
"""

from tfstyle.pictures.arrays import noise, psnr, quantized, resize, to_pil
from tfstyle.pictures.base import MAX_PIXELS, MIN_SIDE, ImageError
from tfstyle.pictures.colours import colour
from tfstyle.pictures.files import FORMATS
from tfstyle.pictures.fitting import FITS, fitted
from tfstyle.pictures.loading import is_picture, load, load_mask, read
from tfstyle.pictures.metadata import KEPT, Metadata
from tfstyle.pictures.paths import (
    EXTENSIONS,
    check_output,
    check_writable,
    expanded,
    make_folder,
    remove_temporaries,
    temporary,
)
from tfstyle.pictures.picture import Picture
from tfstyle.pictures.saving import check_form, holds_alpha, holds_depth, read_settings, save

__all__ = [
    "EXTENSIONS",
    "FITS",
    "FORMATS",
    "KEPT",
    "MAX_PIXELS",
    "MIN_SIDE",
    "ImageError",
    "Metadata",
    "Picture",
    "check_form",
    "check_output",
    "check_writable",
    "colour",
    "expanded",
    "fitted",
    "holds_alpha",
    "holds_depth",
    "is_picture",
    "load",
    "load_mask",
    "make_folder",
    "noise",
    "psnr",
    "quantized",
    "read",
    "read_settings",
    "remove_temporaries",
    "resize",
    "save",
    "temporary",
    "to_pil",
]
