"""`tfstyle serve` and the clients of exported models: the real server is started, and talked to."""

import os
import pathlib
import re
import shutil
import signal
import subprocess

import numpy as np
import pytest
from PIL import Image
from servers import (
    HAS_GRPC,
    PHOTO,
    ROOT,
    TOKEN,
    free_ports,
    needs_grpc,
    paint,
    replica,
    serving,
    wait_for,
)

import tfstyle
from export import client_grpc, client_rest, load_test
from tfstyle import cli, images

pytestmark = pytest.mark.slow

for module in ("starlette", "uvicorn", "prometheus_client"):
    pytest.importorskip(module, reason="needs the server: pip install tfstyle[serve]")

LAYERS = {"style_layers": ["block1_conv1"], "content_layers": ["block2_conv1"]}
STYLE = ROOT / "examples/styles/strokes.jpg"
PAGE = (ROOT / "docs/serving.md").read_text("utf-8")
SIDE = 72  # most that the model takes
# The clients, and what they need.
CLIENTS = [client_rest, pytest.param(client_grpc, marks=needs_grpc)]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    output = tmp_path_factory.mktemp("served") / "model"
    layers = [f"--{name}={','.join(value)}" for name, value in LAYERS.items()]
    limits = ["--evaluations=3", "--max_evaluations=100000", "--version=2", f"--max_size={SIDE}"]
    arguments = [f"--style={STYLE}", f"--output={output}", "--precision=float32", "--scales=1"]
    assert cli.main(["export", *arguments, *layers, *limits]) == 0
    return output


@pytest.fixture(scope="module")
def server(model):
    flags = ["--max_request=2MB", "--body_timeout=2", "--timeout=30"]
    with serving(model.parent, ["-m", "tfstyle", "serve"], model, *flags) as server:
        yield server


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "photo.png"
    with Image.open(PHOTO) as picture:
        picture.resize((72, 48)).save(path)
    return path


def stylize(side=48, num_steps=2):
    pixels = np.random.default_rng(0).random((1, side, side, 3), np.float32)
    return {"image": pixels, "num_steps": np.int32(num_steps), "seed": np.int32(0)}


def url(server, module):
    return server.url if module is client_rest else server.grpc


def predict(server, signature, inputs):
    """Outputs by gRPC."""
    from tensorflow_serving.apis import predict_pb2

    from tfstyle.server import protos

    request = protos.write_request("tfstyle", signature, inputs)
    return protos.read_response(predict_pb2.PredictResponse.FromString(server.predict(request)))


def refusal(server, signature, inputs):
    """Code and sentence of a call by gRPC."""
    from tfstyle.server import protos

    return server.refusal(protos.write_request("tfstyle", signature, inputs))


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


