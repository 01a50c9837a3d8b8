"""Paints a picture by a served model, over REST, and shows how far it is.

    python -m export.client_rest --content=a.jpg --output=a.png

An interrupted run continues where it was: give the same command again. See docs/serving.md.
"""

import http.client
import json
import sys
import urllib.error
import urllib.request

from export import client
from tfstyle.server import codec

URL = "http://127.0.0.1:8501/v1/models/tfstyle:predict"


def parser():
    return client.parser("client_rest", URL)


def connect(url, token):
    """The signature `step` at that address."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"

    def step(inputs):
        request = urllib.request.Request(url, codec.write_request("step", inputs), headers)
        try:
            with urllib.request.urlopen(request, timeout=client.WAIT) as answer:
                return codec.read_response(answer.read())
        except urllib.error.HTTPError as error:
            code = client.USAGE if error.code < 500 else client.FAILURE
            raise client.Failed(_sentence(error), code) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise client.Failed(f"expected an answer from {url}, received: {error}") from error

    return step


def _sentence(error):
    body = error.read()
    try:
        return json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):  # what stands before the server has its own words
        return f"{error.code} {error.reason}"


if __name__ == "__main__":
    sys.exit(client.main(parser().parse_args(), connect))
