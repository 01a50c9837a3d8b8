"""Files of strangers: none starts a program or waits; damage beside the pixels does not matter."""

import io
import logging
import os
import socket
import struct
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from export import client
from tfstyle import images
from tfstyle.images import ImageError
from tfstyle.pictures import files

LOOP = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n%%EndComments\n/x{loop}def {} loop\n"
FORMATS = "PNG, JPEG, WebP, TIFF, BMP, GIF"
NOISE = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def encoded(form, pixels=NOISE, **options):
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, form, **options)
    return data.getvalue()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def written(data, name="picture"):
    with open(name, "wb") as file:
        file.write(data)
    return name


def read_by_client(path):
    return client.load(path, 99)


@pytest.mark.parametrize("read, kind", [(images.load, ImageError), (read_by_client, client.Failed)])
@pytest.mark.parametrize("name", ["loop.jpg", "loop.eps", "loop.png"])
def test_no_file_starts_a_program(folder, monkeypatch, read, kind, name):
    (folder / "gs").write_text(f"#!/bin/sh\ntouch {folder}/started\n")
    (folder / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)  # looked for again
    started = time.monotonic()
    with pytest.raises(kind, match=f"expected a picture.* {FORMATS}"):
        read(written(LOOP, name))
    assert time.monotonic() - started < 1 and not (folder / "started").exists()


@pytest.mark.parametrize("form", ["PPM", "TGA", "PCX", "ICO", "JPEG2000"])
def test_only_documented_formats_are_opened(form):
    with pytest.raises(
        ImageError, match=f"^image=picture: expected .* {FORMATS}(, AVIF)?, received another"
    ):
        images.load(written(encoded(form)))


def special(kind):
    if kind == "a named pipe":
        os.mkfifo("special.png")
    elif kind == "a socket":
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("special.png")
    else:
        os.symlink("/dev/zero", "special.png")


@pytest.mark.parametrize("kind", ["a named pipe", "a socket", "a device"])
def test_pipes_and_devices(kind):
    special(kind)
    message = f"expected a regular file, received {kind}$"
    with pytest.raises(ImageError, match="^--content=special.png: " + message):
        images.load("special.png", "--content")
    with pytest.raises(ImageError, match="^special.png: " + message):
        images.read_settings("special.png")
    with pytest.raises(client.Failed, match="received special.png: no regular file"):
        read_by_client("special.png")
    with pytest.raises(ImageError, match="^state: " + message):
        images.check_writable("special.png", "state")
    if kind != "a device":  # of a link the extension is that of its target
        with pytest.raises(ImageError, match="^--output=special.png: " + message):
            images.check_output("special.png", "--output")


def test_standard_input():
    code = "from tfstyle import images; print(images.load('/dev/stdin').mean())"
    root = os.path.dirname(os.path.dirname(images.__file__))
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=root, input=encoded("PNG"), stdout=subprocess.PIPE)
    assert float(done.stdout) == pytest.approx(NOISE.mean() / 255, abs=1e-4)


HUGE = zlib.compress(bytes(3 << 20))
BESIDE = {
    "compressed text": chunk(b"zTXt", b"Comment\0\0" + HUGE),
    "international text": chunk(b"iTXt", b"Comment\0\1\0\0\0" + HUGE),
    "much text": 70 * chunk(b"tEXt", b"Comment\0" + bytes(1 << 20)),
    "text of no known method": chunk(b"zTXt", b"Comment\0\7"),
    "text with a wrong sum": chunk(b"tEXt", b"Comment\0hello")[:-1] + b"\0",
    "a large profile": chunk(b"iCCP", b"name\0\0" + HUGE),
    "an empty profile": chunk(b"iCCP", b""),
    "short resolution": chunk(b"pHYs", b"\0"),
    "short gamma": chunk(b"gAMA", b""),
    "short primaries": chunk(b"cHRM", b""),
    "no animation": chunk(b"acTL", b""),
}


@pytest.mark.parametrize("beside", BESIDE.values(), ids=BESIDE)
@pytest.mark.parametrize("last", [False, True])
def test_chunks_beside_the_pixels_of_png(beside, last):
    data = encoded("PNG")
    at = len(data) - 12 if last else 33  # before the end, or behind the header
    path = written(data[:at] + beside + data[at:])
    np.testing.assert_array_equal(images.load(path)[0], np.float32(NOISE) / 255)
    assert images.read_settings(path) is None


