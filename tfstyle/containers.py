"""Picture files as bytes: what is optional is left out, so that pixels load whatever it is.

Every function takes the bytes of a file. What they cannot follow stays, for a decoder to refuse.
"""

import re
import struct
import zlib
from collections.abc import Iterator

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
PROFILE, EXIF = "profile", "exif"  # the metadata that is looked at

_MOST_TEXT = 1 << 24  # bytes of settings
_PNG_READ = {b"iCCP": PROFILE, b"eXIf": EXIF}
_JPEG_READ = {b"\xe1Exif\0\0": EXIF, b"\xe2ICC_PROFILE\0": PROFILE}
# Of JFIF and Adobe segments as long as a decoder asks for: these decide over the colours.
_JPEG_COLOURS = {b"\xe0JFIF\0": 16, b"\xeeAdobe": 14}
_SCAN, _END = 0xDA, 0xD9
_JPEG_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# Least and greatest values, XMP, IPTC, Photoshop, EXIF, GPS.
_TIFF_OPTIONAL = {280, 281, 340, 341, 700, 33723, 34377, 34665, 34853}


def leaner(data: bytes, keyword: str) -> Iterator[bytes]:
    """Versions of a file, with less and less metadata, to be tried one after the other."""
    for without in ((), (PROFILE,), (EXIF,), (PROFILE, EXIF)):
        if data.startswith(PNG):
            yield _lean_png(data, keyword, without)
        elif data.startswith(JPEG):
            yield _lean_jpeg(data, without)
        else:
            yield data
            break


def _lean_png(data, keyword, without):
    """The first picture, its profile, its EXIF, and the text with that keyword; with an end."""
    kept = [PNG]
    for kind, body, crc in _png_chunks(memoryview(data)):
        pixels = kind[:1].isupper() or kind == b"tRNS"
        if pixels or (_png_is_read(kind, body, keyword, without) and _png_crc(kind, body) == crc):
            kept += [struct.pack(">I", len(body)), kind, body, crc]
        if kind == b"IDAT":
            without = (*without, PROFILE)  # too late
    return b"".join(kept + [struct.pack(">I", 0), b"IEND", _png_crc(b"IEND", b"")])


def with_chunks(data: bytes, other: bytes) -> bytes:
    """A PNG with what stands beside the pixels of another."""
    at = len(PNG) + 25  # behind the header
    parts = _png_chunks(memoryview(other))
    beside = [
        struct.pack(">I", len(body)) + kind + bytes(body) + crc
        for kind, body, crc in parts
        if not kind[:1].isupper()
    ]
    return data[:at] + b"".join(beside) + data[at:]


def _png_chunks(data):
    at = len(PNG)
    while at + 8 <= len(data) and (kind := bytes(data[at + 4 : at + 8])) != b"IEND":
        (length,) = struct.unpack_from(">I", data, at)
        body = data[at + 8 : at + 8 + length]
        crc = bytes(data[at + 8 + length : at + 12 + length])
        # A cut one: where the decoder has all pixels by then, it does not matter.
        yield kind, body, crc if len(crc) == 4 else _png_crc(kind, body)
        at += 12 + length


def _png_crc(kind, body):
    return struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def _png_is_read(kind, body, keyword, without):
    if kind == b"tEXt":
        return len(body) < _MOST_TEXT and bytes(body).startswith(keyword.encode() + b"\0")
    if kind == b"pHYs":  # pixels a metre
        return len(body) == 9
    return kind in _PNG_READ and _PNG_READ[kind] not in without


def _lean_jpeg(data, without):
    """Without what neither the decoder nor `tfstyle.images` looks at."""
    kept, at = [data[:2]], 2
    for marker, segment in _jpeg_segments(data):
        if marker == _SCAN:
            break
        at += len(segment)
        if not 0xE0 <= marker <= 0xEF or _jpeg_is_read(segment[1:2] + segment[4:], without):
            kept.append(segment)
    return b"".join([*kept, data[at:]])


def _jpeg_segments(data, at=2):
    """Markers and their segments, up to what is none, or is cut; pixels are skipped."""
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xFF:
            length = -1  # a fill byte
        yield marker, data[at : at + 2 + length]
        at += 2 + length
        if marker == _SCAN:
            following = _JPEG_MARKER.search(data, at)
            at = following.start() if following else len(data)


def _jpeg_is_read(named, without):
    for start, use in _JPEG_READ.items():
        if named.startswith(start):
            return use not in without
    return any(named.startswith(start) and len(named) > n - 2 for start, n in _JPEG_COLOURS.items())


def ended_jpegs(data: bytes) -> Iterator[bytes]:
    """Two ends for a JPEG without one: it was whole if its pixels are the same with both.

    None, if there is an end already, or if a scan is missing.
    """
    markers = [marker for marker, _ in _jpeg_segments(data)]
    if _SCAN in markers and _END not in markers and not data.endswith(b"\xff\xd9"):
        if _jpeg_has_all_scans(data):
            restart = _next_restart(data)
            for filling in (64 * b"\0", 64 * b"\xaa"):  # taken for pixels, where some are missing
                yield data.removesuffix(b"\xff") + filling + restart + filling + b"\xff\xd9"


def _next_restart(data):
    """The restart marker that a decoder asks for, if the last interval was whole."""
    last = _JPEG_RESTART.findall(data, data.rfind(b"\xff\xda"))[-1:] or [b"\xff\xd7"]
    return bytes([0xFF, 0xD0 + (last[0][1] + 1) % 8])


def _jpeg_has_all_scans(data):
    """Whether each coefficient of each component has been sent to its last bit."""
    missing = set()
    for marker, segment in _jpeg_segments(data):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a frame header
            missing = {(component, k) for component in segment[10::3] for k in range(64)}
        if marker == _SCAN:
            *components, first, last, bits = segment[5::2][: segment[4]] + segment[-3:]
            if bits & 15 == 0:
                missing -= {(each, k) for each in components for k in range(first, last + 1)}
    return not missing


def lean_tiff(data: bytes) -> bytes:
    """Without the optional entries of the first directory; the same bytes if it is a BigTIFF."""
    order = "<" if data[:2] == b"II" else ">"
    version, at = struct.unpack_from(order + "HI", data, 2)
    (count,) = struct.unpack_from(order + "H", data, at)
    end = at + 2 + 12 * count
    entries = [data[i : i + 12] for i in range(at + 2, end, 12)]
    kept = [e for e in entries if struct.unpack(order + "H", e[:2])[0] not in _TIFF_OPTIONAL]
    if version != 42 or len(kept) == count:
        return data
    directory = struct.pack(order + "H", len(kept)) + b"".join(kept) + bytes(4)
    return data[:at] + directory + data[at + len(directory) :]
