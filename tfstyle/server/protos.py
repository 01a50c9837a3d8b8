"""TensorFlow Serving's messages, as its gRPC service reads and writes them, to NumPy and back."""

import math

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import predict_pb2

from tfstyle.server import codec

TYPES = types_pb2.DT_FLOAT, types_pb2.DT_INT32, types_pb2.DT_STRING


def read_request(data, limit) -> predict_pb2.PredictRequest:
    """The message in these bytes, with no tensor that would take more than `limit` bytes.

    Raises:
        BadRequest: it is none, or larger.
    """
    try:
        request = predict_pb2.PredictRequest.FromString(data)
    except DecodeError as error:
        raise codec.BadRequest("expected a PredictRequest, received other bytes") from error
    for name, tensor in request.inputs.items():
        sides = [dim.size for dim in tensor.tensor_shape.dim]
        # One value stands for a tensor of any shape: a small message could fill the memory.
        if tensor.tensor_shape.unknown_rank or min(sides, default=0) < 0:
            raise codec.BadRequest(f"{name}: expected a known shape, received another")
        if 4 * math.prod(sides) > limit:
            raise codec.BadRequest(f"{name}: expected at most {limit} bytes, received {sides}")
    return request


def read_inputs(request) -> dict:
    """`{name: array}` of a message."""
    return {name: _array(name, tensor) for name, tensor in request.inputs.items()}


def write_request(model, signature, inputs) -> predict_pb2.PredictRequest:
    """The message for `{name: array}`."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = model, signature
    for name, array in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
    return request


def write_response(model, signature, version, outputs) -> predict_pb2.PredictResponse:
    """The answer for `{name: array}`."""
    response = predict_pb2.PredictResponse()
    response.model_spec.name, response.model_spec.signature_name = model, signature
    response.model_spec.version.value = version
    for name, array in outputs.items():
        response.outputs[name].CopyFrom(tf.make_tensor_proto(array))
    return response


def read_response(response) -> dict:
    """`{name: array}` of an answer."""
    return {name: _array(name, tensor) for name, tensor in response.outputs.items()}


def _array(name, tensor):
    if tensor.dtype not in TYPES:
        known = tensor.dtype in types_pb2.DataType.values()
        received = types_pb2.DataType.Name(tensor.dtype) if known else f"number {tensor.dtype}"
        raise codec.BadRequest(
            f"{name}: expected the type DT_FLOAT, DT_INT32 or DT_STRING, received {received}"
        )
    try:
        array = tf.make_ndarray(tensor)
    except (TypeError, ValueError, IndexError) as error:
        raise codec.BadRequest(f"{name}: expected a tensor, received {error}") from error
    return np.asarray(array, object if tensor.dtype == types_pb2.DT_STRING else None)
