"""The record in a picture: the same wherever the command was typed."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
from PIL import Image

from tfstyle import Outcome, images, provenance
from tfstyle.settings import TextureSettings

ROOT = pathlib.Path(__file__).parent.parent
# A command up to the moment at which it would need TensorFlow.
PROGRAM = """
import json, sys
from tfstyle import cli
from tfstyle.cli.run import Painting
Painting.execute = lambda painting, judge=None: print(json.dumps(painting.record)) or 0
sys.exit(cli.main(sys.argv[1:]))
"""
ASCII = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize("locale", [{"LC_ALL": "C"} | ASCII, {"LC_ALL": "POSIX"}])
def test_the_record_is_the_same_in_every_locale(tmp_path, locale):
    for name in ("\u00e9.png", "\udcff.png"):  # one that is not UTF-8
        with open(
            os.fsencode(tmp_path) + b"/" + name.encode("utf-8", "surrogateescape"), "wb"
        ) as f:
            Image.new("RGB", (40, 40), "red").save(f, "PNG")
    names = b"--style=\xc3\xa9.png,\xff.png", b"--init=\xc3\xa9.png", b"--output=\xc3\xa9o.png"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "texture", *names],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | locale,
        capture_output=True,
        check=True,
    )
    record = json.loads(done.stdout)
    assert record["settings"]["init"] == "\u00e9.png"
    assert record["command"].startswith("tfstyle texture '--style=\u00e9.png,\udcff.png' ")
    assert record["command"].endswith(" '--output=\u00e9o.png'")


def test_a_picture_is_known_again_in_another_locale(tmp_path):
    path, command = tmp_path / "a.png", "tfstyle texture --style={}.png"
    record = provenance.of(command.format("\u00e9"), TextureSettings())
    picture = images.noise(32, 32, 0)
    images.save(path, picture, record | {"outcome": Outcome.DONE.value})
    assert provenance.is_done(path, command.format("\u00e9"))
    assert provenance.is_done(path, command.format("\udcc3\udca9"))  # in an ASCII locale
    assert not provenance.is_done(path, command.format("\udce9"))
