"""`tfstyle serve --ray_address`: the processes of the model are actors of a cluster."""

import os
import pathlib
import signal

import pytest
from servers import PHOTO, needs_grpc, serving, wait_for

from tfstyle import cli, images

pytest.importorskip("ray", reason="needs Ray: pip install tfstyle[ray]")
for module in ("starlette", "uvicorn", "prometheus_client"):
    pytest.importorskip(module, reason="needs the server: pip install tfstyle[serve]")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    export = ["export", "--layer=block1_conv1", f"--output={folder}/model", "--max_size=64"]
    assert cli.main([*export, "--precision=float32"]) == 0
    flags = ["--ray_address=local", "--threads=1", "--max_ongoing=2"]
    with serving(folder, ["-m", "tfstyle", "serve"], folder / "model", *flags) as server:
        yield server


def actors():
    """Numbers of all actors that hold a model, by their names in this machine's list."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(b"ray::_OnNode"):
                found.append(int(path.parent.name))
        except OSError:  # it has ended
            continue
    return found


def test_pictures_come_from_actors(server):
    status, _, file = server.fetch("/invert", PHOTO.read_bytes())
    assert status == 200 and images.load(file).shape == (1, 43, 64, 3)
    assert server.ask(b"no picture", "/invert")[0] == 400
    assert server.ask({})[0] == 400


@needs_grpc
def test_calls_by_grpc_reach_them(server):
    assert server.refusal(b"no message")[0] == "INVALID_ARGUMENT"


def test_an_actor_that_ends_is_replaced(server):
    (killed,) = actors()
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: server.ask(path="/readyz")[0] == 503)
    assert server.fetch("/invert", PHOTO.read_bytes())[0] == 503
    wait_for(lambda: server.ask(path="/readyz")[0] == 200)
    assert server.fetch("/invert", PHOTO.read_bytes())[0] == 200
    (another,) = actors()
    assert another != killed
    assert "Traceback" not in server.log.read_text()
