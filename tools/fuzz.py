"""Hostile input by the thousand: pictures, settings and flags are either taken or refused clearly.

    python -m tools.fuzz --count=10000 --seed=1

Everything is drawn from the seed. A picture is damaged; a setting or flag gets a value that nobody
expects. Taken means: the result is plain and finite. Refused means: an error of one line that
begins with what was wrong. Anything else is a fault, and printed; the exit code is 1 then.
"""

import io
import json
import math
import os
import random
import sys
import tempfile
import time

import numpy as np
from absl import app, flags
from PIL import Image

from tfstyle import images, masks
from tfstyle.cli import options
from tfstyle.pictures import deep
from tfstyle.settings import JOBS, FileSettings, StylizeSettings

_COUNT = flags.DEFINE_integer("count", 3000, "Cases of each kind.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", 0, "Of all that is drawn.")

PATIENCE = 10  # seconds for one case
ASKED = (*JOBS, FileSettings)
NUMBERS = (0, -1, 1.5, math.nan, math.inf, -math.inf, 1e39, 1e308, 5e-324, 10**30, 2**31, 2**63)
OBJECTS = (None, True, "", "x", b"x", [], {}, (), [[1]], [None], {"a": 1}, 1j, object(), len)
ARRAYS = (np.float32(3), np.int64(48), np.array([1.0, 2.0]), np.zeros((2, 2)), np.array("gram"))
TEXTS = (
    "nan",
    "inf",
    "-1",
    "1e400",
    "0x10",
    "1_000",
    "１００",
    " 5 ",
    "1,2",
    "1;2",
    "a\nb",
    "\udcff",
)
TEXTS += (
    "9" * 400,
    "８GB",
    "1e9GB",
    "64x",
    "x64",
    "64x64x64",
    "#12",
    "rgb(999,0,0)",
    "gramm",
    "~",
    ",",
)
# What else a message may begin with, where two settings belong together.
BESIDE = {"max_evaluations": ("evaluations:",)}
ENCODINGS = {
    "PNG": {},
    "JPEG": {},
    "WEBP": {"lossless": True},
    "TIFF": {"compression": "tiff_lzw"},
    "BMP": {},
    "GIF": {},
    "AVIF": {},
}


def _loaded_masks(name, value, styles):
    """The masks that so many styles get of a value."""
    if name == "style_region":
        found = masks.load_regions(StylizeSettings(), styles, {name: value})
    else:
        of_styles, content = masks.of_result(StylizeSettings(), ["style"] * styles, {name: value})
        found = [*of_styles, content]
    return [mask for mask in found if mask is not None]


def main(_) -> None:
    draw, faults = random.Random(_SEED.value), []
    for check in CHECKS:
        found = check(draw, _COUNT.value)
        print(f"{check.__name__}: {_COUNT.value} cases, {len(found)} faults")
        faults += found
    print(*faults, sep="\n")
    sys.exit(1 if faults else 0)


def check_pictures(draw, count, load=images.load, is_sound=None) -> list[str]:
    """Loads damaged pictures; returns the faults."""
    faults, seeds = [], _pictures()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            kind = draw.choice(list(seeds))
            path = os.path.join(folder, f"{number}.{kind.lower()}")
            with open(path, "wb") as file:
                file.write(_damaged(draw, seeds[kind]))
            faults += _tried(
                f"{kind} {number}",
                f"image={path}",
                lambda path=path: load(path),
                is_sound or _is_image,
            )
            os.remove(path)
    return faults


def check_mask_files(draw, count) -> list[str]:
    """Loads damaged pictures as masks; returns the faults."""
    return check_pictures(draw, count, lambda path: images.load_mask(path, "image"), _is_mask)


def check_masks(draw, count, load=_loaded_masks) -> list[str]:
    """Gives masks of all shapes and values, and another number than there are styles.

    Returns:
        The faults.
    """
    faults = []
    for number in range(count):
        name, styles = draw.choice(masks.NAMES), draw.randrange(1, 4)
        value = [_mask(draw) for _ in range(draw.choice((1, 1, styles)))]
        value = value[0] if name == "content_mask" or len(value) == 1 else value
        faults += _tried(
            f"{name} {number}: {np.shape(value) if isinstance(value, np.ndarray) else value!r}",
            name,
            lambda name=name, value=value, styles=styles: load(name, value, styles),
            lambda found: all(map(_is_mask, found)),
        )
    return faults


def check_settings(draw, count, jobs=ASKED) -> list[str]:
    """Gives settings values that nobody expects; returns the faults."""
    faults = []
    for _ in range(count):
        job = draw.choice(jobs)
        name = draw.choice(list(job.fields()))
        value = draw.choice((*NUMBERS, *OBJECTS, *ARRAYS, *TEXTS))
        faults += _tried(
            f"{job.__name__}({name}={value!r})",
            name,
            lambda job=job, name=name, value=value: job(**{name: value}),
            _is_plain,
        )
    return faults