SEGMENTS = [
    b"\xed\0\x19Photoshop 3.0\x008BIM\x03\xed\xff",
    b"\xe0\0\x07JFIF\0",
    b"\xe2\0\x08MPF\0II",
    b"\xe2\0\x0eICC_PROFILE\0",
    b"\xe1\0\x10Exif\0\0II*\0\xff\xff\xff\xff",
    b"\xee\0\x07Adobe",
]


@pytest.mark.parametrize("segment", SEGMENTS)
def test_segments_beside_the_pixels_of_jpeg(segment):
    data = encoded("JPEG")
    expected = images.load(written(data))
    segment = segment[:1] + struct.pack(">H", len(segment) - 1) + segment[3:]
    damaged = written(data[:2] + b"\xff" + segment + data[2:])
    np.testing.assert_array_equal(images.load(damaged), expected)


@pytest.mark.parametrize("tag", [700, 33723, 34377, 34665, 34675, 34853])
@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_tags_beside_the_pixels_of_tiff(tag, compression):
    data = encoded("TIFF", compression=compression, tiffinfo={tag - 1: "abcd"})
    for kind, count, value in [(16, 3, 8), (4, 1, 0xFFFFFFF0), (2, 1 << 30, 8), (13, 1, 7)]:
        at = data.index(struct.pack("<HHI", tag - 1, 2, 5))
        damaged = data[:at] + struct.pack("<HHII", tag, kind, count, value) + data[at + 12 :]
        loaded = images.load(written(damaged))
        np.testing.assert_array_equal(loaded[0], np.float32(NOISE) / 255)


@pytest.mark.parametrize(
    "form, options, end",
    [
        ("PNG", {}, 16),  # the end and a sum
        ("JPEG", {}, 2),
        ("JPEG", {"progressive": True}, 2),
        ("JPEG", {"restart_marker_rows": 1}, 2),
        ("GIF", {}, 1),
    ],
)
def test_only_a_missing_end_is_none_too_many(form, options, end):
    data = encoded(form, **options)
    expected = images.load(written(data))
    np.testing.assert_array_equal(images.load(written(data[:-end])), expected)
    refused = 0
    for size in range(20, len(data) - end, 7):
        try:
            loaded = images.load(written(data[:size]))
        except ImageError:
            refused += 1
        else:  # all that is missing are the bits that fill the last byte
            assert size > len(data) - end - 12
            np.testing.assert_array_equal(loaded, expected)
    assert refused > 0.9 * len(range(20, len(data) - end, 7))


def test_a_jpeg_cut_between_restarts_is_not_whole():
    flat = np.full((40, 48, 3), 128, np.uint8)
    for pixels in (flat, np.uint8(np.add.outer(np.arange(40), np.arange(48)))):
        data = encoded("JPEG", pixels, restart_marker_blocks=3)
        for size in range(data.index(b"\xff\xda") + 14, len(data) - 3):
            with pytest.raises(ImageError, match="^image=picture: damaged"):
                images.load(written(data[:size]))


RAMP = np.arange(40 * 48, dtype=np.uint16).reshape(40, 48) * 2  # to 3838: 12 bits


@pytest.mark.parametrize("form", ["TIFF", "PNG"])
def test_fewer_bits_in_16_are_refused(form):
    message = "expected 16-bit values .* none above 3838, .* such as 4095"
    with pytest.raises(ImageError, match=message):
        images.load(written(encoded(form, RAMP)))
    with pytest.raises(ImageError, match="^image: " + message):
        images.load(RAMP)
    assert images.load(written(encoded(form, 0 * RAMP))).max() == 0  # black is black


def test_fewer_bits_in_colours_of_16_are_refused():
    rows = np.dstack([RAMP, RAMP, RAMP]).astype(">u2")
    lines = b"".join(b"\0" + row.tobytes() for row in rows)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 48, 40, 16, 2, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    with pytest.raises(ImageError, match="expected 16-bit values"):
        images.load(written(data))


@pytest.mark.parametrize("tag", [281, 341])
@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.float32])
def test_a_tiff_tells_its_bits(tag, kind):
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[tag], info.tagtype[tag] = 4095, 3
    data = encoded("TIFF", RAMP.astype(kind), tiffinfo=info)
    np.testing.assert_allclose(images.load(written(data))[0, ..., 0], RAMP / 4095, rtol=1e-6)


