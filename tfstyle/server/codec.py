"""TensorFlow Serving's JSON, as its REST route reads and writes it, to NumPy and back.

A request holds "instances" (rows: one value or object for each picture) or "inputs" (columns: whole
tensors by name); its answer holds "predictions" or "outputs" in the same form. Bytes are
{"b64": "..."}, in answers for all names that end in _bytes. Strings are arrays of objects here:
NumPy's own strings lose zeros at their end.
"""

import base64
import binascii
import json
from typing import NamedTuple

import numpy as np

SIGNATURE = "serving_default"
KINDS = {np.dtype(np.float32): "iuf", np.dtype(np.int32): "iu"}  # what JSON's numbers may be


class BadRequest(ValueError):
    """What cannot be served; the message is one sentence for whoever asked."""


class Request(NamedTuple):
    """signature: name; inputs: `{name: array}`; in_rows: whether they came as "instances"."""

    signature: str
    inputs: dict
    in_rows: bool


def read_request(body, signatures) -> Request:
    """The request in a body.

    Args:
        body: bytes of JSON.
        signatures: `{signature: {input: NumPy type}}`, object for strings.

    Raises:
        BadRequest: it is not one, or names what is not there.
    """
    request = _object(body)
    signature = request.get("signature_name") or SIGNATURE
    types = _among("signature_name", signatures, signature)
    in_rows = "instances" in request
    if in_rows == ("inputs" in request):
        raise BadRequest('expected either "instances" or "inputs", received both or neither')
    values = _columns(request["instances"]) if in_rows else request["inputs"]
    if not isinstance(values, dict) or _is_bytes(values):  # of a lone input that is not named
        if len(types) > 1:
            raise BadRequest(f"expected the inputs {', '.join(sorted(types))}, received no names")
        values = dict.fromkeys(types, values)
    check_names(types, values)
    inputs = {name: _array(name, value, types[name]) for name, value in values.items()}
    return Request(signature, inputs, in_rows)


def check_names(expected, received):
    """Raises BadRequest where the two do not hold the same names."""
    if set(expected) != set(received):
        expected, received = (", ".join(sorted(names)) or "none" for names in (expected, received))
        raise BadRequest(f"expected the inputs {expected}, received {received}")


def write_response(outputs, in_rows) -> bytes:
    """The answer `{name: array}` to a request in that form."""
    lists = {name: _json(name, array) for name, array in outputs.items()}
    alone = len(lists) == 1
    if not in_rows:
        return _dump({"outputs": lists.popitem()[1] if alone else lists})
    numbers = {array.shape[:1] for array in outputs.values()}
    if len(numbers) > 1 or () in numbers:
        raise BadRequest('expected "inputs" for a signature that does not answer in rows')
    rows = zip(*lists.values())
    return _dump({"predictions": [row[0] if alone else dict(zip(lists, row)) for row in rows]})


def write_request(signature, inputs) -> bytes:
    """A request with whole tensors `{name: array}`."""
    inputs = {name: _json(name, np.asarray(array)) for name, array in inputs.items()}
    return _dump({"signature_name": signature, "inputs": inputs})


def read_response(body) -> dict:
    """The outputs in an answer to `write_request`, where there are several: `{name: array}`."""
    outputs = _object(body).get("outputs")
    if not isinstance(outputs, dict):
        raise BadRequest("expected outputs by name in the answer, received others")
    types = {name: object if name.endswith("_bytes") else np.float32 for name in outputs}
    return {name: _array(name, value, types[name]) for name, value in outputs.items()}


def _object(body):
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"expected JSON, received something else: {error}") from error
    if not isinstance(value, dict):
        raise BadRequest(f"expected a JSON object, received a {type(value).__name__}")
    return value


def _among(name, known, value):
    if not isinstance(value, str) or value not in known:
        raise BadRequest(f"{name}: expected one of {', '.join(sorted(known))}, received {value!r}")
    return known[value]


def _columns(rows):
    """Values by name where the rows have names, and the rows themselves where they have none."""
    if not isinstance(rows, list) or not rows:
        raise BadRequest('"instances": expected a list of at least one, received another value')
    named = [isinstance(row, dict) and not _is_bytes(row) for row in rows]
    if not any(named):
        return rows
    if not all(named) or any(row.keys() != rows[0].keys() for row in rows):
        raise BadRequest('"instances": expected the same names in all, received different ones')
    return {name: [row[name] for row in rows] for name in rows[0]}


def _is_bytes(value):
    return isinstance(value, dict) and value.keys() == {"b64"}


def _array(name, value, dtype):
    if dtype is object:
        return _strings(name, value)
    expected = f"{name}: expected numbers of type {np.dtype(dtype)} in lists of equal lengths"
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise BadRequest(f"{expected}, received lists of different lengths") from error
    if array.dtype.kind not in KINDS[np.dtype(dtype)] and array.size:
        raise BadRequest(f"{expected}, received others")
    with np.errstate(over="ignore"):  # to infinity, which the model refuses
        converted = array.astype(dtype)
    if array.dtype.kind in "iu" and not np.array_equal(converted, array) and dtype is np.int32:
        raise BadRequest(f"{expected}, received larger ones")
    return converted


def _strings(name, value):
    """Strings in lists as an array of objects, each of them bytes."""
    if isinstance(value, list):
        array = np.empty(len(value), object)
        array[:] = [_bytes(name, each) for each in value]
        return array
    return np.array(_bytes(name, value), object)


def _bytes(name, value):
    if isinstance(value, str):
        return _utf8(name, value)
    if not _is_bytes(value) or not isinstance(value["b64"], str):
        raise BadRequest(f'{name}: expected {{"b64": "..."}}, received another value')
    try:
        return base64.b64decode(value["b64"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"{name}: expected base64, received something else: {error}") from error


def _utf8(name, text):
    try:
        return text.encode()
    except UnicodeEncodeError as error:  # JSON can write halves of characters
        raise BadRequest(f"{name}: expected text, received half a character") from error


def _json(name, array):
    if array.dtype != object:
        return array.tolist()
    return _text(name, array.tolist())


def _text(name, value):
    if isinstance(value, list):
        return [_text(name, each) for each in value]
    if name.endswith("_bytes"):
        return {"b64": base64.b64encode(value).decode()}
    return value.decode()


def _dump(value):
    return json.dumps(value, separators=(",", ":")).encode()
