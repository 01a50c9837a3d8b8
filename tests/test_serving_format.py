"""TensorFlow Serving's JSON and messages: by hand, there and back, and where they are wrong."""

import json
import pathlib
import re

import numpy as np
import pytest
from servers import HAS_GRPC, needs_grpc

from tfstyle.cli import options
from tfstyle.server import ServeSettings, codec

ROOT = pathlib.Path(__file__).parent.parent
PAGE = (ROOT / "docs/serving.md").read_text("utf-8")
SIGNATURES = {
    "serving_default": {"image_bytes": object},
    "step": {"image": np.float32, "state_bytes": object, "num_steps": np.int32},
}


if HAS_GRPC:
    from google.protobuf import text_format
    from tensorflow_serving.apis import predict_pb2
    from tensorflow_serving.config import model_server_config_pb2

    from tfstyle.server import protos


def test_rows_are_read():
    body = b'{"instances": [{"b64": "AP8A"}, {"image_bytes": {"b64": "AA=="}}]}'
    with pytest.raises(codec.BadRequest, match="same names"):
        codec.read_request(body, SIGNATURES)
    for rows in ('{"b64": "AP8A"}', '{"image_bytes": {"b64": "AP8A"}}'):
        request = codec.read_request(f'{{"instances": [{rows}]}}'.encode(), SIGNATURES)
        assert request.signature == "serving_default" and request.in_rows
        assert request.inputs["image_bytes"].tolist() == [b"\x00\xff\x00"]


def test_columns_are_read():
    body = b"""{"signature_name": "step",
        "inputs": {"image": [[0, 0.5]], "state_bytes": {"b64": ""}, "num_steps": 3}}"""
    request = codec.read_request(body, SIGNATURES)
    assert not request.in_rows
    image, state, number = (request.inputs[x] for x in ("image", "state_bytes", "num_steps"))
    assert (image.dtype, image.tolist()) == (np.float32, [[0, 0.5]])
    assert (state.shape, state.item()) == ((), b"")
    assert (number.dtype, number.shape, number.item()) == (np.int32, (), 3)


def test_answers_are_written():
    files = {"stylized_bytes": np.array([b"\x00", b""], object)}
    assert codec.write_response(files, True) == b'{"predictions":[{"b64":"AA=="},{"b64":""}]}'
    assert codec.write_response(files, False) == b'{"outputs":[{"b64":"AA=="},{"b64":""}]}'
    two = {"image": np.float32([[0.5]]), "losses": np.float32([[1]])}
    assert codec.write_response(two, True) == b'{"predictions":[{"image":[0.5],"losses":[1.0]}]}'
    assert codec.write_response(two, False) == b'{"outputs":{"image":[[0.5]],"losses":[[1.0]]}}'
    for losses in (np.zeros([2, 1], np.float32), np.float32(0)):
        with pytest.raises(codec.BadRequest, match="rows"):
            codec.write_response(two | {"losses": losses}, True)


def by_json(inputs):
    return codec.read_request(codec.write_request("step", inputs), SIGNATURES).inputs


def by_message(inputs):
    data = protos.write_request("tfstyle", "step", inputs).SerializeToString()
    return protos.read_inputs(protos.read_request(data, limit=1000))


@pytest.mark.parametrize("way", [by_json, pytest.param(by_message, marks=needs_grpc)])
def test_tensors_survive(way):
    inputs = {
        "image": np.random.default_rng(0).random((1, 2, 3, 3), np.float32),
        "state_bytes": np.array(b"a\x00\xff\x00\x00", object),
        "num_steps": np.int32(2**31 - 1),
    }
    read = way(inputs)
    assert read.keys() == inputs.keys()
    for name, array in inputs.items():
        assert read[name].dtype == array.dtype and read[name].shape == array.shape
        assert np.array_equal(read[name], array)


