"""Commands ended at random moments: nothing broken is left, and the next run ends the same.

    python -m tools.kills --count=20 --seed=1

Each command is ended by a signal to itself or to its whole group, while it starts, or when some of
its files have appeared. The same command is then run again, to its end. Every fault is printed; the
exit code is 1 then. Needs Linux.
"""

import contextlib
import hashlib
import io
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
from absl import app, flags
from PIL import Image

from tfstyle import cli

ROOT = pathlib.Path(__file__).parent.parent
OUT, ERRORS = pathlib.Path("out"), pathlib.Path("errors.txt")
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
EVENTS, START_SECONDS, MORE_SECONDS = 16, 3.0, 0.2  # of a moment, at most
FEWER = {"batch": 4, "batch of two": 4, "export": 4}  # they write less often
PATIENCE = 5  # seconds in which all processes must end
TEMPORARY = re.compile(r".*\.[0-9a-f]{16}(\.\w+)?")
PROGRAM = """
from tfstyle import checkpoint, cli
checkpoint.Saver.SECONDS, checkpoint.Saver.SHARE = 0.1, 1
cli.run()
"""

STYLE, CONTENT = ["--style=style.png"], ["--content=photos/a.png"]
FEW = ["--size=64", "--evaluations=200", "--precision=float32"]
LAYERS = ["--style_layers=block1_conv1,block2_conv1"]
STYLED = [*STYLE, *LAYERS, "--content_layers=block2_conv1"]
KEPT = ["--output=out/a.png", "--checkpoint=out/run.npz", "--resume"]
BATCH = ["batch", "--content=photos/*.png", "--output_dir=out", *STYLED, *FEW, "--evaluations=40"]
COMMANDS = {
    "stylize": ["stylize", *CONTENT, *STYLED, *FEW, *KEPT],
    "texture": ["texture", *STYLE, *LAYERS, *FEW, *KEPT],
    "invert": ["invert", *CONTENT, "--layer=block2_conv1", *FEW, *KEPT],
    "compare": ["compare", *CONTENT, *STYLED, *FEW, "--evaluations=40", "--output=out/sheets"]
    + ["--statistics=mean,gram"],
    "batch": BATCH,
    "batch of two": [*BATCH, "--workers=2"],
    "export": ["export", *STYLED, "--max_size=64", "--evaluations=2", "--output=out/model"],
}


def main(_) -> None:
    count, seed = flags.FLAGS.count, flags.FLAGS.seed
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        faults = check(random.Random(seed), count)
        os.chdir(ROOT)
    print(f"{count} kills, {len(faults)} faults", *faults, sep="\n")
    sys.exit(1 if faults else 0)


def check(draw, count, names=tuple(COMMANDS)) -> list[str]:
    """Ends commands in the working directory, which is to be empty; returns the faults.

    Args:
        draw: a `random.Random`.
        count: how often.
        names: of `COMMANDS`, which take turns.
    """
    _draw_pictures()
    names, signals = draw.sample(names, len(names)), draw.sample(SIGNALS, len(SIGNALS))
    faults, wholes = [], {}
    for turn in range(count):
        name, number = names[turn % len(names)], signals[turn % len(signals)]
        if name not in wholes:
            _fresh_folder()
            _run(COMMANDS[name])
            wholes[name] = _contents()
        _fresh_folder()
        event, share = draw.randrange(FEWER.get(name, EVENTS)), draw.random()
        end = draw.choice((os.kill, os.killpg))
        code, group = _ended(COMMANDS[name], number, event, share, end)
        case = f"{name}, {number.name} at event {event} and {share:.2f}, exit code {code}"
        print(case, flush=True)
        found = _after_end(number, code, group) + _after_next(name, wholes[name])
        faults += [f"{case}: {fault}" for fault in found]
    return faults


def _draw_pictures():
    os.mkdir("photos")
    rng = np.random.default_rng(0)
    for name in ("style.png", "photos/a.png", "photos/b.png", "photos/c.png"):
        Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(name)


