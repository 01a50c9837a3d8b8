"""Names of files: what can be written, and how it is written whole or not at all.

In every path, "~" is the home folder.
"""

import contextlib
import os
import re
import secrets
import shutil
import stat

from tfstyle.messages import printable
from tfstyle.pictures.base import HAS_AVIF, ImageError

EXTENSIONS = (
    *(".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"),
    *([".avif"] if HAS_AVIF else []),
)
NO_NAME = "expected the name of a file, received one that no file can have"


def expanded(path) -> str:
    """A path as a string, with the home folder in place of "~"."""
    return os.path.expanduser(os.fsdecode(path))


def label_of(name, path):
    return f"{name}={printable(os.fsdecode(path))}"


def mode_of(path, label):
    try:
        return os.stat(path).st_mode
    except ValueError as error:
        raise ImageError(f"{label}: {NO_NAME}") from error


def check_regular(mode, label):
    """Refuses what is neither a file nor a folder, which has messages of its own."""
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        pipe = stat.S_ISFIFO(mode)
        found = "a named pipe" if pipe else "a socket" if stat.S_ISSOCK(mode) else "a device"
        raise ImageError(f"{label}: expected a regular file, received {found}")


def check_output(path, name="output"):
    """Checks before a long run that `save` will be able to write `path`; follows links.

    Raises:
      ImageError: the extension is unknown, the directory is missing or not writable, or the path
        is a directory, a named pipe, a socket, a device, or a file that is not writable. The
        message begins with "name=path".
    """
    label = label_of(name, path)
    extension = extension_of(path, label)
    if extension not in EXTENSIONS:
        expected = f"expected one of {' '.join(EXTENSIONS)}"
        raise ImageError(f"{label}: {expected}, received '{printable(extension)}'")
    check_writable(path, label)


def check_writable(path, label):
    """Checks that a file can be written at `path`; the message of an `ImageError` begins so."""
    path = followed(path, label)
    try:
        # Really try: os.access says yes to root, whatever the permissions.
        if os.path.exists(path):
            check_regular(os.stat(path).st_mode, label)
            open(path, "r+b").close()
        with temporary(path) as beside:
            open(beside, "xb").close()
    except OSError as error:
        expected = "expected a file that can be written, in a directory that exists"
        raise ImageError(f"{label}: {error.strerror.lower()}: {expected}") from error


def extension_of(path, label):
    """Its last letters, with the dot, in lower case; of a link those of its target."""
    return os.path.splitext(followed(path, label))[1].lower()


def followed(path, label):
    """The path behind links."""
    try:
        return os.path.realpath(expanded(path))
    except ValueError as error:
        raise ImageError(f"{label}: {NO_NAME}") from error


@contextlib.contextmanager
def temporary(path):
    """A name beside `path` for a file that is to replace it; what is left of it is removed."""
    # Only a name: what is then created has the umask's permissions, unlike files of `tempfile`.
    name = f".{secrets.token_hex(8)}".join(os.path.splitext(path))
    try:
        yield name
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(name)


def make_folder(path, name):
    """Makes a folder, if it is not there; the message of an `ImageError` begins with `name`."""
    try:
        os.makedirs(expanded(path), exist_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(
            f"{name}: expected a folder that can be made, received {path!r}: {reason}"
        ) from error


def remove_temporaries(folder, names):
    """Removes what stands under a name of `temporary` in a folder: its process was killed.

    Args:
      folder: if it is there.
      names: of the files and folders that were to be written.
    """
    folder = expanded(folder)
    for entry in os.listdir(folder) if os.path.isdir(folder) else []:
        match = re.fullmatch(r"(.*)\.[0-9a-f]{16}(\.[^.]*)?", entry, re.DOTALL)
        if match and match[1] + (match[2] or "") in names:
            path = os.path.join(folder, entry)
            if os.path.isdir(path):
                shutil.rmtree(path, ignore_errors=True)
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)
