"""Asks a server for good and bad things for some time, and reports what it answered.

    python -m export.load_test --seconds=60

Valid requests, malformed ones, some that are too large, slow or abandoned; see docs/serving.md.
The exit code is 1 if a bad request was answered by anything but a 4xx with a sentence, a valid one
by anything but its picture, or either by a 5xx; a 503 is allowed to all.
"""

import argparse
import collections
import contextlib
import http.client
import json
import pathlib
import random
import select
import sys
import threading
import time
import urllib.parse

import numpy as np

from export import client, client_rest
from export.flags import at_least
from tfstyle.server import codec

SIDE = 48  # of the picture in a valid request, in pixels
CHUNK = 2**16
WAIT = 120  # seconds for one answer
VALID = 0.5  # of the requests
POINTS = 5  # at which memory is measured


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        "python -m export.load_test",
        description="Asks a server for good and bad things, and reports what it answered.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = options.add_argument
    add("--url", default=client_rest.URL, help="of the server")
    add("--token", default="", help="that the server wants to see; empty: $TFSTYLE_TOKEN")
    add("--seconds", type=at_least(1.0), default=60, help="how long")
    add("--clients", type=at_least(1), default=2, help="at a time; one more is slow")
    add("--num_steps", type=at_least(1), default=2, help="evaluations of a valid request")
    add("--max_request_mb", type=at_least(0.001), default=128, help="the server's limit, in MiB")
    add("--pid", type=int, help="process of the server, to report its memory")
    return options


def image(side=SIDE, value=None):
    """A picture of noise, or of one value, as a request holds it."""
    pixels = np.random.default_rng(0).random((1, side, side, 3), np.float32)
    return pixels if value is None else np.full_like(pixels, value)


def stylize(num_steps, pixels):
    """The body of a request for the signature `stylize`."""
    inputs = {"image": pixels, "num_steps": np.int32(num_steps), "seed": np.int32(0)}
    return codec.write_request("stylize", inputs)


def malformed() -> dict:
    """Bodies that no server can answer, by what is wrong with them."""
    files = {"base64": "not base64!", "file": "bm90IGFuIGltYWdl", "jpeg": "/9j/AAAA"}
    bodies = {name: {"instances": [{"b64": text}]} for name, text in files.items()}
    bodies |= {
        "signature": {"signature_name": "paint", "inputs": {}},
        "names": {"signature_name": "stylize", "inputs": {"picture": [[1]]}},
        "type": {"instances": [3]},
        "form": {"instances": []},
        "neither": {},
    }
    encoded = {name: json.dumps(body).encode() for name, body in bodies.items()}
    row = {"image": image()[0].tolist(), "num_steps": 2, "seed": 0}
    return encoded | {
        "empty": b"",
        "json": b'{"instances": [',
        "list": b"[" * 100_000,
        "shape": stylize(2, np.zeros([2, 2], np.float32)),
        "small": stylize(2, image(side=8)),
        "range": stylize(2, image(value=2)),
        "nan": stylize(2, image(value=np.nan)),
        "steps": stylize(-1, image()),
        "two": stylize(2, np.repeat(image(), 2, axis=0)),
        "two rows": json.dumps({"signature_name": "stylize", "instances": [row] * 2}).encode(),
        "half": b'{"instances": ["\\ud800"]}',
        "half name": b'{"inputs": {"\\udfff": 1}}',
        "state": _other_bytes("step", "state_bytes", content=image()),
        "descriptor": _other_bytes("stylize_with", "descriptor_bytes"),
    }


def _other_bytes(signature, name, **more):
    """A request with bytes that no model returned."""
    inputs = {"image": image(), "num_steps": np.int32(2), "seed": np.int32(0)} | more
    return codec.write_request(signature, inputs | {name: np.array(b"tfstyle, other\n.", object)})


class Asking:
    """One server, and the ways to ask it; each but the last returns status and body."""

    def __init__(self, options):
        self._url = urllib.parse.urlsplit(options.url)
        self._headers = {"Content-Type": "application/json"}
        if token := client.token(options):
            self._headers["Authorization"] = f"Bearer {token}"
        self._chunks = int(options.max_request_mb * 2**20) // CHUNK + 1
        self._valid = stylize(options.num_steps, image())

    def valid(self):
        return self.post(self._valid)

    def post(self, body):
        with self._connected() as connection:
            connection.request("POST", self._url.path, body, self._headers)
            return _answer(connection)

    def health(self):
        with self._connected() as connection:
            connection.request("GET", "/healthz")
            return _answer(connection)

    def large(self):
        """More bytes than the server takes, which it is told beforehand."""
        return self._sent([b" " * CHUNK] * self._chunks, 0)

    def chunked(self):
        """The same in chunks, of which it is not told how many there are."""
        chunk = b"%x\r\n%s\r\n" % (CHUNK, b" " * CHUNK)
        return self._sent([chunk] * self._chunks, 0, chunked=True)

    def slow(self):
        """Two bytes a second."""
        return self._sent([self._valid[i : i + 1] for i in range(len(self._valid))], 0.5)

    def abandoned(self):
        """A valid request whose client leaves before the answer."""
        with self._connected() as connection:
            connection.request("POST", self._url.path, self._valid, self._headers)
            time.sleep(random.uniform(0, 0.2))

    def _sent(self, parts, pause, chunked=False):
        """Sends until the server answers, which is before the end."""
        length = ("Content-Length", str(sum(map(len, parts))))
        with self._connected() as connection:
            connection.putrequest("POST", self._url.path)
            how = ("Transfer-Encoding", "chunked") if chunked else length
            for name, value in [*self._headers.items(), how]:
                connection.putheader(name, value)
            connection.endheaders()
            for part in parts:
                if select.select([connection.sock], [], [], pause)[0]:
                    break
                connection.send(part)
            return _answer(connection)

    def _connected(self):
        url = self._url
        return contextlib.closing(http.client.HTTPConnection(url.hostname, url.port, timeout=WAIT))


