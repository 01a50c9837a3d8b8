"""What is to be known of a running server: a line for each request, and numbers for Prometheus."""

import contextlib
import functools
import json
import logging
import re
import time
import uuid
from collections.abc import Iterator

import prometheus_client

from tfstyle.server.pool import Pool

ID_HEADER = "x-request-id"
LONGEST = 200  # characters of a path in the log
SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)
_log = logging.getLogger("tfstyle.serve")


class Told:
    """What becomes of a request; `code` and `size` are set when it is answered."""

    code, size = 0, 0


class Watch:
    """Counts and logs.

    Args:
        pool: whose places are counted too.
    """

    def __init__(self, pool: Pool):
        self._registry = prometheus_client.CollectorRegistry()
        self._requests = prometheus_client.Counter(
            "tfstyle_requests",
            "Requests, by their answer",
            ["route", "code"],
            registry=self._registry,
        )
        self._seconds = prometheus_client.Histogram(
            "tfstyle_request_seconds",
            "Seconds from a request to its answer",
            ["route"],
            buckets=SECONDS,
            registry=self._registry,
        )
        for name, what in (
            ("places", "Requests for the model that there may be at a time"),
            (
                "places_taken",
                "Requests for the model that there are, or are still computed",
            ),
            ("restarts", "Processes of the model that were started in the place of others"),
        ):
            gauge = prometheus_client.Gauge(f"tfstyle_{name}", what, registry=self._registry)
            gauge.set_function(functools.partial(getattr, pool, name.removeprefix("places_")))

    def metrics(self) -> bytes:
        """In Prometheus' text format."""
        return prometheus_client.generate_latest(self._registry)

    @contextlib.contextmanager
    def request(self, id: str, client: str, what: str, route: str) -> Iterator[Told]:
        """Counts and logs one request when the block ends.

        Args:
            id: see `request_id`.
            client: its address.
            what: its method and path.
            route: the path of the table, for requests that have one there.
        """
        told, began = Told(), time.monotonic()
        try:
            yield told
        finally:
            seconds = time.monotonic() - began
            self._requests.labels(route, told.code).inc()
            self._seconds.labels(route).observe(seconds)
            what = json.dumps(what[:LONGEST])  # in one line, whatever is in it
            _log.info(
                "id=%s client=%s request=%s code=%d seconds=%.3f bytes=%d",
                *(id, client, what, told.code, seconds, told.size),
            )


def request_id(given: str | None) -> str:
    """The name of a request: the client's own, where it can stand in a log, or a new one."""
    return given if given and re.fullmatch(r"[\w.:-]{1,100}", given, re.ASCII) else uuid.uuid4().hex
