"""A few commands ended at random in each run of the tests; `python -m tools.kills` ends more."""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image

from tfstyle import cli
from tfstyle.cli import compare
from tfstyle.serving import saved_model
from tools import kills

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux"),
]
HEX = ".0123456789abcdef"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_commands_that_are_ended_leave_nothing_broken_and_end_the_same(folder):
    names = ("stylize", "batch")  # the others take as long, and an export longer
    assert kills.check(random.Random(1), len(names), names) == []


def start(*command):
    """A process in a group of its own."""
    return subprocess.Popen([sys.executable, "-c", *command], start_new_session=True)


def test_faults_are_found(folder, monkeypatch):
    kills._fresh_folder()
    monkeypatch.setattr(kills, "PATIENCE", 0)
    kills.ERRORS.write_text("Traceback (most recent call last):")
    Image.new("RGB", (99, 99)).save("out/a.png")
    whole = kills._contents()
    cut = pathlib.Path("out/a.png").read_bytes()[:-40]
    pathlib.Path("out/a.png").write_bytes(cut)
    with start("import time; time.sleep(60)") as process:
        found = kills._after_end(signal.SIGTERM, 1, process.pid)
    wanted = ["expected exit code", "a traceback", "processes are left", "a broken picture"]
    assert [fault[: len(text)] for fault, text in zip(found, wanted, strict=True)] == wanted

    monkeypatch.setattr(kills, "_run", lambda arguments: (1, "no"))
    assert "a broken picture after" in kills._after_next("texture", whole)[1]
    Image.new("RGB", (99, 99), "red").save("out/a.png")
    pathlib.Path(f"out/a{HEX}.png").touch()
    found = kills._after_next("texture", whole)
    wanted = ["the next run said 'no'", "other contents", "temporary files are left"]
    assert [fault[: len(text)] for fault, text in zip(found, wanted, strict=True)] == wanted


def test_workers_end_in_the_middle_when_the_first_process_is_killed(folder):
    code = "import time; from tfstyle.batch import local; "
    with start(code + "list(local.run([600, 601], time.sleep, 2))") as process:
        while len(kills._alive(process.pid)) < 3:
            time.sleep(0.02)
        process.kill()
    kills.ERRORS.touch()
    kills._fresh_folder()
    assert kills._after_end(signal.SIGKILL, -signal.SIGKILL, process.pid) == []


def compared():
    with compare._folder("out"):
        pass


# What makes the next run, what a killed one left there, and files of similar names.
NEXT = {
    "texture": (
        lambda: cli.main([*kills.COMMANDS["texture"], "--evaluations=1"]),
        (f"a.{16 * '0'}.png", f"a{HEX}.png", f"run{HEX}.npz"),
        ("a.png.bak", "a.0123.png", f"other{HEX}.png"),
    ),
    "compare": (
        compared,
        (f"sheet{HEX}.jpg", f"comparison{HEX}.csv", f"comparison{HEX}.json"),
        (f"other{HEX}.jpg",),
    ),
    "export": (
        lambda: saved_model.check_output("out", 1),
        (f"1{HEX}/variables/variables.index", f"1.{16 * 'f'}/saved_model.pb"),
        (f"2{HEX}/saved_model.pb", "1.bak/saved_model.pb"),
    ),
}


@pytest.mark.parametrize("name", NEXT)
def test_what_a_killed_run_left_is_removed_by_the_next(folder, name):
    kills._draw_pictures()
    run, left, kept = NEXT[name]
    left, kept = [[pathlib.Path("out", each) for each in files] for files in (left, kept)]
    for path in (*left, *kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    run()
    assert not any(path.exists() for path in left) and all(path.exists() for path in kept)
