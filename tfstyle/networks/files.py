"""Where trained networks are: files, and those that come with the package. Light to import."""

import os
import pathlib

BUNDLED = {path.stem: path for path in pathlib.Path(__file__).parent.glob("data/models/*.npz")}


def find(name: str | os.PathLike) -> str:
    """The file that is meant.

    Args:
        name: a path, or the name of one of those that come with the package, see `BUNDLED`.

    Raises:
        ValueError: there is none; the message begins with "model".
    """
    path = os.fspath(BUNDLED.get(os.fspath(name), os.path.expanduser(name)))
    if os.path.exists(path):
        return path
    raise ValueError(
        f"model={name}: expected a file of tfstyle train, or one of {', '.join(sorted(BUNDLED))}, "
        "received a name of neither"
    )
