"""Serves an exported model by Ray Serve, on the routes and with the messages of TensorFlow Serving.

    python -m export.serve_ray --model=DIR

See docs/serving.md.
"""

import argparse
import ipaddress
import os
import pathlib
import secrets
import socket
import sys

from export.flags import at_least

FAILURE, USAGE = 1, 2


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        "python -m export.serve_ray",
        description="Serves an exported model, on the routes of TensorFlow Serving.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = options.add_argument
    add(
        "--model",
        required=True,
        type=os.path.expanduser,
        help="directory of numbered versions; the newest is served",
    )
    add("--host", default="127.0.0.1", help="address to listen on; others need a token")
    add("--port", type=int, default=8501, help="of REST")
    add("--grpc_port", type=int, default=8500, help="of gRPC; 0: none")
    add(
        "--token_file",
        type=os.path.expanduser,
        help="file with the token of all clients; default: $TFSTYLE_TOKEN",
    )
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
    # Ray's own ports have a token of this run; nothing is reported to anyone.
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        from export import ray_server

        ray_server.serve(options, directory, token)
    except ModuleNotFoundError as error:
        return _complain(f"failed: {error}; pip install tfstyle[ray] has it", FAILURE)
    except (RuntimeError, OSError) as error:
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
    """Raises ValueError where nobody can listen there, before the model is loaded."""
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
