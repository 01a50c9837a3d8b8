"""Pictures in and out, against closed forms and files written without `tfstyle.images`."""

import json
import os
import struct
import subprocess
import sys
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from tfstyle import images
from tfstyle.images import ImageError

# Three rows by two columns of 20-pixel tiles: no turn or flip gives the same picture.
TILES = np.uint8(
    [[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 0]], [[0] * 3, [10, 20, 30]]]
)
CORNERS = TILES.repeat(20, axis=0).repeat(20, axis=1)
# Orientation: counterclockwise quarter turns, then whether left and right are exchanged.
TURNS = [(1, 0, 0), (2, 0, 1), (3, 2, 0), (4, 2, 1), (5, -1, 1), (6, -1, 0), (7, 1, 1), (8, 1, 0)]
SETTINGS = {"steps": 300, "style": ["a.png", "zoë.jpg"], "weight": 0.5, "nested": {"none": None}}
GREY = np.full((1, 40, 50, 3), 0.5, np.float32)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def flat(mode, colour):
    return Image.new(mode, (40, 50), colour)


def swapped_srgb(name="sBGR"):
    """The sRGB profile with red and blue exchanged, under another name."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = data.replace(b"rXYZ", b"____").replace(b"bXYZ", b"rXYZ").replace(b"____", b"bXYZ")
    return data.replace("sRGB".encode("utf-16-be"), name.encode("utf-16-be"))


def test_import_is_light():
    code = "import sys, tfstyle.images; sys.exit('tensorflow' in sys.modules)"
    root = os.path.dirname(os.path.dirname(images.__file__))
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)


@pytest.mark.parametrize("extension", [*images.EXTENSIONS, ".PNG"])
def test_save_and_load_known_pixels(extension):
    images.save("out" + extension, np.float32(CORNERS[None] / 255))
    tolerance = {".webp": 12, ".jpg": 3, ".jpeg": 3, ".avif": 3}.get(extension, 0)
    with Image.open("out" + extension) as picture:
        # Tile centres: lossy WebP halves the resolution of colour.
        assert np.abs(np.int32(picture) - CORNERS)[10::20, 10::20].max() <= tolerance
        if "jp" in extension:
            assert [layer[1:3] for layer in picture.layer] == [(1, 1)] * 3  # 4:4:4
    loaded = images.load("out" + extension)
    assert loaded.shape == (1, 60, 40, 3) and loaded.dtype == np.float32
    np.testing.assert_allclose(loaded[0, 10::20, 10::20], TILES / 255, atol=tolerance / 255 + 1e-7)
    with open("out" + extension, "rb") as file:
        np.testing.assert_array_equal(images.load(file.read()), loaded)


def test_save_rounds_half_up_and_clips():
    ramp = np.array([-0.5, 0.49, 0.5, 1.5, 127.49, 127.5, 254.5, 300], np.float64) / 255
    images.save("out.png", np.tile(ramp, 4)[None, :, None, None] * np.ones((1, 1, 40, 3)))
    with Image.open("out.png") as picture:
        assert np.asarray(picture)[:, 0, 0].tolist() == 4 * [0, 0, 1, 2, 127, 128, 255, 255]


@pytest.mark.parametrize("orientation, turns, mirrored", TURNS)
@pytest.mark.parametrize("extension", ["png", "tif", "jpg"])
def test_exif_orientation(orientation, turns, mirrored, extension):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(CORNERS).save(f"turned.{extension}", exif=exif.tobytes(), quality=100)
    expected = np.rot90(TILES, turns)[:, :: -1 if mirrored else 1] / 255
    loaded = images.load(f"turned.{extension}")
    np.testing.assert_allclose(loaded[0, 10::20, 10::20], expected, atol=3 / 255)


@pytest.mark.parametrize(
    "mode, colour, expected",
    [
        ("RGBA", (255, 0, 0, 128), (255, 127, 127)),
        ("LA", (100, 51), (224, 224, 224)),  # 100 / 5 + 255 * 4 / 5
        ("La", (20, 51), (224, 224, 224)),  # the same, premultiplied
        ("CMYK", (255, 0, 0, 0), (0, 255, 255)),
        ("YCbCr", (99, 128, 128), (99, 99, 99)),
        ("LAB", (136, 208, 195), (255, 0, 0)),  # L* 53.3, a* 80, b* 67
        ("I", 32768, (32768 / 257,) * 3),
        ("I;16B", 32768, (32768 / 257,) * 3),
        ("F", 0.25, (63.75, 63.75, 63.75)),
    ],
)
def test_modes(mode, colour, expected):
    loaded = images.load(flat(mode, colour))
    assert loaded.shape == (1, 50, 40, 3) and loaded.dtype == np.float32
    np.testing.assert_allclose(loaded[0, 9, 9] * 255, expected, atol=12 if mode == "LAB" else 1e-3)


@pytest.mark.parametrize("mode, black", [("L", 0), ("RGB", (0, 0, 0)), ("I;16", 0), ("P", 0)])
def test_transparent_colour_of_png(mode, black):
    flat(mode, black).save("clear.png", transparency=black)
    loaded = images.load("clear.png", background=(0.0, 0.25, 1.0))
    np.testing.assert_array_equal(loaded[0, 0, 0], [0, 0.25, 1])
    picture = flat("P", 1)
    picture.putpalette([0, 0, 0, 0, 0, 255])
    picture.save("palette.png", transparency=b"\xff\x33")
    np.testing.assert_allclose(images.load("palette.png")[0, 0, 0], [0.8, 0.8, 1], rtol=1e-6)


@pytest.mark.parametrize("extension, value", [("png", 32768), ("tif", 32769)])
def test_16_bit_grey_keeps_its_precision(extension, value):
    Image.fromarray(np.full((40, 40), value, np.uint16)).save(f"deep.{extension}")
    assert images.load(f"deep.{extension}")[0, 0, 0, 0] == np.float32(value / 65535)


def test_adobe_cmyk_jpeg_first_frame_and_damaged_exif():
    flat("CMYK", (0, 255, 255, 0)).save("ink.jpg", quality=100)
    np.testing.assert_allclose(images.load("ink.jpg")[0, 0, 0], [1, 0, 0], atol=0.02)
    flat("L", 10).save("moving.gif", save_all=True, append_images=[flat("L", 200)])
    np.testing.assert_allclose(images.load("moving.gif"), 10 / 255, rtol=1e-6)
    Image.fromarray(CORNERS).save("bad.png", exif=b"Exif\0\0XX\0*\xff\xff\xff\xff\0")
    np.testing.assert_array_equal(images.load("bad.png")[0], np.float32(CORNERS) / 255)


def red_ink():
    """A minimal ICC v2 profile of CMYK: black for full K, else red (L* 53.3, a* 80, b* 67)."""
    identity, ramp = struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).flat), bytes(range(256))
    grid = 8 * bytes([136, 208, 195, 0, 128, 128])  # K runs fastest
    lut = b"mft1\0\0\0\0\4\3\2\0" + identity + 4 * ramp + grid + 3 * ramp
    fields = 144 + len(lut), 0x02100000, b"prtr", b"CMYK", b"Lab ", b"acsp"
    head = struct.pack(">I4xI4s4s4s12x4s28x3i", *fields, 63190, 65536, 54061).ljust(128, b"\0")
    return head + struct.pack(">I4sII", 1, b"A2B0", 144, len(lut)) + lut


@pytest.mark.parametrize(
    "mode, colour, icc, expected",
    [
        ("RGB", (255, 0, 10), swapped_srgb(), (10, 0, 255)),
        ("RGBA", (0, 0, 255, 128), swapped_srgb(), (255, 127, 127)),
        ("RGB", (1, 2, 3), swapped_srgb()[:150], (1, 2, 3)),
        ("L", 99, swapped_srgb(), (99, 99, 99)),
        ("RGB", (255, 0, 10), swapped_srgb("sRGB"), (255, 0, 10)),  # no need to look inside
        ("CMYK", (9, 99, 9, 0), red_ink(), (255, 0, 0)),
        ("CMYK", (0, 255, 0, 0), swapped_srgb(), (255, 0, 255)),  # not its colour space
    ],
)
def test_icc_profiles(mode, colour, icc, expected):
    atol = 12 if icc == red_ink() else 1.01
    flat(mode, colour).save("profiled.tif", icc_profile=icc)
    np.testing.assert_allclose(images.load("profiled.tif")[0, 0, 0] * 255, expected, atol=atol)


@pytest.mark.parametrize(
    "array, expected",
    [
        (np.full((40, 50), 51, np.uint8), 0.2),
        (np.full((1, 40, 50), 51, np.uint8), 0.2),
        (np.full((40, 50, 1), 13107, ">u2"), 0.2),
        (np.full((1, 40, 50, 4), 0.5, np.float32), 0.75),  # half of a half over white
        (np.asfortranarray(np.full((40, 50, 3), 0.5, np.float16)), 0.5),
        (type("Tensor", (), {"__array__": lambda self, *_, **__: GREY})(), 0.5),
        (GREY, 0.5),
    ],
)
def test_arrays(array, expected):
    loaded = images.load(array)
    assert loaded.shape == (1, 40, 50, 3) and loaded.dtype == np.float32
    assert loaded.flags.c_contiguous and not np.shares_memory(loaded, GREY)
    np.testing.assert_allclose(loaded, expected, rtol=1e-6)


def test_pictures_are_told_from_paths(folder):
    assert images.is_picture(GREY) and images.is_picture(flat("L", 0))
    assert not any(map(images.is_picture, ["noise", b"a.png", folder, None, 3]))


@pytest.mark.parametrize(
    "source, message",
    [
        (np.zeros((31, 40)), "at least 32 pixels a side .* width of 40 and a height of 31"),
        (Image.new("L", (1, 1)), "at least 32 .* a height of 1"),
        (np.broadcast_to(np.uint8(0), (10001, 10000)), "at most 100000000"),
        (np.zeros((2, 40, 40, 3)), r"received \[2, 40, 40, 3\]: pass one image, channels last"),
        (np.zeros((40, 40), np.uint32), "expected uint8, uint16 or float .* uint32"),
        (flat("I", 70000), r"in \[0, 65535\], received 70000 to 70000: scale them, or save floats"),
        (np.full((40, 40), 255.0), r"values in \[0, 1\], received up to 255: divide by 255"),
        (flat("F", -0.5), "received down to -0.5: scale or clip"),
        (np.full((40, 40), np.nan), "received up to nan"),
        (None, "expected a path, image, array or tensor, received None"),
    ],
)
def test_bad_sources(source, message):
    with pytest.raises(ImageError, match="^--content: .*" + message):
        images.load(source, name="--content")


def png_header(width, height):
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [head, b"IDAT"]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks
    )


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "received an empty file"),
        (b"plain text", "received another or a damaged file"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "damaged"),
        (png_header(10000, 10001), "at most 100000000 in all, received a width of 10000"),
        (png_header(60000, 60000), "at most 100000000 pixels, received more"),
    ],
)
def test_bad_files(folder, content, message):
    (folder / "foo.png").write_bytes(content)
    limit, filters = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    with pytest.raises(ImageError, match="^--content=foo.png: .*" + message):
        images.load("foo.png", name="--content")
    assert Image.MAX_IMAGE_PIXELS == limit and warnings.filters == filters


@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "tif", "bmp", "gif", "avif"])
def test_truncated_files(folder, extension):
    Image.effect_noise((64, 64), 50).save(f"cut.{extension}")
    data = (folder / f"cut.{extension}").read_bytes()
    (folder / f"cut.{extension}").write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageError, match=f"^image=cut.{extension}: .*damaged"):
        images.load(f"cut.{extension}")
    with pytest.raises(ImageError, match="^image: .*damaged"):
        images.load(data[: len(data) // 2])


def test_unreadable_files(folder, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    with pytest.raises(ImageError, match="^image=foo.png: file not found"):
        images.load("foo.png")
    with pytest.raises(ImageError, match=f"^image={folder}: is a directory"):
        images.load(folder)
    (folder / "foo.png").touch()
    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ImageError, match="^image=foo.png: permission denied: expected .* readable"):
        images.load("foo.png")


def test_resize():
    assert images.resize(GREY, 40, 50) is GREY
    for value in np.float32([0, 0.3, 0.7, 1]):
        assert (images.resize(np.full_like(GREY, value), 33, 77) == value).all()
    board = np.indices((64, 96)).sum(axis=0)[None, :, :, None] % 2 * np.ones(3, np.float32)
    small = images.resize(board.astype(np.float32), 16, 24)
    assert small.shape == (1, 16, 24, 3) and small.dtype == np.float32
    np.testing.assert_allclose(small[:, 2:-2, 2:-2], 0.5, atol=0.01)  # nearest gives 0 or 1
    step = np.repeat(np.float32([0, 0.25, 1]), 16)[None, :, None, None] * np.ones((1, 1, 40, 3))
    doubled = images.resize(step.astype(np.float32), 96, 40)
    assert doubled.min() == 0 and doubled.max() == 1  # no overshoot
    np.testing.assert_allclose(doubled.mean(axis=(1, 2)), step.mean(axis=(1, 2)), atol=2e-3)


def test_noise():
    picture = images.noise(100, 200, seed=1)
    assert picture.shape == (1, 100, 200, 3) and picture.dtype == np.float32
    assert abs(picture.mean() - 0.5) < 0.005 and abs(picture.std() - 0.15) < 0.005
    assert picture.min() == 0 and picture.max() == 1  # 40 of 60,000 are clipped
    assert abs(np.corrcoef(picture.reshape(-1, 3).T) - np.eye(3)).max() < 0.03
    np.testing.assert_array_equal(picture, images.noise(100, 200, seed=1))
    assert (picture != images.noise(100, 200, seed=2)).mean() > 0.99


@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "tif", "bmp", "avif"])
def test_settings(folder, extension):
    path = f"out.{extension}"
    images.save(path, GREY, SETTINGS)
    assert images.read_settings(path) == (None if extension == "bmp" else SETTINGS)
    with Image.open(path) as picture:
        if extension == "png":
            assert json.loads(picture.text["tfstyle"]) == SETTINGS
        elif extension != "bmp":
            comment = picture.getexif().get_ifd(0x8769)[0x9286]
            assert json.loads(comment.removeprefix(b"ASCII\0\0\0")) == {"tfstyle": SETTINGS}
            theirs = (folder / path).read_bytes().replace(b"tfstyle", b"another")
            (folder / path).write_bytes(theirs)
            assert images.read_settings(path) is None
    images.save(path, GREY)
    assert images.read_settings(path) is None and b"tfstyle" not in (folder / path).read_bytes()


@pytest.mark.parametrize("failure", [OSError("disk full"), KeyboardInterrupt(), RuntimeError()])
def test_save_is_atomic(folder, monkeypatch, failure):
    def half(picture, path, **_):
        (folder / path).write_bytes(b"half")
        assert len(os.listdir()) == 2
        raise failure

    (folder / "out.png").write_bytes(b"old")
    monkeypatch.setattr(Image.Image, "save", half)
    with pytest.raises(ImageError if isinstance(failure, OSError) else type(failure)):
        images.save("out.png", GREY)
    assert os.listdir() == ["out.png"] and (folder / "out.png").read_bytes() == b"old"


def test_save_follows_links_and_the_umask(folder):
    (folder / "real").mkdir()
    (folder / "link.png").symlink_to("real/out.png")
    old = os.umask(0o027)
    images.save("link.png", GREY)
    os.umask(old)
    assert (folder / "link.png").is_symlink() and os.listdir("real") == ["out.png"]
    assert (folder / "real/out.png").stat().st_mode & 0o777 == 0o640


def test_save_refuses():
    for image, message in [(GREY * np.nan, "NaN"), (GREY[0], "40, 50, 3"), (GREY > 0, "bool")]:
        with pytest.raises(ImageError, match="^out.png: .*received .*" + message):
            images.save("out.png", image)
    assert not os.listdir()


@pytest.mark.parametrize(
    "path, message",
    [
        ("a.gif", r"one of \.png \.jpg \.jpeg \.webp \.tif \.tiff \.bmp \.avif, received '\.gif'"),
        ("none/a.png", "no such file or directory"),
        ("file/a.png", "not a directory"),
        ("folder.png", "is a directory"),
        ("/proc/a.png", "expected a file that can be written"),
    ],
)
def test_check_output(folder, path, message):
    (folder / "folder.png").mkdir()
    (folder / "file").touch()
    with pytest.raises(ImageError, match=f"^--output={path}: .*{message}"):
        images.check_output(path, "--output")
    images.check_output(folder / "good.JPG")
    assert sorted(os.listdir()) == ["file", "folder.png"]


@pytest.mark.parametrize("difference", [1.0, 0.1, -0.25, 1 / 255])
def test_psnr_of_a_constant_difference(difference):
    original = np.random.default_rng(0).random((1, 40, 50, 3), np.float32)
    shifted = original + np.float32(difference)
    expected = -20 * np.log10(abs(difference))
    assert images.psnr(shifted, original) == pytest.approx(expected, abs=1e-4)
    assert isinstance(images.psnr(original, shifted), float)


def test_psnr_of_a_difference_in_one_pixel():
    other = GREY.copy()
    other[0, 3, 4] = 1  # in all three channels of one of 2000 pixels
    assert images.psnr(other, GREY) == pytest.approx(10 * np.log10(2000 / 0.25))


def test_psnr_of_equal_pictures_is_infinite():
    assert images.psnr(GREY, GREY) == np.inf


@pytest.mark.parametrize(
    "name, expected",
    [("white", (1, 1, 1)), ("#ff0080", (1, 0, 128 / 255)), ("rgb(0,51,0)", (0, 0.2, 0))],
)
def test_colour(name, expected):
    assert images.colour(name) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["whit", "#12", None, 3])
def test_unknown_colour(name):
    with pytest.raises(ImageError, match="^background: expected a colour"):
        images.colour(name)


class Failing:
    def __array__(self, *arguments, **options):
        raise RuntimeError("no array\nfor you")


class Lying:
    def __array__(self, *arguments, **options):
        return "hello"


@pytest.mark.parametrize("source", [Failing(), Lying()], ids=["failing", "lying"])
def test_objects_that_only_say_that_they_are_arrays(source):
    with pytest.raises(images.ImageError, match="^content: expected an array, received [^\n]*$"):
        images.load(source, "content")


def test_what_was_received_is_one_short_line():
    with pytest.raises(
        images.ImageError, match=r"^image: expected a path.*\[array\(.{1,80}\.\.\.$"
    ):
        images.load([np.zeros((40, 40, 3))])
