"""Ray Serve and a listener for gRPC, as the flags of `serve_ray` want them."""

import concurrent.futures
import os
import shutil
import signal
import sys
import tempfile
import threading

import grpc
import ray
import ray.serve

from export import service

# Requests that Ray hands over although all places are taken, to be told so: health checks go among
# them, so there are more than anyone needs.
SPARE = 64
QUIET = {"log_level": "WARNING", "enable_access_log": False}


def serve(options, directory, token):
    """Serves the version of a model in `directory` until SIGINT or SIGTERM.

    Args:
        options: the flags of `serve_ray`.
        directory: of the version.
        token: what clients must show; empty: nothing.
    """
    # Ray opens its folder to all users of the machine. It lies in one of mode 0700.
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp" if sys.platform == "darwin" else None)
    try:
        _serve(options, directory, token, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _serve(options, directory, token, folder):
    ray.init(
        address="local",
        num_cpus=options.replicas * options.num_cpus,
        include_dashboard=False,
        logging_level="error",
        _node_ip_address="127.0.0.1",
        _temp_dir=os.path.join(folder, "ray"),
    )
    stop = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stop.set())
    ray.serve.start(http_options={"host": options.host, "port": options.port}, logging_config=QUIET)
    handle = ray.serve.run(_application(options, directory, token), name=service.NAME)
    listener = _listen(handle, options) if options.grpc_port else None
    where = f"http://{options.host}:{options.port}{service.PREDICT_ROUTE}"
    also = f" and gRPC on port {options.grpc_port}" if options.grpc_port else ""
    print(f"serve_ray: {directory} answers on {where}{also}", file=sys.stderr, flush=True)
    stop.wait()
    if listener:
        listener.stop(grace=1).wait()
    ray.shutdown()  # and all that runs on it


def _application(options, directory, token):
    limits = service.Limits(
        token=token,
        request_bytes=int(options.max_request_mb * 2**20),
        body_timeout_s=options.body_timeout_s,
        timeout_s=options.timeout_s,
        ongoing=options.max_ongoing,
        queued=options.max_queued,
    )
    deployment = ray.serve.deployment(service.Service).options(
        num_replicas=options.replicas,
        max_ongoing_requests=options.max_ongoing + options.max_queued + SPARE,
        max_queued_requests=SPARE,
        ray_actor_options={"num_cpus": options.num_cpus},
        logging_config=QUIET,
        graceful_shutdown_timeout_s=1,
    )
    return deployment.bind(directory, options.num_cpus, limits)


def _listen(handle, options):
    """Ray's own gRPC listens on all addresses and takes messages of 2 GB; this one does not."""

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
    limit = int(options.max_request_mb * 2**20)
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
