"""What a command says: on standard error, and never at the cost of the picture."""

import contextlib
import contextvars
import importlib.util
import os
import sys

from tqdm import tqdm

_DETAILED = contextvars.ContextVar("detailed", default=False)


class Failure(Exception):
    """A command that failed; the message is one sentence for the user."""


def need(extra: str, *modules: str) -> None:
    """Raises `Failure` where modules are missing, which come with an extra of the package."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise Failure(f'{", ".join(missing)} is missing: pip install "tfstyle[{extra}]"')


def say(text: str) -> None:
    """Prints a line, above a bar that is shown.

    Where nobody can hear it (closed, full, a broken pipe), it is lost.
    """
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr is not None:
            tqdm.write(text, file=sys.stderr)
            sys.stderr.flush()


def show(text: str) -> None:
    """Prints what was asked for on standard output, as much as is read of it."""
    try:
        print(text, flush=True)
    except BrokenPipeError:  # `| head` has seen enough; nor may Python complain at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def want_details(wanted: bool) -> None:
    """Says what --verbose asked for; holds until the next command."""
    _DETAILED.set(wanted)


def is_detailed() -> bool:
    """Whether a command is to tell what it does, and not only what came of it."""
    return _DETAILED.get()
