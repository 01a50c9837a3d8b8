"""What a camera and a scanner write beside the pixels: which of it is kept, and how it is written.

Kept is what is listed here. Serial numbers, names, comments, the maker's own notes and the small
picture for file managers (of the photograph, not of the painting) are not.
"""

import contextlib
import dataclasses
from collections.abc import Mapping
from typing import Any

from PIL.TiffImagePlugin import ImageFileDirectory_v2 as Directory

from tfstyle.pictures.base import ASCII, EXIF_IFD, GPS_IFD, USER_COMMENT

KEPT = ("none", "camera", "place")
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
STRIPS = 273  # offsets of pixels
INCH, CENTIMETRE = 2, 3
LONG, UNDEFINED = 4, 7  # types of entries
LONGEST = 200  # characters or numbers; an honest entry has fewer
DENSEST = 30_000  # pixels per inch; JPEG has 16 bits for them

# EXIF 2.32: make, model, time.
CAMERA = (271, 272, 306)
# Exposure, sensitivity, times, light, lens.
DETAILS = (33434, 33437, 34850, 34855, 34864, 34866, 36867, 36868, 36880, 36881, 36882)
DETAILS += (*range(37377, 37387), 37520, 37521, 37522, *range(41986, 41997), 42034, 42035, 42036)


@dataclasses.dataclass(frozen=True)
class Metadata:
    """What stands beside the pixels.

    Attributes:
      camera: entries of EXIF's first directory, by number.
      details: entries of its own directory.
      place: entries of its directory of GPS.
      resolution: pixels per inch along x and y, or None.
    """

    camera: Mapping[int, Any] = dataclasses.field(default_factory=dict)
    details: Mapping[int, Any] = dataclasses.field(default_factory=dict)
    place: Mapping[int, Any] = dataclasses.field(default_factory=dict)
    resolution: tuple[float, float] | None = None

    def kept(self, keep):
        """Only the resolution for "none"; with the camera for "camera"; all for "place"."""
        return Metadata(
            camera={} if keep == "none" else self.camera,
            details={} if keep == "none" else self.details,
            place=self.place if keep == "place" else {},
            resolution=self.resolution,
        )


def read(image):
    """The metadata of Pillow's image; what is damaged is left out."""
    entries, resolution = [{}, {}, {}], None
    with contextlib.suppress(Exception):
        exif = image.getexif()
        entries[0] = _plain(exif, CAMERA)
        entries[1] = _plain(exif.get_ifd(EXIF_IFD), DETAILS, EXIF_IFD)
        entries[2] = _plain(exif.get_ifd(GPS_IFD), range(32), GPS_IFD)
    for found in (lambda: image.info["dpi"], lambda: _resolution(image.getexif())):
        with contextlib.suppress(Exception):
            resolution = resolution or _checked(found())
    return Metadata(*entries, resolution)


def _plain(entries, known, group=None):
    """Those of the known entries that can be written again."""
    return {
        number: entries[number]
        for number in known
        if number in entries and _can_be_written(number, entries[number], group)
    }


def _can_be_written(number, value, group):
    if isinstance(value, (str, bytes, tuple)) and len(value) > LONGEST:
        return False
    with contextlib.suppress(Exception):
        return bool(_directory({number: value}, group).tobytes(8))
    return False


def _resolution(exif):
    factor = {INCH: 1, CENTIMETRE: 2.54}[exif[RESOLUTION_UNIT]]
    return [factor * float(exif[number]) for number in (X_RESOLUTION, Y_RESOLUTION)]


def _checked(resolution):
    x, y = map(float, resolution)
    return (x, y) if 10 <= min(x, y) <= max(x, y) <= DENSEST else None  # 1 stands for no resolution


def exif(metadata, comment):
    """An EXIF block with that metadata, and a user comment, or None for nothing at all."""
    root = {**metadata.camera, **resolution_entries(metadata)}
    parts = exif_parts(metadata, comment)
    if not (root or parts):
        return None
    return b"Exif\0\0II*\0" + directories(root, parts)


def exif_parts(metadata, comment):
    """The directories that the first one of EXIF points to, `{number: entries}`."""
    details = dict(metadata.details)
    if comment is not None:
        details[USER_COMMENT] = ASCII + comment.encode("ascii")
    parts = {EXIF_IFD: details, GPS_IFD: metadata.place}
    return {number: part for number, part in parts.items() if part}


def resolution_entries(metadata):
    """The entries of TIFF and EXIF for the resolution."""
    if metadata.resolution is None:
        return {}
    x, y = metadata.resolution
    return {X_RESOLUTION: x, Y_RESOLUTION: y, RESOLUTION_UNIT: INCH}


def directories(entries, parts, pixels=b""):
    """A little-endian file of TIFF without its head of 4 bytes.

    Args:
      entries: those of its directory, `{number: value}`; offsets of strips count from `pixels` on.
      parts: `{number: entries}` of other directories, to which it points.
      pixels: bytes that stand between them.
    """
    root = _directory({**entries, **dict.fromkeys(parts, 0)})
    behind = pixels + bytes(len(pixels) % 2)
    at = 8 + len(root.tobytes(8))
    for number, part in parts.items():
        root[number] = at + len(behind)
        data = _directory(part, group=number).tobytes(root[number])
        behind += data + bytes(len(data) % 2)
    return b"\x08\0\0\0" + root.tobytes(8) + behind


def _directory(entries, group=None):
    result = Directory(group=group)
    # Pillow does not know that offsets have 32 bits, and that a comment is no list of numbers.
    result.tagtype |= {EXIF_IFD: LONG, GPS_IFD: LONG, STRIPS: LONG, USER_COMMENT: UNDEFINED}
    for number, value in entries.items():
        result[number] = value
    return result
