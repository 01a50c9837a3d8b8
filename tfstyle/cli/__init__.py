"""The command line: `tfstyle COMMAND --flag=value ...`, also `python -m tfstyle`."""

import contextlib
import importlib
import os
import re
import signal
import sys
import threading
from collections.abc import Sequence

from absl import flags

from tfstyle import native_log
from tfstyle.cli.console import Failure, say
from tfstyle.messages import did_you_mean
from tfstyle.outcome import Outcome

COMMANDS = {
    "stylize": "paint the content of one picture in the style of another",
    "batch": "paint many pictures in the same style",
    "texture": "make a new picture with the texture of another",
    "frame": "learn the random field of a texture, and draw a picture from it",
    "compare": "show side by side what statistics, or any other setting, make of it",
    "export": "write a model that any TensorFlow server runs: pictures in, pictures out",
    "invert": "rebuild a picture from what one layer of the network sees",
}
FAILURE, USAGE, INTERRUPTED = 1, 2, Outcome.STOPPED.exit_code
SIGNALS = [signal.SIGINT, signal.SIGTERM, *filter(None, [getattr(signal, "SIGHUP", None)])]


def run() -> None:
    """Entry point of the program."""
    code = main(sys.argv[1:])
    for number in SIGNALS:  # all is written: none may change the exit code while Python ends
        signal.signal(number, signal.SIG_IGN)
    sys.exit(code)


def main(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code: 0, 1 failure, 2 usage, 130 interrupted."""
    name = arguments[0] if arguments else "--help"
    if name in ("-h", "--help", "help"):
        print(_overview())
        return 0
    if name == "--version":
        print("tfstyle", importlib.import_module("tfstyle").__version__)
        return 0
    if name not in COMMANDS:
        hint = did_you_mean(name, COMMANDS)
        return _complain(
            "", f"expected a command out of {', '.join(COMMANDS)}, received {name!r}{hint}"
        )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's remarks on missing GPUs
    os.environ["KERAS_BACKEND"] = "tensorflow"
    _interrupt_at_signals()
    captured = sys.stderr is not sys.__stderr__  # then there is no console to keep clean
    with contextlib.nullcontext() if captured else native_log.hidden():
        return _guarded(importlib.import_module(f"tfstyle.cli.{name}").main, name, arguments[1:])


def _interrupt_at_signals():
    """A polite kill, and a terminal that is closed, are what Ctrl-C is: the image is saved."""
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS[1:]:
            if signal.getsignal(number) != signal.SIG_IGN:  # nohup ignores SIGHUP
                signal.signal(number, signal.default_int_handler)


def _guarded(command, name, arguments) -> int:
    """Turns every exception into one line and an exit code."""
    try:
        return command(arguments)
    except flags.Error as error:
        return _complain(name, error)
    except ValueError as error:  # begins with the argument's name, which is the flag's
        return _complain(name, re.sub(r"^(\w+[:=])", r"--\1", str(error)))
    except KeyboardInterrupt:
        return _complain(name, "interrupted before the picture was written", INTERRUPTED)
    except Failure as error:
        return _complain(name, error, FAILURE)
    except MemoryError:
        return _complain(name, "out of memory: try a smaller --size or --memory", FAILURE)
    except Exception as error:  # a user must never see a traceback
        if type(error).__name__ == "ResourceExhaustedError":
            return _complain(name, "out of memory: try a smaller --size or --memory", FAILURE)
        return _complain(name, f"failed: {type(error).__name__}: {error}", FAILURE)


def _complain(command, error, code=USAGE) -> int:
    message = " ".join(str(error).split())
    say(f"tfstyle {command}".rstrip() + f": {message}")
    return code


def _overview():
    lines = [f"  {name:10}{what}" for name, what in COMMANDS.items()]
    return "\n".join(
        [
            "usage: tfstyle COMMAND --flag=value ...",
            "",
            *lines,
            "",
            "tfstyle COMMAND --help lists the flags of a command.",
        ]
    )
