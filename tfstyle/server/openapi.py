"""The description of the routes, as OpenAPI 3.1 wants it."""

from collections.abc import Mapping
from typing import Any

from tfstyle import __version__
from tfstyle.server import plain

JSON = "application/json"
SENTENCES = {
    400: "What was sent cannot be used",
    401: "The token is missing, or another",
    408: "The request has not arrived in time",
    413: "The request is too large",
    500: "A fault of the server, which is in its log",
    503: "All places are taken, or the model's process is being started; see Retry-After",
    504: "The answer was not there in time",
}
MEANINGS = {
    "num_steps": "Evaluations of the loss, over all scales",
    "seed": "Of all that is random",
    "max_size": "Long side in pixels to which a larger picture is shrunk",
    "height": "Of the picture in pixels",
    "width": "Of the picture in pixels",
}
TYPES = {"float32": {"type": "number"}, "int32": {"type": "integer"}}
_FILE = {"schema": {"type": "string", "format": "binary"}}


def _answer(what: str, *forms: str, **schema: Any) -> dict[str, Any]:
    return {"200": {"description": what, "content": {form: {"schema": schema} for form in forms}}}


def _with_errors(answers, *codes):
    error = {"$ref": "#/components/schemas/Error"}
    content = {JSON: {"schema": error}}
    return answers | {
        str(code): {"description": SENTENCES[code], "content": content} for code in codes
    }


def _state(word: str, what: str, *codes: int) -> dict[str, Any]:
    answers = _answer(word.capitalize(), JSON, type="object")
    return {"summary": what, "responses": _with_errors(answers, *codes)}


HEALTH = _state("alive", "Whether the server is alive")
READINESS = _state("ready", "Whether there is a process of the model with a place", 503)
DESCRIPTION = _state("this description", "The routes, as OpenAPI")
STATUS = _state("the version", "Version and state of the model, as TensorFlow Serving says it", 401)
METRICS = {
    "summary": "Numbers for Prometheus",
    "responses": _with_errors(_answer("The numbers", "text/plain", type="string"), 401),
}


def predict(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The route of TensorFlow Serving, for the signatures of a model.

    Args:
        facts: see `tfstyle.server.model.Model`.
    """
    signatures = facts["signatures"]
    bodies = [_body(name, each["inputs"]) for name, each in signatures.items()]
    answers = _answer(
        "Outputs, in the form of the inputs",
        JSON,
        type="object",
        properties={"outputs": {}, "predictions": {"type": "array"}},
    )
    return {
        "summary": "Runs a signature, in TensorFlow Serving's JSON",
        "description": "Whole tensors by name in `inputs`, or rows in `instances`.",
        "requestBody": {"required": True, "content": {JSON: {"schema": {"oneOf": bodies}}}},
        "responses": _with_errors(answers, *SENTENCES),
    }


def plain_route(signature: str, known: Mapping[str, Any], takes_picture: bool) -> dict[str, Any]:
    """A plain route, with numbers and their defaults; see `tfstyle.server.plain`."""
    described: dict[str, Any] = {
        "summary": f"The signature {signature}: a picture",
        "parameters": [_parameter(*item) for item in known.items()],
    }
    if takes_picture:
        description = "The bytes of a picture's file, such as JPEG, PNG or WebP"
        body = {"description": description, "required": True, "content": {"image/*": _FILE}}
        described["requestBody"] = body
    answers = _answer("The picture", plain.PNG, plain.JPEG, **_FILE["schema"])
    return described | {"responses": _with_errors(answers, *SENTENCES)}


def _parameter(name, default):
    schema = {"type": "integer"} | ({} if default is None else {"default": default})
    return {
        "name": name,
        "in": "query",
        "required": default is None and name != plain.MAX_SIZE,
        "description": MEANINGS.get(name, f"The input {name}"),
        "schema": schema,
    }


def _body(signature, inputs):
    """The schema of a request for a signature."""
    columns = {name: _tensor(spec["type"], spec["shape"]) for name, spec in inputs.items()}
    return {
        "title": signature,
        "type": "object",
        "properties": {
            "signature_name": {"const": signature},
            "inputs": {"type": "object", "properties": columns, "required": list(columns)},
            "instances": {"type": "array"},
        },
    }


def _tensor(kind, shape):
    """Numbers, or bytes as base64, in as many lists as there are sides."""
    b64 = {"type": "string", "contentEncoding": "base64"}
    one = {"type": "object", "properties": {"b64": b64}, "required": ["b64"]}
    schema: dict[str, Any] = TYPES.get(kind, one)
    for side in reversed(shape or []):
        schema = {"type": "array", "items": schema}
        schema |= {} if side is None else {"minItems": side, "maxItems": side}
    return schema


def described(routes: Mapping[str, Any], has_token: bool) -> dict[str, Any]:
    """The whole description.

    Args:
        routes: `{path: tfstyle.server.app.Route}`.
        has_token: whether one is asked for.
    """
    paths = {
        path: {route.method.lower(): route.described | ({"security": []} if route.is_open else {})}
        for path, route in routes.items()
    }
    error = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
    schemes = {"token": {"type": "http", "scheme": "bearer"}} if has_token else {}
    return {
        "openapi": "3.1.0",
        "info": {"title": "tfstyle", "version": __version__},
        "paths": paths,
        "components": {"schemas": {"Error": error}, "securitySchemes": schemes},
        "security": [{"token": []}] if has_token else [],
    }
