"""A process of a run that only pretends to paint, and page and server that are tested with it."""

import contextlib
import os
import pathlib
import signal
import socket
import sys
import threading
import time

import numpy as np

from tfstyle import images, provenance
from tfstyle.settings import StylizeSettings
from tfstyle.web import WebSettings, worker

STEP_S = 0.03
DEADLY = 13  # a seed
DYING_S = 2  # in which others come to wait


class Pretending(worker.Worker):
    """Steps take no work; the picture is grey, and lighter with every step."""

    def estimate(self, job, speeds):
        size = job["settings"]["size"]
        costs = {"size": [size, size], "levels": [[size, size]], "memory": 1e9, "seconds": 7.0}
        self.say(costs | {"device": "none", "speeds": {}})

    def paint(self, job, folder, extension, **record):
        self.run, settings = self, job["settings"]
        size, budget = settings["size"], settings["evaluations"]
        sizes = [[size // 2, size // 2], [size, size]]
        self.say({"size": [size, size], "levels": sizes, "memory": 1e9, "device": "none"})
        for number in range(budget + 1):
            image = np.full((1, size, size, 3), number / budget, np.float32)
            worker._show(image, os.path.join(folder, worker.LIVE))
            step = {"level": 1 + (2 * number > budget), "fraction": number / budget}
            step |= {"evaluations": number, "loss": 1 / number if number else None}
            self.say(step | {"live": number})
            if settings["seed"] == DEADLY and number == 3:
                time.sleep(DYING_S)
                os.kill(os.getpid(), signal.SIGKILL)
            if self._is_stopping:
                break
            time.sleep(STEP_S)
        if job["content"]:
            images.save(os.path.join(folder, worker.BEFORE), image)
        told = provenance.of(record["typed"], StylizeSettings())
        images.save(os.path.join(folder, worker.PICTURE + extension), image, told)
        is_finished = not self._is_stopping
        pathlib.Path(folder, worker.CHECKPOINT).touch()
        self.say({"outcome": "done" if is_finished else "stopped", "is_finished": is_finished})

    def stop(self):
        """`listen` calls it."""


COMMAND = (sys.executable, __file__)


@contextlib.contextmanager
def serving(folder, token=None, **limits):
    """The address of a page that is served meanwhile, by a thread."""
    from tfstyle.cli.run import typed
    from tfstyle.web import app, serve

    settings = WebSettings(**limits)
    server = serve.server(app.make(str(folder), settings, typed, token, COMMAND))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=[[listening]])
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


if __name__ == "__main__":
    worker.main(Pretending)
