"""Ray Serve, and listeners for REST and gRPC of its own, as the flags of `serve_ray` want them."""

import concurrent.futures
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading

import grpc
import ray
import ray.serve
import uvicorn

from export import rest, service

# Requests that Ray hands over although all places are taken, to be told so: questions for the state
# go among them, so there are more than anyone needs.
SPARE = 64
GRACE_S = 1  # for requests that are there at the end
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
    ray.serve.start(proxy_location="Disabled", logging_config=QUIET)
    logging.getLogger("ray.serve").setLevel(logging.WARNING)  # of this process
    limits = _limits(options, token)
    deployed = _application(options, directory, limits)
    handle = ray.serve.run(deployed, name=service.NAME, route_prefix=None)
    places = options.replicas * (options.max_ongoing + options.max_queued)
    stops = [_listen_rest(options, rest.Rest(handle, limits, places))]
    if options.grpc_port:
        stops.append(_listen_grpc(options, handle, limits, places + SPARE))
    where = f"http://{options.host}:{options.port}{rest.PREDICT_ROUTE}"
    also = f" and gRPC on port {options.grpc_port}" if options.grpc_port else ""
    print(f"serve_ray: {directory} answers on {where}{also}", file=sys.stderr, flush=True)
    stop.wait()
    for each in stops:
        each()
    ray.shutdown()  # and all that runs on it


def _limits(options, token):
    return service.Limits(
        token=token,
        request_bytes=int(options.max_request_mb * 2**20),
        body_timeout_s=options.body_timeout_s,
        timeout_s=options.timeout_s,
        ongoing=options.max_ongoing,
        queued=options.max_queued,
    )


def _application(options, directory, limits):
    deployment = ray.serve.deployment(service.Service).options(
        num_replicas=options.replicas,
        max_ongoing_requests=options.max_ongoing + options.max_queued + SPARE,
        max_queued_requests=SPARE,
        ray_actor_options={"num_cpus": options.num_cpus},
        logging_config=QUIET,
        graceful_shutdown_timeout_s=GRACE_S,
    )
    return deployment.bind(directory, options.num_cpus, limits)


def _listen_rest(options, application):
    """Ray's own HTTP would answer in its own words where the model's process has ended."""
    config = uvicorn.Config(
        application,
        http="h11",  # which bounds the headers
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",  # the application has its own
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = uvicorn.Server(config)
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listening = socket.create_server((options.host, options.port), family=family)
    thread = threading.Thread(target=server.run, args=[[listening]], daemon=True)
    thread.start()

    def stop():
        server.should_exit = True
        thread.join()

    return stop


def _listen_grpc(options, handle, limits, calls):
    """Ray's own gRPC listens on all addresses and takes messages of 2 GB; this one does not."""

    def predict(message, context):
        try:
            header = dict(context.invocation_metadata()).get("authorization", "")
            service.authorize(limits, header)
            code, content = _asked(handle, message, context, limits)
        except service.Refused as refused:
            code, content = refused.code, str(refused)
        if code != 200:
            context.abort(grpc.StatusCode[service.GRPC[code]], content)
        return content

    # Bytes in, bytes out: the messages are read where the model is.
    methods = {"Predict": grpc.unary_unary_rpc_method_handler(predict)}
    server = grpc.server(
        concurrent.futures.ThreadPoolExecutor(calls),
        handlers=[
            grpc.method_handlers_generic_handler("tensorflow.serving.PredictionService", methods)
        ],
        maximum_concurrent_rpcs=calls,
        options=[
            ("grpc.max_receive_message_length", limits.request_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
        ],
    )
    address = f"[{options.host}]" if ":" in options.host else options.host
    server.add_insecure_port(f"{address}:{options.grpc_port}")
    server.start()
    return lambda: server.stop(GRACE_S).wait()


def _asked(handle, message, context, limits):
    answer = handle.grpc.remote(message)
    context.add_callback(lambda: service.drop(answer))  # at the end, and when the client has left
    try:
        return answer.result(timeout_s=limits.timeout_s)
    except TimeoutError as error:
        raise service.late(limits) from error
    except Exception as error:  # of Ray: the process of the model has ended, for one
        raise service.lost(error) from error
