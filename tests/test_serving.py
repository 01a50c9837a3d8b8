"""The servers and clients of an exported model: the real server is started, and talked to."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

import numpy as np
import pytest
from PIL import Image

import tfstyle
from tfstyle import cli

LAYERS = {"style_layers": ["block1_conv1"], "content_layers": ["block2_conv1"]}
REQUEST_MB, BODY_TIMEOUT, TIMEOUT = 2, 2, 4  # the last is longer than a busy machine needs

pytest.importorskip(
    "tensorflow_serving.apis.predict_pb2", reason="needs tensorflow-serving-api: tfstyle[ray]"
)
pytest.importorskip("grpc", reason="needs grpcio: tfstyle[ray]")

from servers import (  # noqa: E402
    PHOTO,
    ROOT,
    TOKEN,
    Server,
    commands,
    free_ports,
    paint,
    replica,
    seconds,
    wait_for,
)

from export import client_grpc, client_rest, load_test, protos, serve_ray  # noqa: E402

STYLE = ROOT / "examples/styles/strokes.jpg"
PAGE = (ROOT / "docs/serving.md").read_text("utf-8")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    output = tmp_path_factory.mktemp("served") / "model"
    layers = [f"--{name}={','.join(value)}" for name, value in LAYERS.items()]
    limits = ["--evaluations=3", "--max_evaluations=100000", "--version=2"]
    arguments = [f"--style={STYLE}", f"--output={output}", "--precision=float32", "--scales=1"]
    assert cli.main(["export", *arguments, *layers, *limits]) == 0
    return output


@pytest.fixture(scope="module")
def server(model):
    pytest.importorskip("ray.serve", reason="needs Ray Serve: tfstyle[ray]")
    port, grpc_port = free_ports(2)
    command = [sys.executable, "-m", "export.serve_ray", f"--model={model}", f"--port={port}"]
    command += [f"--grpc_port={grpc_port}", f"--max_request_mb={REQUEST_MB}", "--max_queued=1"]
    command += [f"--body_timeout_s={BODY_TIMEOUT}", f"--timeout_s={TIMEOUT}", "--num_cpus=2"]
    environment = os.environ | {"TFSTYLE_TOKEN": TOKEN}
    log = model.parent / "log"
    with open(log, "w") as written:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=written)
    try:
        wait_for(lambda: "answers on" in log.read_text(), process)
        yield Server(process, port, grpc_port, log)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, log.read_text()


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "photo.png"
    with Image.open(PHOTO) as picture:
        picture.resize((72, 48)).save(path)
    return path


def stylize(side=48, num_steps=2):
    pixels = np.random.default_rng(0).random((1, side, side, 3), np.float32)
    return {"image": pixels, "num_steps": np.int32(num_steps), "seed": np.int32(0)}


def steps_of_two_timeouts(server):
    request = protos.write_request("tfstyle", "stylize", stylize(num_steps=50))
    quickest = min(seconds(lambda: server.predict(request)) for _ in range(4))
    return int(50 * 2 * TIMEOUT / quickest)


def options(server, *more):
    arguments = [f"--url={server.url}", f"--token={TOKEN}", f"--max_request_mb={REQUEST_MB}"]
    return load_test.parser().parse_args([*arguments, *more])


def test_a_port_beyond_this_machine_needs_a_token(model, monkeypatch, capsys):
    monkeypatch.delenv("TFSTYLE_TOKEN", raising=False)
    assert serve_ray.main([f"--model={model}", "--host=0.0.0.0"]) == 2
    assert "serve_ray: --host: expected a token" in capsys.readouterr().err
    assert serve_ray.main([f"--model={model.parent}"]) == 2
    assert "--model: expected a directory" in capsys.readouterr().err
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert serve_ray.main([f"--model={model}", f"--port={taken.getsockname()[1]}"]) == 2
    assert "--port: expected an address that is free" in capsys.readouterr().err


def test_health_readiness_and_status(server):
    for path in ("/healthz", "/readyz"):
        assert server.ask(path=path, token="")[0] == 200
    status, _, content = server.ask(path="/v1/models/tfstyle")
    assert status == 200
    (version,) = content["model_version_status"]
    assert (version["version"], version["state"]) == ("2", "AVAILABLE")
    assert version["status"] == {"error_code": "OK", "error_message": ""}


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x"])
def test_who_has_not_the_token_gets_nothing(server, token):
    for path in ("/v1/models/tfstyle", "/v1/models/tfstyle:predict"):
        body = b"{}" if path.endswith("predict") else None
        status, headers, content = server.ask(body, path, token)
        assert (status, headers["WWW-Authenticate"]) == (401, "Bearer") and "token" in content[
            "error"
        ]
    request = protos.write_request("tfstyle", "stylize", stylize())
    assert server.refusal(request, token=token)[0] == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    "path, body, method, code",
    [
        ("/v1/models/other:predict", b"{}", None, 404),
        ("/v1/models/tfstyle:predict", None, None, 405),
        ("/healthz", b"{}", "PUT", 405),
    ],
)
def test_other_routes(server, path, body, method, code):
    status, _, content = server.ask(body, path, method=method)
    assert status == code and "expected" in content["error"]


@pytest.mark.parametrize("kind", load_test.malformed())
def test_malformed_requests_get_a_sentence(server, kind):
    status, _, content = server.ask(load_test.malformed()[kind])
    assert status == 400 and len(content["error"].split()) > 2
    assert not re.search(r"node|\n|\{\{|Op:", content["error"])


def test_the_models_own_sentences(server):
    inputs = {name: value.tolist() for name, value in stylize().items()}

    def ask(**changed):
        return server.ask({"signature_name": "stylize", "inputs": inputs | changed})[2]

    assert ask(num_steps=0)["error"] == "num_steps: expected from 1 to 100000, received 0"
    image = np.full([1, 32, 40, 3], 2).tolist()
    assert ask(image=image)["error"] == "image: expected values in [0, 1], received 2 2"
    content = server.ask({"signature_name": "paint", "inputs": {}})[2]
    assert re.fullmatch(r"signature_name: expected one of .*, received 'paint'", content["error"])
    content = server.ask({"signature_name": "x" * 10**6, "inputs": {}})[2]
    assert len(content["error"]) < 1100
    for changed, sentence in (
        ({"num_steps": np.int32(0)}, "num_steps: expected from 1 to 100000, received 0"),
        ({"image": np.float32(1)}, "image: expected float32 [1, any, any, 3], received float32 []"),
    ):
        request = protos.write_request("tfstyle", "stylize", stylize() | changed)
        assert server.refusal(request) == ("INVALID_ARGUMENT", sentence)


def test_large_requests(server):
    asking = load_test.Asking(options(server))
    for status, body in (asking.large(), asking.chunked()):
        assert status == 413 and str(REQUEST_MB * 2**20) in json.loads(body)["error"]
    large = protos.write_request("tfstyle", "stylize", stylize(side=500))
    assert server.refusal(large)[0] == "RESOURCE_EXHAUSTED"


def test_slow_requests(server):
    status, body = load_test.Asking(options(server)).slow()
    assert status == 408 and "expected the whole request in 2 s" in json.loads(body)["error"]


def test_a_full_server_says_so_and_a_long_computation_too(server):
    number = steps_of_two_timeouts(server)
    answers = {}

    def by_rest():
        answers["rest"] = server.ask(load_test.stylize(number, stylize()["image"]))[::2]

    def by_grpc():
        request = protos.write_request("tfstyle", "stylize", stylize(num_steps=number))
        answers["grpc"] = server.refusal(request)

    asking = [threading.Thread(target=by_rest), threading.Thread(target=by_grpc)]
    for each in asking:
        each.start()
    wait_for(lambda: server.ask(path="/readyz")[0] == 503)  # one computes, one waits
    assert seconds(lambda: server.ask(path="/healthz", token="")) < 1
    status, headers, content = server.ask(b"{}")
    assert (status, headers["Retry-After"]) == (503, "1") and "asked later" in content["error"]
    assert server.refusal(protos.write_request("tfstyle", "stylize", stylize()))[0] == "UNAVAILABLE"
    for each in asking:
        each.join()
    sentence = f"expected to answer in {TIMEOUT} s, which was not enough"
    assert answers["rest"] == (504, {"error": sentence})
    assert answers["grpc"] == ("DEADLINE_EXCEEDED", sentence)
    wait_for(lambda: server.ask(load_test.stylize(1, stylize()["image"]))[0] == 200)


def test_a_client_that_leaves_gives_its_place_back(server):
    body = load_test.stylize(steps_of_two_timeouts(server), stylize()["image"])
    computing = threading.Thread(target=lambda: server.ask(body))
    computing.start()
    time.sleep(0.5)  # until it computes
    where = urllib.parse.urlsplit(server.url)
    with contextlib.closing(http.client.HTTPConnection(where.netloc)) as leaving:
        leaving.request("POST", where.path, body, {"Authorization": f"Bearer {TOKEN}"})
        wait_for(lambda: server.ask(path="/readyz")[0] == 503)
    wait_for(lambda: server.ask(path="/readyz")[0] == 200)
    assert computing.is_alive()
    computing.join()
    wait_for(lambda: server.ask(load_test.stylize(1, stylize()["image"]))[0] == 200)


def test_pictures_by_all_ways_are_those_of_the_library(server, photo, tmp_path):
    expected = tfstyle.stylize(
        photo, STYLE, scales=1, size=72, evaluations=6, precision="float32", **LAYERS
    )
    expected = np.round(expected.image[0] * 255)
    for module, url in ((client_rest, server.url), (client_grpc, server.grpc)):
        output = tmp_path / f"{module.__name__}.png"
        assert paint(module, url, photo, output) == 0
        with Image.open(output) as picture:
            assert np.abs(np.asarray(picture) - expected).max() <= 1
        assert [path.name for path in tmp_path.iterdir() if path.suffix != ".png"] == []


def test_an_interrupted_client_goes_on(server, photo, tmp_path):
    whole, resumed = tmp_path / "whole.png", tmp_path / "resumed.png"
    assert paint(client_rest, server.url, photo, whole) == 0
    calls = []

    def interrupted(url, token):
        step = client_rest.connect(url, token)

        def until_the_second(inputs):
            calls.append(int(inputs["num_steps"]))
            if len(calls) == 2:
                raise KeyboardInterrupt
            return step(inputs)

        return until_the_second

    assert paint(client_rest, server.url, photo, resumed, connect=interrupted) == 130
    assert resumed.exists()
    assert paint(client_rest, server.url, photo, resumed, connect=interrupted) == 0
    assert calls == [2, 2, 2, 2]
    assert resumed.read_bytes() == whole.read_bytes()


def test_a_state_of_another_model_is_told(server, photo, tmp_path, capsys):
    output = tmp_path / "out.png"

    def of_another(url, token):
        step = client_rest.connect(url, token)
        return lambda inputs: step(
            inputs | {"state_bytes": np.array(b"tfstyle state, other", object)}
        )

    assert paint(client_rest, server.url, photo, output, connect=of_another) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("client: state_bytes: expected") and f"remove {output}.state" in line


def test_clients_tell_what_went_wrong_in_a_line(server, photo, tmp_path, capsys):
    output = tmp_path / "out.png"
    nobody = f"127.0.0.1:{free_ports(1)[0]}"
    nowhere = {client_rest: f"http://{nobody}/v1/models/tfstyle:predict", client_grpc: nobody}
    many = ["--steps_per_call=200000", "--num_steps=200000"]
    for module, url in ((client_rest, server.url), (client_grpc, server.grpc)):
        for code, sentence, arguments in (
            (2, "token", [url, photo, output, "--token=wrong"]),
            (
                2,
                "num_steps: expected from 1",
                [url, photo, output, *many],
            ),
            (2, "--content: expected a picture", [url, tmp_path / "none.jpg", output]),
            (2, "--output: expected a name such as", [url, photo, tmp_path / "out.xyz"]),
            (1, "", [nowhere[module], photo, output]),
        ):
            assert paint(module, *arguments) == code
            line = capsys.readouterr().err.splitlines()[-1]
            assert line.startswith("client: ") and sentence in line


def test_the_calls_on_the_page(server, photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(photo, "photo.png")
    page = PAGE.replace("http://127.0.0.1:8501", server.root).replace("127.0.0.1:8500", server.grpc)
    monkeypatch.setenv("TFSTYLE_TOKEN", TOKEN)
    if shutil.which("curl"):
        (command,) = re.findall(r"```skip\n(\(printf .*?)```", page, re.DOTALL)
        subprocess.run(["bash", "-euo", "pipefail", "-c", command], check=True)
    (code,) = re.findall(r"```python skip\n(.*?)```", page, re.DOTALL)
    exec(compile(code, "docs/serving.md", "exec"), {})
    pictures = [path for path in ("curl.png", "grpc.png") if pathlib.Path(path).exists()]
    assert pictures[-1] == "grpc.png"
    for path in pictures:
        with Image.open(path) as picture:
            assert picture.size == (72, 48)


def test_bytes_that_changed_and_pictures_that_are_two(server):
    image = stylize()["image"]
    described = server.predict(
        protos.write_request("tfstyle", "describe", {"image": image, "seed": np.int32(0)})
    )
    data = bytearray(described.outputs["descriptor_bytes"].string_val[0])
    data[len(data) // 2] ^= 128
    for signature, changed, sentence in (
        ("stylize_with", {"descriptor_bytes": np.array(bytes(data), object)}, "bytes as they were"),
        ("stylize", {"image": np.repeat(image, 2, axis=0)}, "float32 [1, any, any, 3], received"),
    ):
        request = protos.write_request("tfstyle", signature, stylize() | changed)
        code, details = server.refusal(request)
        assert code == "INVALID_ARGUMENT" and sentence in details


def test_rays_folder_is_private(server):
    """Its folder, which it opens to all, lies in one that is closed to other users."""
    (folder,) = {
        pathlib.Path(path) for path in re.findall(r"/\S*/ray-\w+(?=/ray/session)", commands(server))
    }
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_load_test_finds_nothing(server, capsys):
    arguments = [f"--url={server.url}", f"--token={TOKEN}", f"--max_request_mb={REQUEST_MB}"]
    arguments += ["--seconds=4", "--clients=1", f"--pid={server.process.pid}"]
    code = load_test.main(arguments)
    printed = capsys.readouterr().out
    assert code == 0, printed
    assert "memory at the end" in printed and "0 unexpected answers" in printed


def test_the_end_of_a_replica_is_told(server):
    """The last one with this server: Ray starts another replica."""
    answers = {}

    def by_rest():
        answers["rest"] = server.ask(load_test.stylize(50_000, stylize()["image"]))

    def by_grpc():
        request = protos.write_request("tfstyle", "stylize", stylize(num_steps=50_000))
        answers["grpc"] = server.refusal(request)

    asking = [threading.Thread(target=by_rest), threading.Thread(target=by_grpc)]
    for each in asking:
        each.start()
    wait_for(lambda: server.ask(path="/readyz")[0] == 503)
    killed = replica(server)
    os.kill(killed, signal.SIGKILL)
    for each in asking:
        each.join()
    status, headers, content = answers["rest"]
    assert (status, headers["Retry-After"]) == (503, "1")
    code, details = answers["grpc"]
    assert code == "UNAVAILABLE"
    for sentence in (content["error"], details):
        assert "expected to be asked later: the model's process gave no answer" in sentence
    assert server.ask(path="/healthz", token="")[0] == 200
    wait_for(lambda: server.ask(path="/readyz")[0] == 200)
    assert server.ask(load_test.stylize(1, stylize()["image"]))[0] == 200
    assert replica(server) != killed


def test_the_log_has_no_traceback(server):
    """After all that was asked above, and the end of a replica."""
    assert "Traceback" not in server.log.read_text()
