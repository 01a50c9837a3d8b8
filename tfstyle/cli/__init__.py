"""The command line: `tfstyle COMMAND WORD ... --flag=value ...`, also `python -m tfstyle`."""

import contextlib
import importlib
import os
import re
import signal
import sys
import threading
from collections.abc import Sequence
from typing import NamedTuple

from absl import flags

from tfstyle import native_log
from tfstyle.cli.console import Failure, say, show
from tfstyle.messages import did_you_mean
from tfstyle.outcome import Outcome


class Command(NamedTuple):
    """What a command does, and how it is called.

    Attributes:
        what: a phrase.
        words: names of flags that may be left out before their values, in the order of these;
            the one with "..." takes all that the others leave.
        example: what may stand behind its name.
    """

    what: str
    words: str
    example: str


COMMANDS = {
    "stylize": Command(
        "paint the content of one picture in the style of another",
        "content style...",
        "photo.jpg painting.jpg -o out.jpg",
    ),
    "batch": Command(
        "paint many pictures in the same style",
        "content... style",
        "photos painting.jpg -o painted",
    ),
    "texture": Command(
        "make a new picture with the texture of another",
        "style...",
        "pebbles.jpg -o out.png --size=512x384",
    ),
    "frame": Command(
        "learn the random field of a texture, and draw a picture from it",
        "style",
        "weave.jpg -o out.png",
    ),
    "compare": Command(
        "show side by side what statistics, or any other setting, make of it",
        "content style...",
        "photo.jpg painting.jpg -o folder --sweep=strength=0.5,0.75,1",
    ),
    "export": Command(
        "write a model that any TensorFlow server runs: pictures in, pictures out",
        "style...",
        "painting.jpg -o model",
    ),
    "serve": Command(
        "serve an exported model: pictures in, pictures out, by REST and gRPC",
        "model",
        "model --port=8501",
    ),
    "train": Command(
        "train a network that paints in a style, or makes a texture, at once",
        "style",
        "painting.jpg -o model.npz --photos=photos --minutes=10",
    ),
    "apply": Command(
        "make pictures by a network that was trained",
        "model content...",
        "model.npz photo.jpg -o out.png",
    ),
    "invert": Command(
        "rebuild a picture from what one layer of the network sees",
        "content",
        "photo.jpg -o out.png --layer=block4_conv1",
    ),
    "web": Command("show a page in the browser, to paint and to watch", "", "--port=8080"),
}
DEFAULT = "stylize"  # of words that are no command
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
    name, *rest = arguments or ["--help"]
    if name in ("-h", "--help", "--helpfull", "--help-all", "help"):
        if name == "help" and rest:
            return main([rest[0], "--help"])
        show(_overview())
        return 0
    if name == "--version":
        show(f"tfstyle {importlib.import_module('tfstyle').__version__}")
        return 0
    if name.partition("=")[0] == "--completion":
        return _print_completion(" ".join([*name.split("=")[1:], *rest]))
    if name not in COMMANDS:
        if not _is_flag_or_file(name):
            hint = did_you_mean(name, COMMANDS)
            return _complain(
                "", f"expected a command out of {', '.join(COMMANDS)}, received {name!r}{hint}"
            )
        name, rest = DEFAULT, list(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's remarks on missing GPUs
    os.environ["KERAS_BACKEND"] = "tensorflow"
    _interrupt_at_signals()
    captured = sys.stderr is not sys.__stderr__  # then there is no console to keep clean
    with contextlib.nullcontext() if captured else native_log.hidden():
        return _guarded(importlib.import_module(f"tfstyle.cli.{name}").main, name, rest)


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


def _is_flag_or_file(word):
    """Whether a word stands where that of a command may be left out."""
    is_file = os.path.exists(word) or os.sep in word or bool(os.path.splitext(word)[1])
    return word.startswith("-") or is_file


def _print_completion(shell) -> int:
    """Prints the script by which a shell completes names of commands, flags and values."""
    from tfstyle.cli import completion

    if shell not in completion.SHELLS:
        expected = ", ".join(completion.SHELLS)
        return _complain("", f"--completion: expected one of {expected}, received {shell!r}")
    show(completion.SHELLS[shell].head())
    for name in COMMANDS:
        importlib.import_module(f"tfstyle.cli.{name}").main([f"--completion={shell}"])
    show(completion.SHELLS[shell].foot())
    return 0


def _overview():
    from tfstyle.cli import manual

    example = COMMANDS[DEFAULT].example
    return "\n".join(
        [
            "usage: tfstyle [COMMAND] WORD ... [--flag=value ...]",
            "",
            f"  tfstyle {example}",
            "",
            "paints a photograph in the style of a painting. The commands:",
            "",
            *manual.listing({name: each.what for name, each in COMMANDS.items()}, 8),
            "",
            "tfstyle COMMAND --help explains a command, --helpfull all of its flags;",
            "tfstyle --completion=bash, zsh or fish prints what that shell needs to complete them.",
        ]
    )
