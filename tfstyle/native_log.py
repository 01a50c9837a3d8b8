"""Hides what libraries in C write to the console: the remarks of TensorFlow and of libtiff."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

_lock = threading.Lock()
_ended = contextlib.ExitStack()  # what is to be done when the last `hidden` ends
_running = 0


@contextlib.contextmanager
def hidden() -> Iterator[None]:
    """Lets Python write to the console, and nobody else, in all threads of the process.

    TensorFlow remarks on missing GPUs at its import, whatever its settings are:

        with tfstyle.native_log.hidden():
            import tensorflow
    """
    global _running
    with _lock:
        _running += 1
        if _running == 1:
            _redirect(_ended)
    try:
        yield
    finally:
        with _lock:
            _running -= 1
            if not _running:
                _ended.close()


def _redirect(ended):
    _open_if_closed(2)
    console, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    ended.callback(os.close, console)
    ended.callback(os.dup2, console, 2)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    if sys.stderr is sys.__stderr__:  # else it is captured, and does not write there
        ended.callback(setattr, sys, "stderr", sys.stderr)
        encoding = getattr(sys.__stderr__, "encoding", "utf-8")
        sys.stderr = os.fdopen(
            console, "w", buffering=1, encoding=encoding, errors="backslashreplace", closefd=False
        )


def _open_if_closed(descriptor):
    """So that no file of ours gets the number to which native code writes."""
    try:
        os.fstat(descriptor)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        if nowhere != descriptor:
            os.dup2(nowhere, descriptor)
            os.close(nowhere)
