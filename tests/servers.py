"""A server that runs, and what is asked of it and of its processes."""

import json
import pathlib
import socket
import time
import urllib.error
import urllib.request

import grpc
import pytest
from tensorflow_serving.apis import prediction_service_pb2_grpc

from export import client

ROOT = pathlib.Path(__file__).parent.parent
PHOTO = ROOT / "examples/photos/chelsea.jpg"
TOKEN = "a token of the tests"


class Server:
    """Where a server listens."""

    def __init__(self, process, port, grpc_port, log):
        self.process, self.root, self.log = process, f"http://127.0.0.1:{port}", log
        self.url, self.grpc = f"{self.root}/v1/models/tfstyle:predict", f"127.0.0.1:{grpc_port}"

    def ask(self, body=None, path="/v1/models/tfstyle:predict", token=TOKEN, method=None):
        """Status, headers and content of the answer."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = json.dumps(body).encode() if isinstance(body, dict) else body
        request = urllib.request.Request(self.root + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, json.load(error)

    def predict(self, request, token=TOKEN, timeout=60):
        """The answer by gRPC."""
        sizes = [("grpc.max_send_message_length", -1)]
        with grpc.insecure_channel(self.grpc, sizes) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            metadata = [("authorization", f"Bearer {token}")]
            return stub.Predict(request, timeout=timeout, metadata=metadata)

    def refusal(self, request, **options):
        """Code and sentence of a call that fails."""
        with pytest.raises(grpc.RpcError) as caught:
            self.predict(request, **options)
        return caught.value.code().name, caught.value.details()


def free_ports(number):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def wait_for(condition, process=None):
    end = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < end and (process is None or process.poll() is None)
        time.sleep(0.1)


def seconds(function):
    began = time.monotonic()
    function()
    return time.monotonic() - began


def processes(server):
    """Command lines of the server's processes by their number."""
    import psutil

    children = psutil.Process(server.process.pid).children(recursive=True)
    return {child.pid: " ".join(child.cmdline()) for child in children}


def commands(server):
    return "\n".join(processes(server).values())


def replica(server):
    """The process of the model, which Ray names so."""
    (pid,) = [pid for pid, line in processes(server).items() if "ServeReplica" in line]
    return pid


def paint(module, url, content, output, *more, connect=None):
    arguments = [f"--content={content}", f"--output={output}", f"--url={url}", f"--token={TOKEN}"]
    arguments += ["--num_steps=6", "--steps_per_call=2", *more]
    return client.main(module.parser().parse_args(arguments), connect or module.connect)