@pytest.mark.parametrize(
    "inputs, sentence",
    [
        ({"num_steps": 1.5}, "num_steps: expected numbers of type int32"),
        ({"num_steps": 2**31}, "num_steps: .* received larger"),
        ({"image": [[1], [1, 2]]}, "image: .* different lengths"),
        ({"image": ["1"]}, "image: expected numbers"),
        ({"state_bytes": {"b64": "?"}}, "state_bytes: expected base64"),
        ({"state_bytes": 1}, "state_bytes: expected"),
        ({"state_bytes": "\ud800"}, "state_bytes: expected text, received half a character"),
        ({"picture": 1}, "expected the inputs image, num_steps, state_bytes, received .*picture"),
    ],
)
def test_wrong_inputs_are_told(inputs, sentence):
    good = {"image": [[1]], "state_bytes": "", "num_steps": 1}
    body = json.dumps({"signature_name": "step", "inputs": good | inputs}).encode()
    with pytest.raises(codec.BadRequest, match=sentence):
        codec.read_request(body, SIGNATURES)


@needs_grpc
def test_small_messages_cannot_mean_large_tensors():
    request = predict_pb2.PredictRequest()
    tensor = request.inputs["image"]
    tensor.dtype = 1
    tensor.float_val.append(0)
    for side in (1, 2**20, 2**20):
        tensor.tensor_shape.dim.add(size=side)
    with pytest.raises(codec.BadRequest, match="image: expected at most 1000 bytes"):
        protos.read_request(request.SerializeToString(), 1000)


@needs_grpc
@pytest.mark.parametrize(
    "number, name",
    [(21, "DT_VARIANT"), (20, "DT_RESOURCE"), (2, "DT_DOUBLE"), (9999, "number 9999")],
)
def test_types_that_no_signature_has(number, name):
    request = predict_pb2.PredictRequest()
    request.inputs["image"].dtype = number
    sentence = f"image: expected the type DT_FLOAT, DT_INT32 or DT_STRING, received {name}"
    with pytest.raises(codec.BadRequest, match=sentence):
        protos.read_inputs(request)


@needs_grpc
def test_configuration_of_tensorflow_serving():
    config = model_server_config_pb2.ModelServerConfig()
    text_format.Parse((ROOT / "export/models.config").read_text(), config)
    (served,) = config.model_config_list.config
    assert served.name == "tfstyle"
    assert f"/model:{served.base_path}" in PAGE and "export/models.config:/models.config" in PAGE


def test_containers():
    """What they run are commands, on the ports that they open, of files that are there."""
    yaml = pytest.importorskip("yaml")
    docker = (ROOT / "export/Dockerfile").read_text()
    ours, theirs = (
        yaml.safe_load((ROOT / f"export/compose.{name}.yaml").read_text())["services"][service]
        for name, service in (("serve", "tfstyle"), ("tensorflow", "tensorflow"))
    )
    (entry,) = re.findall(r"^ENTRYPOINT (.*)$", docker, re.MULTILINE)
    program, command, *flags = json.loads(entry)
    given = options.make(ServeSettings, options.parse(command, (ServeSettings,), flags))
    assert (program, command, given.host, given.model) == ("tfstyle", "serve", "0.0.0.0", "/model")
    assert ours["volumes"] == ["../model:/model:ro"] and "TFSTYLE_TOKEN" in ours["environment"]
    for port in (given.port, given.grpc_port):
        assert f"127.0.0.1:{port}:{port}" in ours["ports"] and str(port) in docker
    (code,) = re.findall(r'CMD \["python", "-c", "(.*)"\]', docker)
    compile(code, "Dockerfile", "exec")
    assert f":{given.port}/readyz" in code
    ignored = (ROOT / "export/Dockerfile.dockerignore").read_text().splitlines()
    for line in re.findall(r"^COPY (.*) \S+$", docker, re.MULTILINE):
        for name in line.split():
            assert (ROOT / name).exists() and f"!{name}" in ignored
    assert (ROOT / "export" / ours["build"]["context"] / ours["build"]["dockerfile"]).is_file()
    assert theirs["volumes"][0] == "../model:/models/tfstyle:ro"
    assert all(flag in PAGE for flag in theirs["command"])
