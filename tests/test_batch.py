"""A folder of pictures: what is made, what is left alone, and what a killed worker leaves."""

import dataclasses
import functools
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from tfstyle import Outcome, Run, batch, cli, images, provenance
from tfstyle.batch import BatchSettings, job, local, workers
from tfstyle.settings import StylizeSettings

ROOT = pathlib.Path(__file__).parent.parent
FEW = ["--size=40", "--evaluations=2", "--precision=float32", "--style_layers=block1_conv1"]
FEW += ["--content_layers=block2_conv1", "--style=style.png"]
COMMAND = ["batch", "--content=photos/*.png", "--output_dir=out", *FEW]
NAMES = ("a", "b", "c")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with a style, and photos a, b and c."""
    monkeypatch.chdir(tmp_path)
    os.mkdir("photos")
    rng = np.random.default_rng(0)
    for name in ("style", *(f"photos/{name}" for name in NAMES)):
        Image.fromarray(rng.integers(0, 256, (40, 32, 3), np.uint8)).save(f"{name}.png")
    return tmp_path


def state(path):
    """Changes with every writing, also of the same bytes."""
    found = os.stat(path)
    return found.st_ino, found.st_mtime_ns


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def fails(arguments, capsys, expected):
    """The command refuses, in one line, and nothing is written."""
    before = sorted(os.listdir())
    assert cli.main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert expected in line
    assert sorted(os.listdir()) == before


# --- the command -------------------------------------------------------------------------------


def test_pictures_are_those_of_stylize_and_a_second_run_makes_only_what_is_missing(folder, capsys):
    assert cli.main([*COMMAND, "-v"]) == 0
    assert sorted(os.listdir("out")) == ["a.png", "b.png", "c.png"]
    error = capsys.readouterr().err
    assert "float32 | vgg19_narrow | 3 to paint" in error and "out: 3 made in" in error

    single = ["stylize", "--content=photos/b.png", "--output=out/b.png", *FEW]
    batch_b = pixels("out/b.png")
    os.remove("out/b.png")
    assert cli.main(single) == 0
    np.testing.assert_array_equal(pixels("out/b.png"), batch_b)

    os.remove("out/c.png")
    kept = state("out/a.png"), state("out/b.png")
    assert cli.main(COMMAND) == 0
    _, line = capsys.readouterr().err.splitlines()
    assert line.startswith("out: 1 made in ") and line.endswith(" a minute; 2 done already")
    assert (state("out/a.png"), state("out/b.png")) == kept and os.path.exists("out/c.png")
    assert cli.main(COMMAND) == 0
    assert capsys.readouterr().err == "all 3 pictures are done already\n"


def test_pictures_of_other_settings_are_not_replaced(folder, capsys):
    os.mkdir("out")
    assert cli.main([*COMMAND, "--content=photos/a.png"]) == 0
    capsys.readouterr()
    before = state("out/a.png")
    fails([*COMMAND, "--style_weight=7"], capsys, "--output_dir: expected a folder without other")
    fails([*COMMAND, "--output_dir=photos"], capsys, "3 pictures (a.png ...) came from somewhere")
    assert state("out/a.png") == before


def test_bad_files_are_listed_and_do_not_stop_the_others(folder, capsys):
    pathlib.Path("photos/b.png").write_text("not a picture")
    pathlib.Path("photos/empty.png").touch()
    Image.new("RGB", (4000, 40)).save("photos/thin.png")
    assert cli.main(COMMAND) == 1
    assert sorted(os.listdir("out")) == ["a.png", "c.png"]
    lines = capsys.readouterr().err.splitlines()
    assert "3 could not be made:" in lines[-4]
    assert [line.split(":")[0] for line in lines[-3:]] == [
        "  photos/b.png",
        "  photos/empty.png",
        "  photos/thin.png",
    ]
    assert "received an empty file" in lines[-2] and "size: expected" in lines[-1]


@pytest.mark.parametrize(
    "flags, expected",
    [
        (["--content=none/*.png"], "--content: expected files, received 'none/*.png', which match"),
        (["--content=photos/a.png,x.png"], "--content: expected files, received 'x.png'"),
        (["--content="], "--content=: expected one or several different files"),
        (["--engine=slurm"], "engine=slurm: expected one of local, ray"),
        (["--workers=0"], "workers=0: expected an integer from 1 to 10000"),
        (["--extension=.gif"], "extension=.gif: expected one of .png, .jpg,"),
        (["--style=none.png"], "--style=none.png: file not found"),
        (["--style_layers=foo"], "--style_layers: expected layers out of"),
        (["--size=8"], "--size=8: expected PIXELS or WIDTHxHEIGHT"),
        (["--output_dir=style.png/x"], "--output_dir: expected a folder that can be made"),
        (
            ["--content=photos", "--output_dir=photos/"],
            "--output_dir: expected another folder",
        ),
        (
            ["--content=empty"],
            "--content: expected a folder with pictures, received 'empty'",
        ),
        (["--content=list.txt"], "--content: expected files, received 'x.png', which matches none"),
        (["--content=a.txt"], "--content: expected files, received 'a.txt', which matches none"),
    ],
)
def test_usage_errors_come_before_any_work(folder, capsys, monkeypatch, flags, expected):
    monkeypatch.setattr(local, "run", None)
    os.mkdir("empty")
    pathlib.Path("list.txt").write_text("photos/a.png\nx.png\n")
    fails([*COMMAND, *flags], capsys, expected)


def test_what_is_wrong_for_all_pictures_is_said_once(folder, capsys):
    assert cli.main([*COMMAND, "--weights=none.npz"]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("tfstyle batch: --weights: file")
    assert os.listdir("out") == []


def test_two_inputs_of_one_name_are_refused(folder, capsys):
    Image.new("RGB", (40, 40)).save("photos/a.jpg")
    expected = "received photos/a.jpg and photos/a.png, which would both become out/a.png"
    fails([*COMMAND, "--content=photos/*"], capsys, expected)


def test_patterns_and_names_are_joined_and_folders_left_out(folder):
    os.mkdir("photos/deep.png")
    os.rename("photos/c.png", "photos/c [1], x.png")
    assert cli.main([*COMMAND, '--content=photos/[ab].png,"photos/c [1], x.png",photos/*.png']) == 0
    assert sorted(os.listdir("out")) == ["a.png", "b.png", "c [1], x.png"]


def test_help_and_mistakes_need_no_tensorflow(folder):
    code = "import sys; from tfstyle import cli; code = cli.main(sys.argv[1:]); "
    code += "sys.exit(9 if {'tensorflow', 'ray'} & {*sys.modules} else code)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for arguments, expected in ((["batch", "--help"], 0), ([*COMMAND, "--style=x.png"], 2)):
        run = [sys.executable, "-c", code, *arguments]
        assert subprocess.run(run, env=environment, capture_output=True).returncode == expected


@pytest.mark.parametrize("begun", [False, True], ids=["before it begins", "in the middle"])
def test_an_interrupted_run_continues_with_the_same_command(folder, capsys, monkeypatch, begun):
    real, runs = Run.__next__, []

    def interrupted(run):
        if run not in runs:
            runs.append(run)
        if len(runs) == 2 and bool(run.evaluations) == begun:
            signal.raise_signal(signal.SIGTERM)
        return real(run)

    monkeypatch.setattr(Run, "__next__", interrupted)
    assert cli.main(COMMAND) == 130
    assert "stopped; 1 of 3 pictures are made" in capsys.readouterr().err
    assert os.listdir("out") == ["a.png"]
    assert cli.main(COMMAND) == 0
    assert sorted(os.listdir("out")) == ["a.png", "b.png", "c.png"] and len(runs) == 4


# --- workers -----------------------------------------------------------------------------------


def scribble(work):
    """A worker without a network: appends to the output, and fails as the content's name says."""
    with open(work.output, "a", encoding="ascii") as file:
        file.write(f"{os.getpid()}\n")
    if work.content.startswith("poison") or work.content == "once" and starts(work) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if work.content == "wrong":
        raise ValueError("style: wrong for all")
    return "bad" if work.content == "bad" else None


