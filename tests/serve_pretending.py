"""`tfstyle serve` whose processes of the model only pretend: they sleep, fail and end as told."""

import json
import sys
import threading
import time

from tfstyle import cli
from tfstyle.server import replicas
from tfstyle.server.worker import Answer

START_S = 0.5
NUMBER, PICTURE = {"type": "int32", "shape": []}, {"type": "float32", "shape": [1, None, None, 3]}
TEXT = {"type": "string", "shape": [None]}
FACTS = {
    "version": 2,
    "settings": {"evaluations": 70, "max_size": 512},
    "signatures": {
        "serving_default": {"inputs": {"image_bytes": TEXT}, "outputs": {"stylized_bytes": TEXT}},
        "stylize": {
            "inputs": {"image": PICTURE, "num_steps": NUMBER, "seed": NUMBER},
            "outputs": {"image": PICTURE},
        },
        "texture": {
            "inputs": {"height": NUMBER, "width": NUMBER, "seed": NUMBER},
            "outputs": {"image": PICTURE},
        },
        "describe": {
            "inputs": {"image": PICTURE, "seed": NUMBER},
            "outputs": {"descriptor_bytes": TEXT},
        },
    },
}


class Pretending:
    """A request for `:predict` says what happens; a plain one is answered by what was asked."""

    facts = FACTS

    def __init__(self, work):
        time.sleep(START_S)
        self._ended = threading.Event()

    def ask(self, kind, data, options):
        if kind == "picture":
            return Answer(200, json.dumps([len(data), options]).encode(), options["form"])
        asked = json.loads(data)
        if asked.get("fail"):
            return Answer(500, "failed with KeyError, see the log", trace="Traceback of a test")
        self._ended.wait(asked.get("seconds", 0))
        if asked.get("end") or self._ended.is_set():
            self._ended.set()
            raise replicas.Lost
        return Answer(200, b'{"outputs": 1}')

    def wait(self):
        self._ended.wait()

    def end(self):
        self._ended.set()


if __name__ == "__main__":
    replicas.Local = Pretending
    sys.exit(cli.main(["serve", *sys.argv[1:]]))
