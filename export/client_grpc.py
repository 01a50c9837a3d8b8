"""Paints a picture by a served model, over gRPC, and shows how far it is.

    python -m export.client_grpc --content=a.jpg --output=a.png

An interrupted run continues where it was: give the same command again. See docs/serving.md.
"""

import os
import sys

from export import client

URL = "127.0.0.1:8500"
THEIRS = ("INVALID_ARGUMENT", "UNAUTHENTICATED", "RESOURCE_EXHAUSTED", "NOT_FOUND")


def parser():
    return client.parser("client_grpc", URL)


def connect(url, token):
    """The signature `step` at that address."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # the messages come with TensorFlow
    import grpc
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    from tfstyle.server import protos

    sizes = [(f"grpc.max_{way}_message_length", -1) for way in ("send", "receive")]  # 4 MB else
    channel = grpc.insecure_channel(url, options=sizes)
    service = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    metadata = [("authorization", f"Bearer {token}")] if token else []

    def step(inputs):
        request = protos.write_request("tfstyle", "step", inputs)
        try:
            answer = service.Predict(request, timeout=client.WAIT, metadata=metadata)
        except grpc.RpcError as error:
            code = client.USAGE if error.code().name in THEIRS else client.FAILURE
            raise client.Failed(error.details(), code) from error
        return protos.read_response(answer)

    return step


if __name__ == "__main__":
    sys.exit(client.main(parser().parse_args(), connect))
