"""The process of a run, from outside: what it is asked, what it says, and its end."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

LONGEST = 1_000_000  # bytes of a line
WORKER = (sys.executable, "-m", "tfstyle.web.worker")


class Ended(Exception):
    """The process has ended before it answered."""


class Process:
    """A fresh interpreter with `tfstyle.web.worker`: requests go in, and answers come out.

    Requests and answers are lines of JSON. It ends itself when its input does, so that it does not
    outlive the page.

    Args:
        command: that starts it.
    """

    def __init__(self, command: Sequence[str] = WORKER):
        self._command = command
        self._process: Any = None
        self._turn = asyncio.Lock()

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> "Process":
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST,
            env=environment,
            start_new_session=True,  # Ctrl-C is the page's, which ends it
        )
        return self

    async def ask(self, **request: Any) -> dict[str, Any]:
        """The answer to a request; raises `ValueError` where it says so, and `Ended`."""
        async with self._turn:
            async for answer in self.follow(**request):
                if "error" in answer:
                    raise ValueError(answer["error"])
                return answer
        raise Ended

    async def follow(self, **request: Any) -> AsyncIterator[dict[str, Any]]:
        """All that the process says after a request, to its end."""
        self.send(**request)
        while True:
            line = await self._process.stdout.readline()
            if not line:
                return
            yield json.loads(line)

    def send(self, **request: Any) -> None:
        """Sends a request; where the process has ended nobody hears it."""
        with contextlib.suppress(ConnectionError, RuntimeError):
            self._process.stdin.write(json.dumps(request).encode() + b"\n")

    async def wait(self) -> int:
        """Its exit code; that of a signal is negative."""
        return await self._process.wait()

    def kill(self) -> None:
        """Ends it, whatever it is doing."""
        if self.is_alive:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def end(self) -> None:
        """Ends it, and waits until nothing is left of it."""
        self.kill()
        if self._process is not None:
            self._process.stdin.close()
            await self._process.wait()