@pytest.mark.parametrize("greatest, message", [(255, "such as 255"), (70000, "scale them")])
def test_few_or_many_of_32_bits(greatest, message):
    data = encoded("TIFF", np.full((40, 48), greatest, np.int32))
    with pytest.raises(ImageError, match=message):
        images.load(written(data))


@pytest.mark.parametrize("brand, message", [(b"heic", r"tfstyle\[heif\]"), (b"avif", "convert it")])
def test_phone_pictures(monkeypatch, brand, message):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setattr(files, "FORMATS", files.FORMATS[:-1])  # a Pillow without AVIF
    with pytest.raises(ImageError, match=f"^image=picture: expected .*, received .*{message}"):
        images.load(written(b"\0\0\0\x1cftyp" + brand + bytes(99)))


def test_heic_is_read():
    pillow_heif = pytest.importorskip("pillow_heif")
    data = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (48, 40), (200, 100, 50))).save(data, quality=95)
    loaded = images.load(written(data.getvalue()))
    np.testing.assert_allclose(loaded[0, 20, 20] * 255, [200, 100, 50], atol=6)


def test_home(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    images.make_folder("~/made", "output")
    images.check_output("~/made/out.png")
    images.save("~/made/out.png", np.float32(NOISE[None]) / 255, {"steps": 3})
    assert os.listdir() == ["made"] and os.listdir("made") == ["out.png"]
    assert images.load("~/made/out.png").shape == (1, 40, 48, 3)
    assert images.read_settings("~/made/out.png") == {"steps": 3}


@pytest.mark.parametrize("name", ["a\nb.png", "\x1b[31m.png", "\udc80.png", "\ud800.png", "\0.png"])
def test_names_that_cannot_be_printed(name):
    pixels = np.float32(NOISE[None]) / 255
    for refused in (
        lambda: images.load(name),
        lambda: images.read_settings(name),
        lambda: images.check_output(f"none/{name}"),
        lambda: images.save(name, pixels * np.nan),
        lambda: images.make_folder("file/" + name, "output"),
    ):
        written(b"", "file")
        with pytest.raises(ImageError) as caught:
            refused()
        assert str(caught.value).isprintable() and repr(name)[1:-1] in str(caught.value)


@pytest.mark.parametrize("pages", ["small", "marked", "both", "cut"])
def test_a_thumbnail_in_front_of_a_tiff_is_not_the_picture(pages):
    small = {"small": (24, 20), "marked": (36, 40), "both": (24, 20), "cut": (36, 40)}[pages]
    thumbnail, picture = Image.new("RGB", small), Image.fromarray(NOISE)
    marked = TiffImagePlugin.ImageFileDirectory_v2()
    marked[254] = int(pages != "small")
    picture.encoderinfo = {"tiffinfo": TiffImagePlugin.ImageFileDirectory_v2()}
    file = io.BytesIO()
    thumbnail.save(file, "TIFF", tiffinfo=marked)
    first = len(file.getvalue())
    file = io.BytesIO()
    thumbnail.save(file, "TIFF", tiffinfo=marked, save_all=True, append_images=[picture])
    data = file.getvalue()[: first if pages == "cut" else None]
    loaded = images.load(written(data))
    wanted = np.asarray(thumbnail if pages == "cut" else picture) / 255
    np.testing.assert_allclose(loaded[0], wanted, atol=1e-6)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "jpeg"])
def test_nothing_of_libtiff_is_shown(capfd, compression):
    data = bytearray(encoded("TIFF", compression=compression))
    data[20 : len(data) // 2 : 37] = bytes(len(data[20 : len(data) // 2 : 37]))
    with pytest.raises(ImageError, match="damaged"):
        images.load(written(data))
    os.write(2, b"console")
    assert capfd.readouterr() == ("", "console")


def test_nothing_of_pillow_is_shown(capfd, caplog, recwarn):
    data = encoded("TIFF")
    at = data.index(struct.pack("<HHI", 277, 3, 1))  # samples per pixel
    with pytest.raises(ImageError):
        images.load(written(data[:at] + struct.pack("<HHII", 277, 3, 1, 99) + data[at + 12 :]))
    assert not caplog.records and not recwarn.list and capfd.readouterr() == ("", "")
    assert logging.getLogger("PIL").level == logging.NOTSET