def check_flags(draw, count) -> list[str]:
    """Gives flags texts that nobody expects; returns the faults."""
    faults = []
    for _ in range(count):
        job = draw.choice(ASKED)
        name = draw.choice(list(job.fields()))
        text = draw.choice(TEXTS + tuple(map(str, NUMBERS)))
        faults += _tried(
            f"{job.__name__} --{name}={text!r}",
            name,
            lambda job=job, name=name, text=text: _parsed(job, f"--{name}={text}"),
            _is_plain,
        )
    return faults


def _parsed(job, flag):
    try:
        given = options.parse("stylize", (job,), [flag])
    except flags.Error as error:  # as the program prints it
        raise ValueError(" ".join(str(error).split()).removeprefix("flag --")) from None
    return options.make(job, given)


def _tried(case, name, function, is_sound):
    """The fault of a case, or nothing."""
    began = time.perf_counter()
    try:
        fault = None if is_sound(function()) else "a result that is not sound"
    except ValueError as error:
        text = str(error)
        begins = (f"{name}:", f"{name}=", *BESIDE.get(name, ()))
        sound = text.startswith(begins) and "\n" not in text
        fault = None if sound else f"message {text!r}"
    except Exception as error:
        fault = f"{type(error).__name__}: {error}"
    if time.perf_counter() - began > PATIENCE:
        fault = "too slow"
    return [f"{case}: {fault}"] if fault else []


def _is_image(image):
    right = image.dtype == np.float32 and image.ndim == 4 and image.shape[3] == 3
    return right and bool(np.isfinite(image).all()) and image.min() >= 0 and image.max() <= 1


def _mask(draw):
    """A mask as it is given: half of them are sound, others anything."""
    if draw.random() < 0.5:
        return np.full((40, 48), 0.5, np.float32)
    if draw.random() < 0.2:
        return draw.choice((*OBJECTS, *ARRAYS, *TEXTS))
    shape = [draw.choice((0, 1, 31, 32, 40, 90)) if draw.random() < 0.1 else 40 for _ in range(2)]
    shape += draw.choice(([], [], [1], [2], [3], [4], [3, 1]))
    shape = [1, *shape] if draw.random() < 0.2 else shape
    values = np.full(shape, draw.choice((0, 1, 0.5, 0.5)), np.float32)
    if values.size:
        strange = draw.choice((0, 1, -0.1, 1.1, 255, math.nan, math.inf))
        values.flat[draw.randrange(values.size)] = strange
    dtype = draw.choice((np.float32, np.float64, np.uint8, np.uint16, bool, object))
    with np.errstate(all="ignore"):
        return values.astype(dtype)


def _is_mask(mask):
    """Whether something is white in it, and nothing is not a number from 0 to 1."""
    right = mask.dtype == np.float32 and mask.ndim == 4 and mask.shape[::3] == (1, 1)
    return right and 0 <= mask.min() <= mask.max() <= 1 and bool(mask.any())


def _is_plain(settings):
    """Finite, and the same after a way through JSON."""
    text = json.dumps(settings.as_json(), allow_nan=False)
    return type(settings).of(json.loads(text)) == settings


def _pictures():
    """An encoded picture of each kind."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)
    encoded = {}
    for kind, settings in ENCODINGS.items():
        data = io.BytesIO()
        Image.fromarray(pixels).save(data, kind, **settings)
        encoded[kind] = data.getvalue()
    values = np.dstack([pixels, pixels[..., 0]]).astype(np.uint16) * 257
    return encoded | {"PNG16": deep.png(values, {}), "TIFF16": deep.tiff(values, {}, {})}


def _damaged(draw, data):
    """The bytes with some flipped, cut, doubled, or left as they are."""
    data, kind = bytearray(data), draw.randrange(5)
    if kind == 0:
        for _ in range(draw.choice((1, 3, 20))):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    elif kind == 1:
        for _ in range(draw.choice((1, 2, 6))):
            data[draw.randrange(min(len(data), 160))] = draw.choice((0, 1, 127, 128, 255))
    elif kind == 2:
        del data[draw.randrange(1, len(data)) :]
    elif kind == 3:
        first, last = sorted(draw.sample(range(len(data)), 2))
        data[first:last] = data[first:last] * draw.choice((0, 2))
    return bytes(data)


CHECKS = (check_pictures, check_mask_files, check_masks, check_settings, check_flags)

if __name__ == "__main__":
    app.run(main)
