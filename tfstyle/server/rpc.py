"""gRPC: `Predict` of TensorFlow Serving's PredictionService, no more."""

import asyncio
import logging
from typing import Any

import grpc

from tfstyle.server import refused
from tfstyle.server.app import Limits, authorize
from tfstyle.server.pool import Pool
from tfstyle.server.refused import Refused
from tfstyle.server.watch import ID_HEADER, Watch, request_id

SERVICE, METHOD = "tensorflow.serving.PredictionService", "Predict"
SPARE = 64  # calls at a time that are only told that all places are taken
_log = logging.getLogger("tfstyle.serve")


class Predictions:
    """Answers calls; see `tfstyle.server.app.App` for the arguments."""

    def __init__(self, pool: Pool, limits: Limits, watch: Watch):
        self._pool, self._limits, self._watch = pool, limits, watch

    async def predict(self, message: bytes, context: Any) -> bytes | None:
        """The answer to a call: bytes in, bytes out; they are read where the model is."""
        metadata = dict(context.invocation_metadata())
        name = request_id(metadata.get(ID_HEADER))
        context.set_trailing_metadata([(ID_HEADER, name)])
        client = context.peer().partition(":")[2].rpartition(":")[0]  # without kind and port
        with self._watch.request(name, client, METHOD, METHOD) as told:
            told.code = refused.LEFT
            try:
                authorize(self._limits, metadata.get("authorization", ""))
                content = await self._answered(message)
                told.code, told.size = 200, len(content)
                return content
            except Refused as error:
                failure = error
            except Exception as error:
                _log.exception("request %s failed", name)
                failure = refused.failed(error)
            told.code = failure.code
            await context.abort(grpc.StatusCode[refused.GRPC[failure.code]], str(failure))
        return None  # `abort` has raised

    async def _answered(self, message):
        with self._pool.place() as place:
            asked = self._pool.answer(place, "message", message)
            try:
                answer = await asyncio.wait_for(asked, self._limits.timeout)
            except asyncio.TimeoutError as error:  # noqa: UP041 - another one in Python 3.10
                raise refused.late(self._limits.timeout) from error
        if answer.trace:
            _log.error("a request failed in the process of the model\n%s", answer.trace)
        if answer.code != 200:
            raise Refused(answer.code, answer.content)
        return answer.content


async def listening(address: str, predictions: Predictions, limits: Limits, calls: int) -> Any:
    """A server that has been started.

    Args:
        address: host and port.
        predictions: what answers.
        limits: for all calls.
        calls: for which there are places.
    """
    handler = grpc.unary_unary_rpc_method_handler(predictions.predict)
    server = grpc.aio.server(
        handlers=[grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler})],
        maximum_concurrent_rpcs=calls + SPARE,
        options=[
            ("grpc.max_receive_message_length", limits.request_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
        ],
    )
    server.add_insecure_port(address)
    await server.start()
    return server
