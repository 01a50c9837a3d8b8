"""What the clients of both protocols share: a picture is painted step by step, and can be resumed.

A client hands `main` a function `connect(url, token)`; what that returns is called with the inputs
of the signature `step`, and returns its outputs, both `{name: array}`.
"""

import argparse
import contextlib
import hashlib
import io
import os
import pathlib
import sys
import warnings

import numpy as np
import tqdm
from PIL import Image

from export.flags import at_least

FAILURE, USAGE, INTERRUPTED = 1, 2, 130
# Pillow has others that start programs.
FORMATS = ("PNG", "JPEG", "WebP", "TIFF", "BMP", "GIF")
ORIENTATION = 0x0112  # in EXIF
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
WAIT = 600  # seconds for one answer


class Failed(Exception):
    """What the server said, or that it said nothing; `code` is the program's."""

    def __init__(self, sentence, code=FAILURE):
        super().__init__(sentence)
        self.code = code


def parser(program, url) -> argparse.ArgumentParser:
    """The flags of a client with that name, of servers at that address."""
    options = argparse.ArgumentParser(
        f"python -m export.{program}",
        description="Paints a picture by a served model, step by step.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = options.add_argument
    path = os.path.expanduser
    add("--content", required=True, type=path, help="picture to be painted")
    add("--output", required=True, type=path, help="picture to write, again after each call")
    add("--url", default=url, help="where the server is")
    add("--token", default="", help="that the server wants to see; empty: $TFSTYLE_TOKEN")
    add(
        "--max_size",
        type=at_least(1),
        default=512,
        help="a larger picture is shrunk to this long side",
    )
    add("--num_steps", type=at_least(1), default=50, help="evaluations, in all")
    add("--steps_per_call", type=at_least(1), default=10, help="evaluations in a call")
    add("--seed", type=int, default=0, help="of what the statistic draws")
    return options


def token(options) -> str:
    """The token to show; the environment's is no default, which help would print."""
    return options.token or os.environ.get("TFSTYLE_TOKEN", "")


def main(options, connect) -> int:
    """Paints; returns 0, 1 failure, 2 usage, 130 interrupted, after a line on the console."""
    warnings.filterwarnings("ignore", module="PIL")  # of metadata that is damaged
    try:
        paint(connect(options.url, token(options)), options)
    except Failed as failed:
        sentence = " ".join(str(failed).split())
        if sentence.startswith("state_bytes: "):  # another model is served now
            sentence += f"; to begin anew, remove {options.output}.state"
        print(f"client: {sentence}", file=sys.stderr)
        return failed.code
    except KeyboardInterrupt:
        print("client: interrupted; the same command continues from there", file=sys.stderr)
        return INTERRUPTED
    return 0


def paint(step, options):
    """Writes the picture after each call, and beside it what another run needs to continue."""
    content = load(options.content, options.max_size)
    saved = _Saved(options, content)
    done, state = saved.read()
    with tqdm.tqdm(total=options.num_steps, initial=done, unit="step") as progress:
        while done < options.num_steps:
            number = min(options.steps_per_call, options.num_steps - done)
            answer = step(_inputs(content, state, number, options.seed))
            losses, state = answer["losses"][:, 1], answer["state_bytes"].item()
            done += len(losses)
            save(options.output, answer["image"])
            saved.write(done, state)
            progress.update(len(losses))
            if len(losses) < number:  # it has converged
                break
            progress.set_postfix(loss=f"{losses.min():.4g}")
    saved.remove()


def _inputs(content, state, num_steps, seed):
    return {
        "content": content,
        "image": content,
        "state_bytes": np.array(state, object),
        "num_steps": np.int32(num_steps),
        "seed": np.int32(seed),
    }


def load(path, max_size):
    """A picture, upright and on white: float32 RGB `[1, H, W, 3]` in [0, 1]."""
    if not path:  # such as that of a pattern to which no file belongs
        raise Failed("--content: expected a picture, received no name", USAGE)
    try:
        if not os.path.isfile(path) and os.path.exists(path):  # to open a named pipe waits
            raise OSError(None, "no regular file")
        with Image.open(path, formats=FORMATS) as opened:
            if opened.mode[0] in "IF":  # which Pillow would cut off at 255
                raise OSError(None, f"expected 8 bits a channel, received the mode {opened.mode}")
            picture = _upright(opened).convert("RGBA")
    except Exception as error:  # Pillow raises whatever a damaged file makes it trip over
        formats = ", ".join(FORMATS)
        reason = getattr(error, "strerror", None) or f"which cannot be read as one of {formats}"
        raise Failed(f"--content: expected a picture, received {path}: {reason}", USAGE) from error
    picture.thumbnail((max_size, max_size), Image.Resampling.LANCZOS)
    white = Image.new("RGBA", picture.size, "white")
    pixels = np.asarray(Image.alpha_composite(white, picture).convert("RGB"))
    return np.float32(pixels[None]) / np.float32(255)


def _upright(picture):
    orientation = None  # also where EXIF is damaged: no reason to refuse the picture
    with contextlib.suppress(Exception):
        orientation = picture.getexif().get(ORIENTATION)
    return picture.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else picture


def save(path, image):
    """Writes `[1, H, W, 3]` in [0, 1], whole or not at all."""
    picture = Image.fromarray(np.uint8(image[0] * 255 + 0.5))
    extension = pathlib.Path(path).suffix.lower()
    form = Image.registered_extensions().get(extension)
    if form not in Image.SAVE:
        raise Failed(f"--output: expected a name such as a.png, received {path}", USAGE)
    data = io.BytesIO()
    picture.save(data, form)
    _write("--output", path, data.getvalue())


class _Saved:
    """How far a run has come, in a file beside the output."""

    def __init__(self, options, content):
        self._path = pathlib.Path(f"{options.output}.state")
        key = f"{content.shape} {options.seed}".encode() + content.tobytes()
        self._key = hashlib.sha256(key).digest()  # other pictures do not continue from here

    def read(self):
        """Evaluations that are done, and the state after them."""
        try:
            data = self._path.read_bytes()
        except OSError:
            return 0, b""
        key, done, state = data[:32], data[32:36], data[36:]
        return (int.from_bytes(done, "big"), state) if key == self._key else (0, b"")

    def write(self, done, state):
        _write("--output", self._path, self._key + done.to_bytes(4, "big") + state)

    def remove(self):
        self._path.unlink(missing_ok=True)


def _write(flag, path, data):
    beside = f"{path}.{os.getpid()}.part"
    try:
        pathlib.Path(beside).write_bytes(data)
        os.replace(beside, path)
    except OSError as error:
        pathlib.Path(beside).unlink(missing_ok=True)
        reason = error.strerror
        raise Failed(f"{flag}: expected to write {path}, received: {reason}", USAGE) from error
