"""The requests to a model: who may ask, and what is answered.

The class is what Ray Serve deploys. It runs in one process with the model, which may end at any
time; the listeners for REST and gRPC are in another. Everything that takes time happens in threads,
so that the event loop says meanwhile whether there is a place.
"""

import asyncio
import concurrent.futures
import contextlib
import hmac
import logging
import threading
from typing import NamedTuple

from export import codec

NAME = "tfstyle"
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
        token: what requests for the model must show; empty: nothing.
        request_bytes: most bytes of a request.
        body_timeout_s: seconds in which they must have arrived.
        timeout_s: seconds from then to the answer.
        ongoing: computations at the same time.
        queued: requests besides those, arriving or waiting; both in each process of the model.
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

    @contextlib.contextmanager
    def held(self):
        """One place, while the block runs."""
        if not self.take():
            raise full()
        try:
            yield
        finally:
            self.give_back()


def authorize(limits, header):
    """Raises Refused where a header is not the one of the token."""
    expected = f"Bearer {limits.token}".encode()
    if limits.token and not hmac.compare_digest(header.encode(), expected):
        raise Refused(401, 'expected the header "Authorization: Bearer" with the right token')


def full():
    return Refused(503, "expected to be asked later: all places are taken")


def late(limits):
    return Refused(504, f"expected to answer in {limits.timeout_s:g} s, which was not enough")


def lost(error):
    """For what Ray raises instead of an answer."""
    name = type(error).__name__
    return Refused(503, f"expected to be asked later: the model's process gave no answer ({name})")


def drop(answer):
    """Tells Ray that nobody waits for an answer."""
    with contextlib.suppress(Exception):  # it is there, or what should have given it has ended
        answer.cancel()


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

    async def state(self):
        """The number of the version, and whether there is a place for a request."""
        return self._model.version, self._places.free > 0

    async def rest(self, body):
        """A code of HTTP, and the answer to a body of JSON, or a sentence."""
        return await self._answered(self._answer_json, body)

    async def grpc(self, message):
        """The same for PredictionService.Predict."""
        return await self._answered(self._answer_message, message)

    async def _answered(self, answer, data):
        """`answer(data)`, from a thread.

        A computation cannot be stopped. Its place is free when it has ended, whoever still waits.
        """
        if not self._places.take():
            return 503, str(full())
        running = self._pool.submit(answer, data)
        running.add_done_callback(lambda _: self._places.give_back())
        try:
            return 200, await asyncio.wrap_future(running)
        except codec.BadRequest as error:
            return 400, str(Refused(400, str(error)))
        except Exception as error:
            logging.getLogger("ray.serve").exception("a request failed")
            return 500, f"failed with {type(error).__name__}, see the log"

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