@needs_grpc
def test_the_models_own_sentences_by_grpc(server):
    image = stylize()["image"]
    described = predict(server, "describe", {"image": image, "seed": np.int32(0)})
    data = bytearray(described["descriptor_bytes"].item())
    data[len(data) // 2] ^= 128
    for signature, changed, sentence in (
        ("stylize", {"num_steps": np.int32(0)}, "num_steps: expected from 1 to 100000, received 0"),
        ("stylize", {"image": np.float32(1)}, "float32 [1, any, any, 3], received float32 []"),
        ("stylize", {"image": np.repeat(image, 2, axis=0)}, "any, 3], received float32 [2, 48, "),
        ("stylize_with", {"descriptor_bytes": np.array(bytes(data), object)}, "bytes as they were"),
    ):
        code, details = refusal(server, signature, stylize() | changed)
        assert code == "INVALID_ARGUMENT" and sentence in details


def test_pictures_by_all_ways_are_those_of_the_library(server, photo, tmp_path):
    expected = tfstyle.stylize(
        photo, STYLE, scales=1, size=72, evaluations=6, precision="float32", **LAYERS
    )
    expected = np.round(expected.image[0] * 255)
    answers = {}
    for module in (client_rest, client_grpc)[: 1 + HAS_GRPC]:
        output = tmp_path / f"{module.__name__}.png"
        assert paint(module, url(server, module), photo, output) == 0
        answers[module.__name__] = output.read_bytes()
        assert [path.name for path in tmp_path.iterdir() if path.suffix != ".png"] == []
    answers["plain"] = server.fetch("/stylize?num_steps=6", photo.read_bytes())[2]
    for name, file in answers.items():
        made = images.load(file)[0] * 255
        assert np.abs(made - expected).max() <= 1, name


def test_plain_pictures(server, photo):
    """A photograph that is larger than the model's pictures, turned, and as JPEG; the default."""
    exif, turned = Image.Exif(), photo.parent / "turned.webp"
    exif[0x0112] = 6
    with Image.open(PHOTO) as picture:
        picture.resize((120, 80)).save(turned, exif=exif)
    accepted = {"Accept": "image/jpeg"}
    status, headers, file = server.fetch("/stylize", turned.read_bytes(), accepted)
    assert (status, headers["Content-Type"], file[:3]) == (200, "image/jpeg", b"\xff\xd8\xff")
    assert images.load(file).shape[1:3] == (72, 48)
    by_default, by_number = (
        server.fetch(f"/stylize{query}", photo.read_bytes())[2] for query in ("", "?num_steps=3")
    )
    assert by_default == by_number
    for body, sentence in (
        (b"no picture", "received another or a damaged file"),
        (b"", "received"),
    ):
        status, _, content = server.ask(body, "/stylize")
        assert status == 400 and content["error"].startswith("picture: expected a picture in one")
        assert sentence in content["error"]


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


@pytest.mark.parametrize("module", CLIENTS)
def test_clients_tell_what_went_wrong_in_a_line(module, server, photo, tmp_path, capsys):
    output, here = tmp_path / "out.png", url(server, module)
    nobody = here.replace(here.rpartition(":")[2].partition("/")[0], str(free_ports(1)[0]))
    if module is client_rest:
        nobody = server.url.replace(server.root, f"http://127.0.0.1:{free_ports(1)[0]}")
    many = ["--steps_per_call=200000", "--num_steps=200000"]
    for code, sentence, arguments in (
        (2, "token", [here, photo, output, "--token=wrong"]),
        (2, "num_steps: expected from 1", [here, photo, output, *many]),
        (2, "--content: expected a picture", [here, tmp_path / "none.jpg", output]),
        (2, "--output: expected a name such as", [here, photo, tmp_path / "out.xyz"]),
        (1, "", [nobody, photo, output]),
    ):
        assert paint(module, *arguments) == code
        line = capsys.readouterr().err.splitlines()[-1]
        assert line.startswith("client: ") and sentence in line


def test_the_calls_on_the_page(server, photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(photo, "photo.png")
    page = PAGE.replace("http://127.0.0.1:8501", server.root).replace("127.0.0.1:8500", server.grpc)
    monkeypatch.setenv("TFSTYLE_TOKEN", TOKEN)
    commands = re.findall(r"```skip\n(\(printf .*?)```", page, re.DOTALL)
    commands += re.findall(r"^curl --fail .* -o .*$", page, re.MULTILINE)
    assert len(commands) == 2
    expected = ["curl.png", "plain.png"] if shutil.which("curl") else []
    for command in commands[: len(expected)]:
        subprocess.run(["bash", "-euo", "pipefail", "-c", command], check=True)
    if HAS_GRPC:
        (code,) = re.findall(r"```python skip\n(.*?)```", page, re.DOTALL)
        exec(compile(code, "docs/serving.md", "exec"), {})
        expected.append("grpc.png")
    for path in expected:
        with Image.open(path) as picture:
            assert picture.size == (72, 48)


def test_the_load_test_finds_nothing(server, capsys):
    arguments = [f"--url={server.url}", f"--token={TOKEN}", "--max_request_mb=2"]
    arguments += ["--seconds=3", "--clients=1", f"--pid={server.process.pid}"]
    code = load_test.main(arguments)
    printed = capsys.readouterr().out
    assert code == 0, printed
    assert "memory at the end" in printed and "0 unexpected answers" in printed


def test_a_killed_process_is_replaced(server):
    """The last one with this server: the process is killed while nobody asks, which it notices."""
    killed = replica(server)
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: server.ask(path="/readyz")[0] == 503)
    status, headers, content = server.ask(load_test.stylize(1, stylize()["image"]))
    assert (status, headers["Retry-After"]) == (503, "1")
    assert "the model's process has ended" in content["error"]
    wait_for(lambda: server.ask(path="/readyz")[0] == 200)
    assert server.ask(load_test.stylize(1, stylize()["image"]))[0] == 200
    assert replica(server) != killed


def test_the_log_has_no_traceback(server):
    """After all that was asked above, and the end of a process."""
    assert "Traceback" not in server.log.read_text()


def test_no_process_outlives_a_killed_server(server):
    pid = replica(server)
    server.process.kill()
    server.process.wait()
    wait_for(lambda: not pathlib.Path(f"/proc/{pid}").exists())
