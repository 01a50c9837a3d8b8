"""What a command says: on standard error, and never at the cost of the picture."""

import contextlib
import sys


class Failure(Exception):
    """A command that failed; the message is one sentence for the user."""


def say(text: str) -> None:
    """Prints a line; where nobody can hear it (closed, full, a broken pipe), it is lost."""
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr is not None:
            print(text, file=sys.stderr, flush=True)
