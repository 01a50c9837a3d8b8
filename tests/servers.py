"""A server that runs, and what is asked of it and of its processes."""

import contextlib
import importlib.util
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from export import client

ROOT = pathlib.Path(__file__).parent.parent
PHOTO = ROOT / "examples/photos/chelsea.jpg"
TOKEN = "a token of the tests"
HAS_GRPC = all(map(importlib.util.find_spec, ("grpc", "tensorflow_serving")))
needs_grpc = pytest.mark.skipif(not HAS_GRPC, reason="needs gRPC: pip install tfstyle[grpc]")


class Server:
    """Where a server listens."""

    def __init__(self, process, port, grpc_port, log):
        self.process, self.root, self.log = process, f"http://127.0.0.1:{port}", log
        self.url, self.grpc = f"{self.root}/v1/models/tfstyle:predict", f"127.0.0.1:{grpc_port}"

    def fetch(self, path, body=None, headers=(), token=TOKEN, method=None):
        """Status, headers and bytes of the answer."""
        shown = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(
            self.root + path, body, shown | dict(headers), method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def ask(self, body=None, path="/v1/models/tfstyle:predict", **options):
        """Status, headers and JSON of the answer."""
        body = json.dumps(body).encode() if isinstance(body, dict) else body
        status, headers, content = self.fetch(path, body, **options)
        return status, headers, json.loads(content)

    def predict(self, request, token=TOKEN, timeout=60):
        """The answer by gRPC to a message, or to the bytes of one."""
        import grpc

        sizes = [("grpc.max_send_message_length", -1)]
        name = "/tensorflow.serving.PredictionService/Predict"
        data = request if isinstance(request, bytes) else request.SerializeToString()
        with grpc.insecure_channel(self.grpc, sizes) as channel:
            metadata = [("authorization", f"Bearer {token}")]
            return channel.unary_unary(name)(data, timeout=timeout, metadata=metadata)

    def refusal(self, request, **options):
        """Code and sentence of a call that fails."""
        import grpc

        with pytest.raises(grpc.RpcError) as caught:
            self.predict(request, **options)
        return caught.value.code().name, caught.value.details()


@contextlib.contextmanager
def serving(folder, program, model, *flags, has_grpc=HAS_GRPC):
    """A server of a model, by the words that begin its command; its log is in the folder."""
    port, grpc_port = free_ports(2)
    command = [sys.executable, *program, f"--model={model}", f"--port={port}", *flags]
    command += [f"--grpc_port={grpc_port}"] if has_grpc else []
    log = folder / "log"
    with open(log, "w") as written:
        environment = os.environ | {"TFSTYLE_TOKEN": TOKEN}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=written)
    try:
        wait_for(lambda: "answers on" in log.read_text(), process)
        yield Server(process, port, grpc_port, log)
    finally:
        if process.poll() is None:  # no test has ended it
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, log.read_text()


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
        time.sleep(0.05)


def seconds(function):
    began = time.monotonic()
    function()
    return time.monotonic() - began


def replica(server):
    """The number of the process of the model, which it started with a pipe to itself."""
    children = pathlib.Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    (pid,) = [
        int(pid)
        for path in children.parent.parent.glob("*/children")
        for pid in path.read_text().split()
        if b"--multiprocessing-fork" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    return pid


def paint(module, url, content, output, *more, connect=None):
    arguments = [f"--content={content}", f"--output={output}", f"--url={url}", f"--token={TOKEN}"]
    arguments += ["--num_steps=6", "--steps_per_call=2", *more]
    return client.main(module.parser().parse_args(arguments), connect or module.connect)