def starts(work):
    return len(pathlib.Path(work.output).read_text().splitlines())


def named(name):
    return job.Job(name, f"{name}.txt", "")


def check_deaths(engine):
    """Blame falls on nobody but the job at which the workers die."""
    jobs = [named(name) for name in ("a", "poison", "b", "once", "bad", "c")]
    errors = {each.content: error for each, error in engine(jobs, scribble, 2)}
    expected = dict.fromkeys(("a", "b", "once", "c")) | {"bad": "bad", "poison": workers.GIVEN_UP}
    assert errors == expected
    assert {each.content: starts(each) for each in jobs} == {
        **dict.fromkeys(("a", "b", "bad", "c"), 1),
        **dict.fromkeys(("once", "poison"), 2),
    }


def test_a_worker_that_dies_is_replaced_and_its_job_tried_once_more(folder):
    check_deaths(local.run)


def test_a_wrong_setting_ends_the_run(folder):
    with pytest.raises(ValueError, match="wrong for all"):
        list(local.run([named("wrong"), named("a"), named("b")], scribble, 2))


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_of_a_real_run(folder):
    """Every good file is written once, and nothing else is left."""
    names = [f"{n}.png" for n in range(6)]
    for name in names:
        os.link("photos/a.png", f"photos/{name}")
    pathlib.Path("photos/bad.png").write_text("not a picture")
    # What a killed `save` leaves.
    os.mkdir("out")
    pathlib.Path("out/a.0123456789abcdef.png").touch()
    pathlib.Path("out/mine.0123456789abcdef.png").touch()
    command = [sys.executable, "-m", "tfstyle", *COMMAND, "--workers=2", "--evaluations=40"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    written, killed = {}, False
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as run:
        while run.poll() is None:
            for path in pathlib.Path("out").glob("?.png"):
                written.setdefault(path.name, set()).add(state(path))
            if written and not killed:
                os.kill(_workers(run.pid)[0], signal.SIGKILL)
                killed = True
            time.sleep(0.01)
        lines = run.stderr.read().splitlines()
    assert killed and run.returncode == 1
    assert "9 made" in lines[-2] and lines[-1].startswith("  photos/bad.png: expected")
    made = [*names, "a.png", "b.png", "c.png"]
    assert sorted(os.listdir("out")) == sorted([*made, "mine.0123456789abcdef.png"])
    for name in made:
        written.setdefault(name, set()).add(state(f"out/{name}"))
        assert len(written[name]) == 1, name
        assert images.read_settings(f"out/{name}")["outcome"] == "done"


def _workers(parent):
    """Process numbers of the workers of a run."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            number = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if number == parent and b"spawn_main" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
        except OSError:  # has ended
            pass
    return found


SETTINGS = StylizeSettings(
    size=40, evaluations=2, style_layers="block1_conv1", content_layers="block2_conv1"
)
ONE = job.Job("photos/a.png", "a.png", "tfstyle stylize")


def test_a_picture_that_is_done_is_not_made_again_by_a_second_worker(folder, monkeypatch):
    record = provenance.of(ONE.command, SETTINGS) | {"outcome": Outcome.CONVERGED.value}
    images.save("a.png", images.load("photos/a.png"), record)
    monkeypatch.setattr(job, "Run", None)
    assert job.paint(SETTINGS, ["style.png"], ONE) is None


@pytest.mark.parametrize("outcome", Outcome)
def test_only_a_picture_that_was_asked_for_is_done(folder, outcome):
    record = provenance.of(ONE.command, SETTINGS) | {"outcome": outcome.value}
    images.save("a.png", images.load("photos/a.png"), record)
    assert provenance.is_done("a.png", ONE.command) == outcome.finished
    assert not provenance.is_done("a.png", "tfstyle texture")


@pytest.mark.parametrize(
    "outcome, sentence",
    [
        (Outcome.NOT_FINITE, "the loss is not finite: try a smaller style_weight"),
        (Outcome.OUT_OF_MEMORY, "out of memory: try a smaller size"),
    ],
)
def test_what_ends_early_is_not_made(folder, monkeypatch, outcome, sentence):
    real = Run.complete
    monkeypatch.setattr(
        Run, "complete", lambda run: dataclasses.replace(real(run), outcome=outcome)
    )
    assert job.paint(SETTINGS, ["style.png"], ONE) == sentence
    assert not os.path.exists("a.png")


@pytest.mark.slow
def test_pictures_are_painted_without_the_command_line(folder):
    contents = ["photos/a.png", "photos/bad.png"]
    pathlib.Path("photos/bad.png").write_text("not a picture")
    os.mkdir("out")
    outputs = batch.outputs(contents, "out", ".jpg")
    assert outputs == ["out/a.jpg", "out/bad.jpg"]
    jobs = list(map(job.Job, contents, outputs, ["one", "other"]))
    for settings in (None, BatchSettings(workers=2)):
        errors = dict(batch.run(jobs, ["style.png"], SETTINGS, settings))
        assert errors[jobs[0]] is None and errors[jobs[1]].startswith("content=photos/bad.png: ")
        record = images.read_settings("out/a.jpg")
        assert record["command"] == "one" and record["settings"]["size"] == 40
        os.remove("out/a.jpg")


# --- Ray ---------------------------------------------------------------------------------------


def test_a_cluster_that_does_not_answer(folder, capsys):
    pytest.importorskip("ray", reason="needs Ray: pip install tfstyle[ray]")
    assert cli.main([*COMMAND, "--engine=ray", "--ray_address=ray://127.0.0.1:1"]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("tfstyle batch: --ray_address: expected a cluster that answers")


@pytest.fixture(scope="module")
def cluster():
    ray = pytest.importorskip("ray", reason="needs Ray: pip install tfstyle[ray]")
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    quiet = {"log_to_driver": False, "include_dashboard": False}
    ray.init("local", num_cpus=2, runtime_env={"env_vars": {"PYTHONPATH": path}}, **quiet)
    yield ray
    ray.shutdown()


@pytest.mark.filterwarnings("default")
def test_ray_paints_the_same_pictures(folder, cluster, capsys):
    assert cli.main(COMMAND) == 0
    here = [pixels(f"out/{name}.png") for name in NAMES]
    os.rename("out", "local")
    pathlib.Path("photos/bad.png").write_text("not a picture")
    assert cli.main([*COMMAND, "--engine=ray", "--workers=2"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("  photos/bad.png: expected")
    for name, expected in zip(NAMES, here):
        error = np.abs(pixels(f"out/{name}.png").astype(int) - expected)
        assert error.max() <= 1
    assert sorted(os.listdir("out")) == ["a.png", "b.png", "c.png"]


@pytest.mark.filterwarnings("default")
def test_a_dead_actor_is_replaced(folder, cluster):
    from tfstyle.batch import on_ray

    check_deaths(functools.partial(on_ray.run, address=None))


def test_without_ray_its_engine_names_the_extra(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert cli.main([*COMMAND, "--engine=ray"]) == 2
    assert 'pip install "tfstyle[ray]"' in capsys.readouterr().err
