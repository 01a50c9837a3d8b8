"""Clients and the load test by themselves: no server is asked."""

import os

import numpy as np
import pytest
from PIL import Image
from servers import PHOTO, paint

import tfstyle
from export import client, client_grpc, client_rest, load_test


@pytest.mark.parametrize("module", [client_rest, client_grpc])
@pytest.mark.parametrize("name", ["", "*.jpg", "pipe", "deep.tif", "other.ppm"])
def test_what_no_client_takes(module, name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Image.fromarray(np.zeros([40, 40], np.uint16)).save("deep.tif")
    Image.new("RGB", (40, 40)).save("other.ppm")
    assert paint(module, "nowhere", name, "out.png", connect=lambda *_: None) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("client: --content: expected a picture, received")


@pytest.mark.parametrize("orientation", range(1, 10))
def test_clients_turn_pictures_upright(orientation, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.png"
    with Image.open(PHOTO) as picture:
        picture.resize((60, 40)).save(path, exif=exif)
    loaded = client.load(str(path), 99)
    np.testing.assert_allclose(loaded, tfstyle.images.load(path), atol=1e-6)


def test_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for module in (client_rest, client_grpc):
        given = module.parser().parse_args(["--content=~/a.png", "--output=~/b.png"])
        assert (given.content, given.output) == (f"{tmp_path}/a.png", f"{tmp_path}/b.png")


def test_the_load_test_finds_faults():
    sentence = b'{"error": "a sentence"}'
    assert not load_test.fault("json", 400, sentence) and not load_test.fault(
        "valid", 503, sentence
    )
    assert load_test.fault("json", 200, b"{}") and load_test.fault("json", 500, sentence)
    assert load_test.fault("json", 400, b"Bad Request") and load_test.fault("valid", 400, sentence)
    assert load_test.fault("valid", 504, sentence) and load_test.fault("json", 0, b"reset")
