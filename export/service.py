"""The requests to a model: who may ask, how much, how long, and what is answered.

The class is what Ray Serve deploys. It runs in one process with the model; everything that takes
time happens in threads, so that the event loop answers health checks meanwhile.
"""

import asyncio
import concurrent.futures
import hmac
import logging
import threading
from typing import NamedTuple

from starlette import requests, responses

from export import codec

NAME = "tfstyle"
STATUS_ROUTE = f"/v1/models/{NAME}"
PREDICT_ROUTE = f"{STATUS_ROUTE}:predict"
ROUTES = {"/healthz": "GET", "/readyz": "GET", STATUS_ROUTE: "GET", PREDICT_ROUTE: "POST"}
LONGEST = 1000  # characters of a sentence; gRPC sends 8 KB at most
GRPC = {  # HTTP's codes as gRPC calls them
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class Refused(Exception):
    """A request that is not served: `code`, and one sentence, which may quote the request."""

    def __init__(self, code, sentence):
        sentence = sentence if len(sentence) <= LONGEST else f"{sentence[:LONGEST]} ..."
        # JSON can write halves of characters, which an answer cannot quote.
        super().__init__(sentence.encode(errors="backslashreplace").decode())
        self.code = code


class Limits(NamedTuple):
    """What a service takes on.

    Attributes:
        token: what requests under /v1 must show; empty: nothing.
        request_bytes: most bytes of a request.
        body_timeout_s: seconds in which they must have arrived.
        timeout_s: seconds from then to the answer.
        ongoing: computations at the same time.
        queued: requests besides those, arriving or waiting.
    """

    token: str
    request_bytes: int
    body_timeout_s: float
    timeout_s: float
    ongoing: int
    queued: int


class Places:
    """A number of places, taken in the event loop and given back in any thread."""

    def __init__(self, number):
        self.free = number
        self._lock = threading.Lock()

    def take(self) -> bool:
        with self._lock:
            taken = self.free > 0
            self.free -= taken
        return taken

    def give_back(self):
        with self._lock:
            self.free += 1


class Service:
    """Answers for one model.

    Args:
        directory: of a version of the model.
        threads: of TensorFlow.
        limits: `Limits`.
    """

    def __init__(self, directory, threads, limits):
        from export import model, protos  # TensorFlow, only where there is something to compute

        self._model, self._protos = model.Model(directory, threads), protos
        self._limits = limits
        self._places = Places(limits.ongoing + limits.queued)
        self._pool = concurrent.futures.ThreadPoolExecutor(limits.ongoing)

    async def __call__(self, request: requests.Request) -> responses.Response:
        """HTTP."""
        try:
            return await self._routed(request)
        except Refused as refused:
            headers = {503: {"Retry-After": "1"}, 401: {"WWW-Authenticate": "Bearer"}}
            return responses.JSONResponse(
                {"error": str(refused)}, refused.code, headers.get(refused.code)
            )

    async def predict(self, message, authorization):
        """gRPC's PredictionService.Predict: the name of a code, and the answer or a sentence."""
        try:
            self._authorize(authorization)
            self._take_place()
            return "OK", await self._answered(self._answer_message, message)
        except Refused as refused:
            return GRPC[refused.code], str(refused)

    async def _routed(self, request):
        path = request.url.path
        if path not in ROUTES:
            raise Refused(404, f"expected one of {', '.join(ROUTES)}, received {path}")
        if request.method != ROUTES[path]:
            raise Refused(405, f"expected the method {ROUTES[path]}, received {request.method}")
        if path == "/healthz":
            return responses.JSONResponse({"status": "alive"})
        if path == "/readyz":
            if not self._places.free:
                raise self._full()
            return responses.JSONResponse({"status": "ready"})
        self._authorize(request.headers.get("authorization", ""))
        if path == STATUS_ROUTE:
            return responses.JSONResponse(self._status())
        self._take_place()
        try:
            body = await self._body(request)
        except BaseException:
            self._places.give_back()
            raise
        answer = await self._answered(self._answer_json, body)
        return responses.Response(answer, media_type="application/json")

    def _authorize(self, header):
        expected = f"Bearer {self._limits.token}".encode()
        if self._limits.token and not hmac.compare_digest(header.encode(), expected):
            raise Refused(401, 'expected the header "Authorization: Bearer" with the right token')

    def _status(self):
        """As TensorFlow Serving says it."""
        version = {"version": str(self._model.version), "state": "AVAILABLE"}
        status = {"error_code": "OK", "error_message": ""}
        return {"model_version_status": [version | {"status": status}]}

    def _full(self):
        return Refused(503, "expected to be asked later: all places are taken")

    def _take_place(self):
        if not self._places.take():
            raise self._full()

    async def _answered(self, answer, data):
        """`answer(data)`, from a thread, for a request that has a place.

        A computation cannot be stopped. Its place is free when it has ended, whoever still waits.
        """
        running = self._pool.submit(answer, data)
        running.add_done_callback(lambda _: self._places.give_back())
        try:
            return await asyncio.wait_for(asyncio.wrap_future(running), self._limits.timeout_s)
        except asyncio.TimeoutError as error:  # noqa: UP041 - another one in Python 3.10
            sentence = f"expected to answer in {self._limits.timeout_s:g} s, which was not enough"
            raise Refused(504, sentence) from error
        except codec.BadRequest as error:
            raise Refused(400, str(error)) from error
        except Exception as error:
            logging.getLogger("ray.serve").exception("a request failed")
            raise Refused(500, f"failed with {type(error).__name__}, see the log") from error

    async def _body(self, request):
        limit = self._limits.request_bytes
        sentence = f"expected a request of at most {limit} bytes, received more"
        length = request.headers.get("content-length", "0")
        if length.isdecimal() and int(length) > limit:
            raise Refused(413, sentence)

        async def whole():
            body = bytearray()  # a body in chunks does not say how long it will be
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise Refused(413, sentence)
            return body

        try:
            return await asyncio.wait_for(whole(), self._limits.body_timeout_s)
        except asyncio.TimeoutError as error:  # noqa: UP041 - another one in Python 3.10
            seconds = self._limits.body_timeout_s
            raise Refused(408, f"expected the whole request in {seconds:g} s") from error
        except requests.ClientDisconnect as error:
            raise Refused(400, "expected the whole request, received a part") from error

    def _answer_json(self, body):
        request = codec.read_request(body, self._model.signatures)
        return codec.write_response(self._model(request.signature, request.inputs), request.in_rows)

    def _answer_message(self, message):
        request = self._protos.read_request(message, self._limits.request_bytes)
        spec, version = request.model_spec, self._model.version
        if spec.name != NAME:
            raise codec.BadRequest(f"model_spec: expected {NAME}, received {spec.name!r}")
        if spec.HasField("version") and spec.version.value != version:
            wanted = spec.version.value
            raise codec.BadRequest(f"model_spec: expected version {version}, received {wanted}")
        signature = spec.signature_name or codec.SIGNATURE
        outputs = self._model(signature, self._protos.read_inputs(request))
        response = self._protos.write_response(NAME, signature, version, outputs)
        return response.SerializeToString()
