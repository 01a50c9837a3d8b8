"""Serves an exported model by Ray Serve, on the routes and with the messages of TensorFlow Serving.

    python -m export.serve_ray --model=DIR

See docs/serving.md.
"""

import argparse
import concurrent.futures
import ipaddress
import os
import pathlib
import secrets
import signal
import socket
import sys
import threading

from export import service
from export.flags import at_least

FAILURE, USAGE = 1, 2
MEBIBYTE = 2**20
# Requests that Ray hands over although all places are taken, to be told so: health checks go among
# them, so there are more than anyone needs.
SPARE = 64


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        "python -m export.serve_ray",
        description="Serves an exported model, on the routes of TensorFlow Serving.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = options.add_argument
    add("--model", required=True, help="directory of numbered versions; the newest is served")
    add("--host", default="127.0.0.1", help="address to listen on; others need a token")
    add("--port", type=int, default=8501, help="of REST")
    add("--grpc_port", type=int, default=8500, help="of gRPC; 0: none")
    add("--token_file", help="file with the token of all clients; default: $TFSTYLE_TOKEN")
    add("--max_request_mb", type=at_least(0.001), default=128, help="largest request, in MiB")
    add("--body_timeout_s", type=at_least(0.001), default=30, help="in which a request must arrive")
    add("--timeout_s", type=at_least(0.001), default=300, help="in which it must be answered")
    add("--max_ongoing", type=at_least(1), default=1, help="computations at a time in a replica")
    add("--max_queued", type=at_least(0), default=8, help="requests besides, arriving or waiting")
    add("--replicas", type=at_least(1), default=1, help="processes that hold the model")
    add("--num_cpus", type=at_least(1), default=os.cpu_count(), help="threads of each replica")
    return options


def main(arguments) -> int:
    """Serves until SIGINT or SIGTERM; returns 0, 1 failure, 2 usage."""
    options = parser().parse_args(arguments)
    try:
        directory = newest(options.model)
        token = _token(options)
        for flag in ("port", "grpc_port"):
            _check_free(flag, options.host, getattr(options, flag))
    except ValueError as error:
        return _complain(error, USAGE)
    try:
        _serve(options, directory, token)
    except RuntimeError as error:
        return _complain(f"failed: {error}", FAILURE)
    return 0


def _complain(error, code):
    print(f"serve_ray: {' '.join(str(error).split())}", file=sys.stderr)
    return code


def newest(model) -> str:
    """Directory of the highest version of a model."""
    found = [path.parent for path in pathlib.Path(model).glob("*/saved_model.pb")]
    versions = [path for path in found if path.name.isdecimal()]
    if not versions:
        raise ValueError(
            f"--model: expected a directory that holds 1/saved_model.pb, or another "
            f"number, received {model}"
        )
    return str(max(versions, key=lambda path: int(path.name)).resolve())


def _token(options):
    token = os.environ.get("TFSTYLE_TOKEN", "")
    if options.token_file:
        try:
            token = pathlib.Path(options.token_file).read_text().strip()
        except OSError as error:
            reason = f"received {options.token_file}: {error.strerror}"
            raise ValueError(f"--token_file: expected a file to read, {reason}") from error
    if not token and not _is_loopback(options.host):
        raise ValueError(
            f"--host: expected a token, from --token_file or $TFSTYLE_TOKEN, where the port leaves "
            f"this machine, received {options.host} and none"
        )
    return token


def _check_free(flag, host, port):
    """Raises ValueError where nobody can listen there; Ray would try for long, and say much."""
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(address[0]) as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address[4])
    except OSError as error:
        reason = f"received {host} and {port}: {error.strerror}"
        raise ValueError(f"--{flag}: expected an address that is free, {reason}") from error


def _is_loopback(host):
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _serve(options, directory, token):
    # Ray's own ports have a token of this run; nothing is reported to anyone.
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}
    import ray
    from ray import serve

    ray.init(
        address="local",
        num_cpus=options.replicas * options.num_cpus,
        include_dashboard=False,
        logging_level="error",
        _node_ip_address="127.0.0.1",
    )
    stop = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stop.set())
    quiet = {"log_level": "WARNING", "enable_access_log": False}
    serve.start(http_options={"host": options.host, "port": options.port}, logging_config=quiet)
    handle = serve.run(_application(serve, options, directory, token), name=service.NAME)
    listener = _listen(handle, options) if options.grpc_port else None
    where = f"http://{options.host}:{options.port}{service.PREDICT_ROUTE}"
    also = f" and gRPC on port {options.grpc_port}" if options.grpc_port else ""
    print(f"serve_ray: {directory} answers on {where}{also}", file=sys.stderr, flush=True)
    stop.wait()
    if listener:
        listener.stop(grace=1).wait()
    ray.shutdown()  # and all that runs on it


def _application(serve, options, directory, token):
    limits = service.Limits(
        token=token,
        request_bytes=int(options.max_request_mb * MEBIBYTE),
        body_timeout_s=options.body_timeout_s,
        timeout_s=options.timeout_s,
        ongoing=options.max_ongoing,
        queued=options.max_queued,
    )
    deployment = serve.deployment(service.Service).options(
        num_replicas=options.replicas,
        max_ongoing_requests=options.max_ongoing + options.max_queued + SPARE,
        max_queued_requests=SPARE,
        ray_actor_options={"num_cpus": options.num_cpus},
        logging_config={"log_level": "WARNING", "enable_access_log": False},
        graceful_shutdown_timeout_s=1,
    )
    return deployment.bind(directory, options.num_cpus, limits)


def _listen(handle, options):
    """Ray's own gRPC listens on all addresses and takes messages of 2 GB; this one does not."""
    import grpc

    def predict(message, context):
        header = dict(context.invocation_metadata()).get("authorization", "")
        answer = handle.predict.remote(message, header)
        context.add_callback(answer.cancel)  # called at the end, and when the client has left
        try:
            code, content = answer.result()
        except Exception as error:  # of Ray: the process of the model has ended, for one
            code, content = "UNAVAILABLE", f"expected an answer, received {type(error).__name__}"
        if code != "OK":
            context.abort(grpc.StatusCode[code], content)
        return content

    # Bytes in, bytes out: the messages are read where the model is.
    methods = {"Predict": grpc.unary_unary_rpc_method_handler(predict)}
    calls = options.replicas * (options.max_ongoing + options.max_queued) + SPARE
    limit = int(options.max_request_mb * MEBIBYTE)
    server = grpc.server(
        concurrent.futures.ThreadPoolExecutor(calls),
        handlers=[
            grpc.method_handlers_generic_handler("tensorflow.serving.PredictionService", methods)
        ],
        maximum_concurrent_rpcs=calls,
        options=[
            ("grpc.max_receive_message_length", limit),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
        ],
    )
    address = f"[{options.host}]" if ":" in options.host else options.host
    server.add_insecure_port(f"{address}:{options.grpc_port}")
    server.start()
    return server


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