def _fresh_folder():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()


def _run(arguments):
    """Runs a command to its end, in this process: it has TensorFlow already."""
    error = io.StringIO()
    with contextlib.redirect_stderr(error), contextlib.redirect_stdout(io.StringIO()):
        return cli.main(arguments), error.getvalue()


def _ended(arguments, number, event, share, end):
    """Starts a command, and ends it; returns its exit code and the number of its group."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with open(ERRORS, "w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
    seen = set()
    while process.poll() is None and not (_hears(process.pid) and len(seen) >= event):
        seen |= _states()
        time.sleep(0.002)
    time.sleep(share * (MORE_SECONDS if event else START_SECONDS))
    if process.poll() is None:
        end(process.pid, number)
    return process.wait(), process.pid


def _hears(process):
    """Whether a process has a handler for SIGTERM: before, Python itself is starting."""
    with contextlib.suppress(OSError):
        caught = re.search(r"SigCgt:\s*(\w+)", pathlib.Path(f"/proc/{process}/status").read_text())
        return bool(int(caught[1], 16) >> signal.SIGTERM - 1 & 1)
    return False


def _states():
    """Of all that is in the folder; every writing makes new ones."""
    found = set()
    for path in OUT.rglob("*"):
        with contextlib.suppress(OSError):  # a temporary file, gone already
            state = path.stat()
            found.add((path, state.st_ino, state.st_mtime_ns))
    return found


def _after_end(number, code, group):
    """The faults that are seen when a command has ended."""
    faults, error = [], ERRORS.read_text()
    expected = {-signal.SIGKILL} if number == signal.SIGKILL else {cli.INTERRUPTED}
    if code not in {0, *expected}:  # 0: it was done before
        faults.append(f"expected exit code {expected}, received {error!r}")
    if "Traceback" in error or "Exception ignored" in error:
        faults.append(f"a traceback: {error}")
    end = time.monotonic() + PATIENCE
    while _alive(group) and time.monotonic() < end:
        time.sleep(0.02)
    if _alive(group):
        faults.append("processes are left")
        os.killpg(group, signal.SIGKILL)
    try:
        _contents()
    except OSError as fault:
        faults.append(f"a broken picture: {fault}")
    return faults


def _after_next(name, whole):
    """The faults that are seen when the same command has run again."""
    is_there = name == "export" and (OUT / "model/1").exists()  # and is never overwritten
    code, error = _run(COMMANDS[name])
    faults = [] if code == (cli.USAGE if is_there else 0) else [f"the next run said {error!r}"]
    try:
        made = _contents()
    except OSError as fault:
        return [*faults, f"a broken picture after the next run: {fault}"]
    if made != whole:
        faults.append(f"other contents: {sorted(made.items() ^ whole.items())}")
    left = [str(path) for path in OUT.rglob("*") if TEMPORARY.fullmatch(path.name)]
    return [*faults, f"temporary files are left: {left}"] if left else faults


def _contents():
    """A hash of every picture and of a model's variables; raises `OSError` for a broken picture."""
    found = {}
    for path in OUT.rglob("*"):
        if TEMPORARY.fullmatch(path.name) or TEMPORARY.fullmatch(path.parent.parent.name):
            continue
        if path.suffix in (".png", ".jpg"):
            with Image.open(path) as picture:
                found[str(path)] = hashlib.sha256(np.asarray(picture).tobytes()).hexdigest()
        elif path.name.startswith("variables.data"):
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _alive(group):
    """The processes of a group; those that nobody has waited for yet do not count."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, of, *_ = path.read_text().rpartition(")")[2].split()
            if int(of) == group and state not in "ZX":
                found.append(int(path.parent.name))
    return found


if __name__ == "__main__":  # only here: the tests import other tools with flags of these names
    flags.DEFINE_integer("count", 20, "Commands that are ended.", lower_bound=1)
    flags.DEFINE_integer("seed", 0, "Of all that is drawn.")
    app.run(main)