def _answer(connection):
    response = connection.getresponse()
    return response.status, response.read()


def fault(kind, status, body):
    """What is wrong with an answer; empty: nothing."""
    if kind in ("valid", "health") and status == 200:
        return "" if kind == "health" or _is_picture(body) else "no picture"
    if status != 503 and not (kind != "valid" and 400 <= status < 500):
        return f"status {status}: {body[:200]}"
    try:
        return "" if len(json.loads(body)["error"].split()) > 1 else "no sentence"
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"status {status} without a sentence: {body[:200]}"


def _is_picture(body):
    picture = codec.read_response(body)["image"]
    return picture.shape == (1, SIDE, SIDE, 3) and 0 <= picture.min() <= picture.max() <= 1


class Record:
    """Counts and seconds by kind of request, and what should not have been."""

    def __init__(self):
        self.counts = collections.Counter()
        self.seconds = collections.defaultdict(list)
        self.faults = []

    def ask(self, kind, way):
        """Asks in that way, which returns an answer or nothing."""
        began = time.perf_counter()
        try:
            answer = way()
        except (OSError, http.client.HTTPException) as error:
            answer = 0, f"{type(error).__name__}: {error}".encode()
        if answer is None:
            self.counts[kind, "left"] += 1
            return
        status, body = answer
        self.counts[kind, status] += 1
        self.seconds[kind, status].append(time.perf_counter() - began)
        wrong = fault(kind, status, body)
        if wrong:
            self.faults.append(f"{kind}: {wrong}")

    def report(self):
        for (kind, status), count in sorted(self.counts.items(), key=str):
            times = self.seconds[kind, status]
            shares = np.percentile(times, [50, 90, 99]) if times else []
            print(f"{kind:10}{status!s:>6}{count:8}", *(f"{1e3 * share:9.0f}" for share in shares))
        for wrong in self.faults[:20]:
            print(f"unexpected: {wrong}")
        print(f"{sum(self.counts.values())} requests, {len(self.faults)} unexpected answers")


def memory(pid) -> float:
    """Mebibytes of a process and all below it; what they share counts once for each."""
    parents = {}
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):  # it has ended
            fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines())
            parents[int(status.parent.name)] = int(fields["PPid"]), fields.get("VmRSS", "0 kB")

    def below(process):
        while process not in (pid, 0):
            process = parents.get(process, (0,))[0]
        return process == pid

    return sum(int(rss.split()[0]) for each, (_, rss) in parents.items() if below(each)) / 1024


def run(options) -> Record:
    """Asks until the time is over."""
    asking, record, end = Asking(options), Record(), time.monotonic() + options.seconds
    bad = {name: lambda body=body: asking.post(body) for name, body in malformed().items()}
    bad |= {name: getattr(asking, name) for name in ("large", "chunked", "abandoned")}

    def mixed(seed):
        draw = random.Random(seed)
        while time.monotonic() < end:
            kind = draw.choice(list(bad))
            if draw.random() < VALID:
                record.ask("valid", asking.valid)
            else:
                record.ask(kind, bad[kind])

    def repeated(kind, way, pause):
        while time.monotonic() < end:
            record.ask(kind, way)
            time.sleep(pause)

    threads = [threading.Thread(target=mixed, args=[seed]) for seed in range(options.clients)]
    threads.append(threading.Thread(target=repeated, args=["slow", asking.slow, 0]))
    threads.append(threading.Thread(target=repeated, args=["health", asking.health, 0.5]))
    for thread in threads:
        thread.start()
    for point in range(POINTS):
        _print_memory(options.pid, f"after {point * options.seconds / POINTS:.0f} s")
        time.sleep(options.seconds / POINTS)
    for thread in threads:
        thread.join()
    _print_memory(options.pid, "at the end")
    return record


def _print_memory(pid, when):
    if pid:
        print(f"memory {when}: {memory(pid):.0f} MiB", flush=True)


def main(arguments) -> int:
    options = parser().parse_args(arguments)
    record = run(options)
    print("kind      status   count  p50 ms    p90 ms    p99 ms")
    record.report()
    return 1 if record.faults or not record.counts["valid", 200] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
