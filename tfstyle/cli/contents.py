"""Which photographs are meant: by names, patterns, folders, and lists of all of these."""

import glob
import os
from collections.abc import Sequence

from tfstyle import images

LIST = ".txt"
PICTURES = (*images.EXTENSIONS, ".avif", ".gif", ".heic", ".heif")  # that are taken of a folder


def find(contents: Sequence[str], output_dir: str) -> dict[str, str]:
    """The photographs, sorted, and the names that their pictures have in the output folder.

    Args:
        contents: names of files; patterns; folders, of which all pictures are taken, also those of
            their folders; or files that end in .txt and have one such name in each line.
        output_dir: a folder that is left out.

    Returns:
        `{path: name}`: the base name, of what is in a folder the path within it.

    Raises:
        ValueError: something that means no file.
    """
    found: dict[str, str] = {}
    for content in contents:
        for path, name in _meant(content, output_dir, LIST).items():
            found.setdefault(path, name)
    return dict(sorted(found.items()))


def _meant(content, output_dir, lists):
    """Of one name; `lists`: ending of those that are lists, "" where there may be none."""
    if os.path.isdir(content):
        found = _of_folder(content, output_dir)
    elif os.path.isfile(content):  # a name may look like a pattern
        is_list = lists and content.lower().endswith(lists)
        found = _of_list(content, output_dir) if is_list else {content: os.path.basename(content)}
    else:
        paths = filter(os.path.isfile, glob.glob(content, recursive=True))
        found = {path: os.path.basename(path) for path in paths}
    if not found:
        things = "a folder with pictures" if os.path.isdir(content) else "files"
        what = "has none" if os.path.isdir(content) else "matches none"
        raise ValueError(f"content: expected {things}, received {content!r}, which {what}")
    return found


def _of_list(path, output_dir):
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = [line.rstrip("\n") for line in file]
    except OSError as error:
        raise ValueError(
            f"content: expected a list that can be read, received {path!r}: {error.strerror}"
        ) from error
    found = {}
    for line in filter(str.strip, lines):
        found |= _meant(images.expanded(line), output_dir, "")
    return found


def _of_folder(folder, output_dir):
    """Hidden files, and what is in the output folder, are left out."""
    output = os.path.realpath(output_dir)
    if os.path.realpath(folder) == output:
        raise ValueError(
            f"output_dir: expected another folder than that of the content, received {output_dir}"
        )
    found = {}
    for parent, folders, names in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if name[0] != "." and os.path.realpath(os.path.join(parent, name)) != output
        ]
        for name in names:
            if name[0] != "." and name.lower().endswith(PICTURES):
                path = os.path.join(parent, name)
                found[path] = os.path.relpath(path, folder)
    return found
