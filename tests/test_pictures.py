"""Depth, transparency and metadata: against files parsed by hand, and other readers."""

import io
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, TiffImagePlugin

from tfstyle import images
from tfstyle.images import ImageError, Metadata, Picture

RNG = np.random.default_rng(0)
DEEP = RNG.integers(0, 65536, (40, 48, 4), np.uint16)
GREY = np.full((1, 40, 48, 3), 0.5, np.float32)
SLOPE = np.tile(np.linspace(0, 1, 48, dtype=np.float32)[:, None], (1, 40, 1, 1))
SETTINGS = {"size": 48}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of_16_bits(values, *beside):
    """A PNG of uint16 [H, W, C], written by hand."""
    height, width, channels = values.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    head = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    parts = [
        chunk(b"IHDR", head),
        *beside,
        chunk(b"IDAT", zlib.compress(rows)),
        chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def chunks(data):
    """The chunks of a PNG as (kind, body)."""
    at = 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += 12 + length


def samples_of(data):
    """The samples of a PNG of 16 bits, decoded by hand: every filter of its specification."""
    parts = list(chunks(data))
    width, height, depth, kind, *rest = struct.unpack(">IIBBBBB", dict(parts)[b"IHDR"])
    assert (depth, rest) == (16, [0, 0, 0])
    step = 2 * {2: 3, 6: 4}[kind]
    raw = zlib.decompress(b"".join(body for name, body in parts if name == b"IDAT"))
    rows, above = [], bytearray(width * step)
    for number in range(height):
        start = number * (1 + width * step)
        row = bytearray(raw[start + 1 : start + 1 + width * step])
        for i in range(len(row)):
            left, corner = (row[i - step], above[i - step]) if i >= step else (0, 0)
            guess = left + above[i] - corner
            nearest = min((left, above[i], corner), key=lambda each: abs(guess - each))
            filters = 0, left, above[i], (left + above[i]) // 2, nearest
            row[i] = (row[i] + filters[raw[start]]) % 256
        rows.append(bytes(row))
        above = row
    return np.frombuffer(b"".join(rows), ">u2").reshape(height, width, step // 2)


def written(data, name="picture"):
    with open(name, "wb") as file:
        file.write(data)
    return name


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_of_16_bits_is_read_exactly(channels):
    picture = images.read(written(png_of_16_bits(DEEP[..., :channels])))
    colours = DEEP[..., : 1 if channels < 3 else 3]
    np.testing.assert_array_equal(
        picture.pixels[0], np.broadcast_to(np.float32(colours) / 65535, (40, 48, 3))
    )
    if channels in (1, 3):
        assert picture.alpha is None
    elif channels == 4:
        np.testing.assert_array_equal(picture.alpha[0, ..., 0], np.float32(DEEP[..., 3]) / 65535)


def test_a_transparent_colour_of_16_bits():
    clear = chunk(b"tRNS", DEEP[3, 5, :3].astype(">u2").tobytes())
    alpha = images.read(written(png_of_16_bits(DEEP[..., :3], clear))).alpha
    assert alpha[0, 3, 5] == 0 and alpha.sum() == 40 * 48 - 1


@pytest.mark.parametrize("channels", [3, 4])
def test_png_of_16_bits_is_written_exactly(folder, channels):
    values = np.float64(DEEP[None]) / 65535
    alpha = values[..., 3:] if channels == 4 else None
    metadata = Metadata({271: "Maker"}, resolution=(300, 300))
    images.save("a.png", values[..., :3], SETTINGS, alpha=alpha, depth=16, metadata=metadata)
    data = (folder / "a.png").read_bytes()
    np.testing.assert_array_equal(samples_of(data), DEEP[..., :channels])
    parts = dict(chunks(data))
    assert struct.unpack(">IIB", parts[b"pHYs"]) == (11811, 11811, 1)
    assert parts[b"tEXt"].startswith(b"tfstyle\0") and images.read_settings("a.png") == SETTINGS
    assert b"sRGB" in zlib.decompress(parts[b"iCCP"].split(b"\0\0")[1]).replace(b"\0", b"")
    assert images.read("a.png").metadata.camera == {271: "Maker"}


@pytest.mark.parametrize("channels", [3, 4])
def test_tiff_of_16_bits(folder, channels):
    codecs = pytest.importorskip("imagecodecs")
    values = np.tile(np.float64(DEEP[None]) / 65535, (1, 4, 1, 1))  # several strips
    alpha = values[..., 3:] if channels == 4 else None
    metadata = Metadata({271: "Maker"}, {33434: 0.5}, {}, (300, 300))
    images.save("a.tif", values[..., :3], SETTINGS, alpha=alpha, depth=16, metadata=metadata)
    wanted = np.tile(DEEP[..., :channels], (4, 1, 1))
    np.testing.assert_array_equal(codecs.tiff_decode((folder / "a.tif").read_bytes()), wanted)
    picture = images.read("a.tif")
    np.testing.assert_array_equal(picture.pixels[0], np.float32(wanted[..., :3]) / 65535)
    assert (picture.alpha is not None) == (channels == 4)
    assert picture.metadata.camera == {271: "Maker"} and picture.metadata.details == {33434: 0.5}
    assert picture.metadata.resolution == (300, 300)
    assert images.read_settings("a.tif") == SETTINGS


@pytest.mark.parametrize("options", [{"compression": "lzw", "predictor": True}, {"planar": True}])
def test_tiff_of_16_bits_by_others(options):
    tifffile = pytest.importorskip("tifffile")
    pytest.importorskip("imagecodecs")
    values = DEEP[..., :3]
    if options.pop("planar", False):
        values, options = np.moveaxis(values, -1, 0), {"planarconfig": "separate"}
    tifffile.imwrite("a.tif", values, photometric="rgb", **options)
    pixels = images.load("a.tif")[0]
    np.testing.assert_array_equal(pixels, np.float32(DEEP[..., :3]) / 65535)


def test_16_bits_without_the_extra(folder, monkeypatch, caplog):
    images.save("a.tif", np.float64(DEEP[None, ..., :3]) / 65535, depth=16)
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    np.testing.assert_allclose(images.load("a.tif")[0], DEEP[..., :3] / 65535, atol=1 / 255)
    assert (
        'image=a.tif: 8 of its 16 bits are read: for all of them, pip install "tfstyle[deep]"'
        in (caplog.text)
    )


def test_profiles_at_16_bits():
    pytest.importorskip("imagecodecs")
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    icc = icc.replace(b"rXYZ", b"____").replace(b"bXYZ", b"rXYZ").replace(b"____", b"bXYZ")
    icc = icc.replace("sRGB".encode("utf-16-be"), "sBGR".encode("utf-16-be"))
    profile = chunk(b"iCCP", b"name\0\0" + zlib.compress(icc))
    picture = images.read(written(png_of_16_bits(DEEP, profile)))
    np.testing.assert_allclose(picture.pixels[0, ..., ::-1] * 65535, DEEP[..., :3], atol=2)
    np.testing.assert_array_equal(picture.alpha[0, ..., 0], np.float32(DEEP[..., 3]) / 65535)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB"])
def test_transparency_in(mode):
    opaque = np.where(np.arange(48) < 20, 0, 255).astype(np.uint8) * np.ones((40, 1), np.uint8)
    if mode in ("P", "RGB"):  # one colour is transparent
        picture = Image.fromarray(opaque).convert(mode)
        picture.save("a.png", transparency=0 if mode == "P" else (0, 0, 0))
    else:
        picture = Image.new(mode, (48, 40))
        picture.putalpha(Image.fromarray(opaque))
        picture.save("a.png")
    np.testing.assert_array_equal(images.read("a.png").alpha[0, ..., 0], opaque / 255)


def test_what_is_opaque_has_no_alpha():
    assert images.read(Image.new("RGBA", (48, 40), (1, 2, 3, 255))).alpha is None
    assert images.read(GREY).alpha is None
    clear = Picture(GREY, np.full((1, 40, 48, 1), 0.25))
    np.testing.assert_allclose(clear.over((0, 0, 1))[0, 0, 0], [0.125, 0.125, 0.875])


@pytest.mark.parametrize("extension", [".png", ".webp", ".tif", ".avif"])
def test_transparency_out(extension):
    images.save("a" + extension, GREY, SETTINGS, alpha=SLOPE)
    with Image.open("a" + extension) as picture:
        assert picture.mode == "RGBA" and b"sRGB" in picture.info["icc_profile"].replace(b"\0", b"")
        alpha = np.asarray(picture)[..., 3]
    np.testing.assert_allclose(alpha / 255, SLOPE[0, ..., 0], atol=0.03)


@pytest.mark.parametrize("extension", [".jpg", ".bmp"])
def test_formats_without_transparency_or_depth(extension):
    with pytest.raises(ImageError, match="^alpha: expected an output with transparency, one of"):
        images.save("a" + extension, GREY, alpha=SLOPE)
    with pytest.raises(ImageError, match=f"^depth: expected 8, .* received 16 for '{extension}'"):
        images.save("a" + extension, GREY, depth=16)


def photograph():
    """A JPEG with all that a telephone writes, and a small picture."""
    exif = Image.Exif()
    exif[0x0112], exif[271], exif[272], exif[306] = 6, "Maker", "Model", "2026:01:02 03:04:05"
    exif[315] = "A. Name"
    exif[0x8769] = {33434: TiffImagePlugin.IFDRational(1, 125), 34855: 400, 37500: b"secret notes"}
    exif[0x8769] |= {36867: "2026:01:02 03:04:05", 42033: "serial 4711", 42036: "Lens 35"}
    exif[0x8825] = {1: "N", 2: (48.0, 12.0, 30.5), 3: "E", 4: (11.0, 0.0, 1.0)}
    data = io.BytesIO()
    Image.new("RGB", (48, 40), (9, 99, 199)).save(data, "JPEG", exif=exif, dpi=(240, 240))
    return data.getvalue()


@pytest.mark.parametrize("extension", [".png", ".jpg", ".webp", ".tif", ".avif"])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("keep", ["none", "camera", "place"])
def test_metadata(folder, extension, depth, keep):
    if depth == 16 and extension not in (".png", ".tif"):
        return
    metadata = images.read(written(photograph())).metadata.kept(keep)
    images.save("a" + extension, GREY, SETTINGS, depth=depth, metadata=metadata)
    data = (folder / f"a{extension}").read_bytes()
    with Image.open("a" + extension) as picture:
        exif = picture.getexif()
        details, place = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
        named = {number: exif[number] for number in (271, 272, 306, 315, 0x0112) if number in exif}
    wanted = {271: "Maker", 272: "Model", 306: "2026:01:02 03:04:05"}
    assert named == ({} if keep == "none" else wanted)
    details.pop(0x9286, None)
    seen = {} if keep == "none" else {34855: 400, 33434: 1 / 125, 42036: "Lens 35"}
    assert {number: details[number] for number in details if number != 36867} == seen
    assert place == ({} if keep != "place" else {1: "N", 2: (48, 12, 30.5), 3: "E", 4: (11, 0, 1)})
    assert not any(word in data for word in (b"secret", b"4711", b"A. Name"))
    assert images.read("a" + extension).metadata.resolution == pytest.approx((240, 240), abs=0.1)
    assert images.read_settings("a" + extension) == SETTINGS


@pytest.mark.parametrize("extension", [".png", ".jpg", ".tif", ".bmp"])
def test_resolution_of_others(extension):
    Image.new("RGB", (48, 40)).save("a" + extension, dpi=(150, 300))
    found = images.read("a" + extension).metadata.resolution
    assert found == pytest.approx((150, 300), abs=0.02)


def test_damaged_metadata_is_left_out():
    data = photograph()
    at = data.index(b"Exif\0\0") + 14
    for number in range(0, 370, 5):
        damaged = bytearray(data)
        damaged[at + number] = RNG.integers(256)
        metadata = images.read(written(bytes(damaged))).metadata.kept("place")
        images.save("a.jpg", GREY, SETTINGS, metadata=metadata)
        assert images.read_settings("a.jpg") == SETTINGS
