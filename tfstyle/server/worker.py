"""A process of the model, from inside: bytes go in, and a code of HTTP and bytes come out."""

import contextlib
import io
import multiprocessing
import os
import signal
import threading
import traceback
from multiprocessing import connection
from typing import Any, NamedTuple

from tfstyle import images, levels
from tfstyle.server import codec, plain
from tfstyle.server.refused import Refused, failed

NAME = "tfstyle"
JSON = "application/json"
# How Pillow writes an answer.
FORMS: dict[str, dict[str, Any]] = {
    plain.PNG: {"format": "PNG"},
    plain.JPEG: {"format": "JPEG", "quality": 95, "subsampling": 0},
}


class Answer(NamedTuple):
    """What came of a request.

    Attributes:
        code: of HTTP.
        content: the answer, or a sentence where the code is not 200.
        form: its media type.
        trace: of a fault of the server, for its log.
    """

    code: int
    content: Any
    form: str = JSON
    trace: str = ""


class Answering:
    """Answers for one version of a model, in any thread.

    Args:
        directory: of the version.
        threads: of TensorFlow.
        limit: bytes that a tensor may take.
    """

    def __init__(self, directory: str, threads: int, limit: int):
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        from tfstyle.server.model import Model  # TensorFlow, only where something is computed

        self._model, self._limit = Model(directory, threads), limit

    def __call__(self, kind: str, data: bytes, **options: Any) -> Answer:
        """The answer to a request of a kind: "json", "message" or "picture"."""
        ways: dict[str, Any] = {
            "json": self._json,
            "message": self._message,
            "picture": self._picture,
        }
        try:
            return ways[kind](data, **options)
        except (codec.BadRequest, images.ImageError) as error:
            return Answer(400, str(Refused(400, str(error))))
        except Exception as error:
            return Answer(500, str(failed(error)), trace=traceback.format_exc())

    def facts(self) -> dict[str, Any]:
        """What a client can know of the model."""
        return self._model.facts

    def _json(self, body):
        """For the body of a request to `:predict`."""
        request = codec.read_request(body, self._model.types)
        outputs = self._model(request.signature, request.inputs)
        return Answer(200, codec.write_response(outputs, request.in_rows))

    def _message(self, message):
        """For a message of PredictionService.Predict."""
        from tfstyle.server import protos

        request = protos.read_request(message, self._limit)
        spec, version = request.model_spec, self._model.facts["version"]
        if spec.name != NAME:
            raise codec.BadRequest(f"model_spec: expected {NAME}, received {spec.name!r}")
        if spec.HasField("version") and spec.version.value != version:
            wanted = spec.version.value
            raise codec.BadRequest(f"model_spec: expected version {version}, received {wanted}")
        signature = spec.signature_name or codec.SIGNATURE
        outputs = self._model(signature, protos.read_inputs(request))
        answer = protos.write_response(NAME, signature, version, outputs)
        return Answer(200, answer.SerializeToString())

    def _picture(self, file, signature, numbers, form):
        """For a picture's file, or none where the signature takes none; see `plain`."""
        inputs, numbers = {}, dict(numbers)
        most = numbers.pop(plain.MAX_SIZE, None)
        if plain.IMAGE in self._model.types[signature]:
            picture = images.load(file, "picture")
            long_side = max(picture.shape[1:3])
            if most and long_side > most:
                picture = images.resize(picture, *levels.fit(*picture.shape[1:3], most))
            inputs[plain.IMAGE] = picture
        outputs = self._model(signature, inputs | plain.scalars(numbers))
        return Answer(200, _encoded(outputs[plain.IMAGE], form), form)


def _encoded(image, form):
    file = io.BytesIO()
    images.to_pil(image).save(file, **FORMS[form])
    return file.getvalue()


def main(pipes: list[connection.Connection], *arguments: Any) -> None:
    """Runs the process: each pipe carries one request at a time, and first what is to be known."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the first process ends us
    parent: Any = multiprocessing.parent_process()
    with contextlib.suppress(OSError):  # where memory runs out, not those who listen are to end
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write("1000")
    try:
        answering = Answering(*arguments)
    except Exception as error:
        pipes[0].send(str(error))
        return
    pipes[0].send(answering.facts())
    for pipe in pipes:
        threading.Thread(target=_serve, args=[pipe, answering], daemon=True).start()
    connection.wait([parent.sentinel])  # also in the middle of a picture
    os._exit(1)


def _serve(pipe, answering):
    with contextlib.suppress(EOFError, OSError):  # the first process is gone
        while True:
            kind, data, options = pipe.recv()
            pipe.send(answering(kind, data, **options))
