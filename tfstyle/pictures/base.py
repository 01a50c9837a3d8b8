"""What every module around pictures shares: limits, the error, and quiet."""

import contextlib
import logging
import threading
import warnings

from PIL import features

# The deepest layer sees a sixteenth of each side: less than 2 x 2 positions there say nothing.
MIN_SIDE = 32
# 1.2 GB as float32 RGB: more than any optimisation in memory can work on.
MAX_PIXELS = 100_000_000
HAS_AVIF = "avif" in features.modules and features.check("avif")  # Pillow's wheels, from 11.3 on
WHITE = 65535  # of 16 bits
KEY = "tfstyle"  # of the settings in a picture
ASCII = b"ASCII\0\0\0"  # the character code that begins an EXIF user comment
EXIF_IFD, GPS_IFD, USER_COMMENT = 0x8769, 0x8825, 0x9286

_WARNINGS_LOCK = threading.Lock()  # warning filters belong to the whole process


class ImageError(ValueError):
    """An image or a path that cannot be used; the message is one sentence for the user."""


@contextlib.contextmanager
def quietly():
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


def check_size(height, width, label):
    if min(height, width) < MIN_SIDE or height * width > MAX_PIXELS:
        raise ImageError(
            f"{label}: expected at least {MIN_SIDE} pixels a side and at most {MAX_PIXELS} in all, "
            f"received a width of {width} and a height of {height}: scale it"
        )
