"""What is embedded in a picture: the command that made it, and how the run went."""

import json
import os
from typing import Any

from tfstyle import images
from tfstyle.outcome import Outcome
from tfstyle.settings import Settings
from tfstyle.steps import Result


def of(command: str, settings: Settings) -> dict[str, Any]:
    """The part that is known before the run."""
    from tfstyle import __version__

    record = {"tfstyle": __version__, "command": command, "settings": settings.as_json()}
    return json.loads(portable(json.dumps(record, ensure_ascii=False)))


def portable(text: str) -> str:
    """A text with names of files, as it is where names are UTF-8, whatever the locale."""
    try:
        return os.fsencode(text).decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # it is not from this system
        return text


def outcome(result: Result) -> dict[str, Any]:
    """The part that a `tfstyle.Result` tells."""
    return {
        "outcome": result.outcome.value,
        "evaluations": result.evaluations,
        "seconds": round(result.seconds, 2),
        "losses": result.parts,
    }


def is_done(path: str, command: str) -> bool:
    """Whether the very same command has made the picture before, to its end."""
    if not os.path.exists(path):
        return False
    record = images.read_settings(path) or {}
    finished = {outcome.value for outcome in Outcome if outcome.finished}
    return record.get("command") == portable(command) and record.get("outcome") in finished
