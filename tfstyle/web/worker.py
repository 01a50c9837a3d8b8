"""The process of a run, from inside: it looks at pictures, plans, and paints one.

    python -m tfstyle.web.worker

Requests are lines of JSON on the standard input, answers such lines on the standard output. What it
paints is its last; it ends when the input does.
"""

import contextlib
import json
import math
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from tfstyle import images, levels, native_log, output, provenance
from tfstyle.run import Run
from tfstyle.settings import FileSettings
from tfstyle.web.form import JOBS
from tfstyle.web.worker_files import BEFORE, CHECKPOINT, LIVE, PICTURE

THUMBNAIL, LIVE_SIDE = 512, 1024  # long sides in pixels
LIVE_SECONDS = 0.5  # between two pictures

Say = Callable[[dict[str, Any]], None]


class Worker:
    """What the process knows."""

    def __init__(self, say: Say):
        self.say, self.run = say, None
        self._requests: queue.SimpleQueue = queue.SimpleQueue()
        self._is_stopping = False

    def listen(self, lines: Any) -> None:
        """Takes requests, also while one is worked on; at their end the page is gone."""
        for line in lines:
            request = json.loads(line)
            if request["do"] == "stop":
                self._is_stopping = True
                if self.run is not None:
                    self.run.stop()
            else:
                self._requests.put(request)
        os._exit(0)

    def work(self) -> None:
        """Answers requests until something is painted."""
        while True:
            request = self._requests.get()
            try:
                getattr(self, request.pop("do"))(**request)
            except Exception as error:
                self.say({"error": _sentence(error)})
            if self.run is not None:
                return

    def look(self, path: str, thumbnail: str) -> None:
        """Checks that a file is a picture, and makes a small one."""
        pixels = images.read(path, "picture").over(images.colour("white"))
        height, width = pixels.shape[1:3]
        small = images.resize(pixels, *levels.fit(height, width, THUMBNAIL))
        images.to_pil(small).save(thumbnail, quality=98, subsampling=0)  # also of masks
        self.say({"size": [width, height]})

    def estimate(self, job: dict[str, Any], speeds: dict[str, float]) -> None:
        """Says what a job will cost, and the speeds of the machine, of which some are known."""
        from tfstyle import device

        plan = _run(job).plan
        for precision in {plan.precision, "float32"} - speeds.keys():
            speeds[precision] = device.speed(precision)
        seconds = plan.seconds(speeds[plan.precision], speeds["float32"])
        self.say(_costs(plan) | {"seconds": seconds, "speeds": speeds})

    def paint(self, job: dict[str, Any], folder: str, extension: str, **record: Any) -> None:
        """Paints, writes the picture to a folder, and says all that there is to be seen."""
        run = self.run = _run(job, checkpoint=os.path.join(folder, CHECKPOINT), resume=True)
        if self._is_stopping:
            run.stop()
        self.say(_costs(run.plan))
        shown, number = 0.0, 0
        for step in run:
            if time.monotonic() - shown >= LIVE_SECONDS:
                _show(step.image, os.path.join(folder, LIVE))
                shown, number = time.monotonic(), number + 1
            self.say(_told(step) | {"live": number})
        self._save(run.result, job, folder, extension, record)

    def _save(self, result, job, folder, extension, record):
        """Writes the result, and beside it what it was before."""
        inputs = self.run.inputs
        if inputs.content is not None:
            before = images.resize(inputs.content, *result.image.shape[1:3])
            images.to_pil(before).save(os.path.join(folder, BEFORE), quality=92)
        shown = JOBS[job["command"]].of(record["settings"])
        output.save(
            os.path.join(folder, PICTURE + extension),
            provenance.of(record["typed"], shown) | provenance.outcome(result),
            image=result.image,
            metadata=inputs.metadata,
            settings=FileSettings.of(job["files"]),
            alpha=result.alpha,
        )
        self.say({"outcome": result.outcome.value, "is_finished": result.outcome.finished})


def _run(job, **options):
    content = {"content": job["content"]} if job["content"] else {}
    settings = JOBS[job["command"]].of(job["settings"])
    return Run(settings, style=job["style"], **content, **options)


def _costs(plan):
    height, width = plan.size
    finest = plan.levels[-1].level
    return {
        "size": [width, height],
        "levels": [  # in the frame of the result: without the margin
            [
                round(width * each.level.width / finest.width),
                round(height * each.level.height / finest.height),
            ]
            for each in plan.levels
        ],
        "memory": plan.memory,
        "device": f"{plan.device}, {plan.precision}",
    }


def _told(step):
    return {
        "level": step.level,
        "fraction": step.fraction,
        "evaluations": step.evaluations,
        "loss": step.loss if math.isfinite(step.loss) else None,  # JSON has no others
    }


def _show(image, path):
    """Replaces the picture that is seen meanwhile, whole or not at all."""
    height, width = image.shape[1:3]
    if max(height, width) > LIVE_SIDE:
        image = images.resize(image, *levels.fit(height, width, LIVE_SIDE))
    with images.temporary(path) as beside:
        images.to_pil(image).save(beside, quality=88)
        os.replace(beside, path)


def _sentence(error):
    if isinstance(error, ValueError):
        return str(error)
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return "memory: there is too little of it: try a smaller size"
    return f"failed: {type(error).__name__}: {error}"


def main(kind: Callable[[Say], "Worker"] = Worker) -> None:
    """Runs the process."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no answer
    with contextlib.suppress(OSError):  # where memory runs out the page is not what ends
        os.nice(5)
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write("1000")

    def say(answer):
        answers.write(json.dumps(answer) + "\n")

    worker = kind(say)
    threading.Thread(target=worker.listen, args=[sys.stdin.buffer], daemon=True).start()
    with native_log.hidden():
        worker.work()


if __name__ == "__main__":
    main()
