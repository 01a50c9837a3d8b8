"""What is embedded in a picture: the command that makes it again, and how the run went."""

import os

from tfstyle import images


def of(command) -> dict:
    """The part that is known before the run."""
    from tfstyle import __version__

    return {"tfstyle": __version__, "command": command}


def outcome(result) -> dict:
    """The part that a `tfstyle.Result` tells."""
    return {
        "outcome": result.outcome,
        "evaluations": result.evaluations,
        "seconds": round(result.seconds, 2),
        "losses": result.parts,
    }


def is_done(path, command) -> bool:
    """Whether the very same command has made the picture before, to its end."""
    if not os.path.exists(path):
        return False
    settings = images.read_settings(path) or {}
    return settings.get("command") == command and settings["outcome"] != "interrupted"
