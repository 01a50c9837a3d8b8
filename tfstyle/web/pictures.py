"""The pictures that the page has been given: files of strangers, which are never decoded here."""

import asyncio
import dataclasses
import os
import pathlib
import secrets
from collections.abc import AsyncIterator, Collection
from typing import Any

from tfstyle.settings.kinds import bytes_of
from tfstyle.web.refused import Refused

EXAMPLES = pathlib.Path(__file__).parent / "examples"
KINDS = ("photos", "styles", "textures")
MOST = 200  # pictures that are kept, besides those of runs
SECONDS = 60  # in which one must have arrived


@dataclasses.dataclass(frozen=True)
class Picture:
    """A file.

    Attributes:
        id: by which the page calls it.
        name: of the file where it came from, without its folder.
        path: of the file here.
        thumbnail: path of a small JPEG.
        size: width and height.
    """

    id: str
    name: str
    path: str
    thumbnail: str
    size: tuple[int, int] = (0, 0)

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "size": self.size}


class Pictures:
    """Those in a folder, and the examples.

    Args:
        folder: of the session.
        max_upload: bytes of a file, as a text.
    """

    def __init__(self, folder: str, max_upload: str):
        self._folder, self._max = folder, int(bytes_of(max_upload))
        self._given: dict[str, Picture] = {}
        self.examples = {
            kind: [
                Picture(f"{kind}-{path.stem}", path.name, str(path), str(path))
                for path in sorted((EXAMPLES / kind).glob("*.jpg"))
            ]
            for kind in KINDS
        }
        self._examples = {each.id: each for kind in self.examples.values() for each in kind}

    def find(self, identifier: Any, name: str = "style") -> Picture:
        """The picture of that id; raises `ValueError` where there is none."""
        for known in (self._given, self._examples):
            if isinstance(identifier, str) and identifier in known:
                return known[identifier]
        raise ValueError(f"{name}: expected a picture, received none that is still here: drop it")

    async def receive(self, name: str, length: str, chunks: AsyncIterator[bytes]) -> Picture:
        """Writes what arrives to a file; the picture is not known yet.

        Raises:
            Refused: it is too large, too slow, or there is no room for it.
        """
        too_large = Refused(413, f"picture: expected at most {self._max} bytes, received more")
        if length.isdecimal() and int(length) > self._max:
            raise too_large
        identifier = secrets.token_hex(8)
        path = os.path.join(self._folder, identifier)

        async def write():
            received = 0
            with open(path, "xb") as file:
                async for chunk in chunks:
                    received += len(chunk)
                    if received > self._max:
                        raise too_large
                    file.write(chunk)

        picture = Picture(identifier, name, path, f"{path}.jpg")
        try:
            await asyncio.wait_for(write(), SECONDS)
        except BaseException as error:
            self.remove(picture)
            if isinstance(error, asyncio.TimeoutError):
                raise Refused(408, f"picture: expected all of it in {SECONDS} s") from error
            if isinstance(error, OSError):
                raise Refused(507, f"picture: there is no room for it: {error.strerror}") from error
            raise
        return picture

    def add(self, picture: Picture, needed: Collection[Picture]) -> None:
        """Keeps a picture that has been looked at; the oldest of too many, not needed, go."""
        self._given[picture.id] = picture
        ids = {each.id for each in needed}
        spare = [each for each in self._given.values() if each.id not in ids]
        for old in spare[:-MOST]:
            del self._given[old.id]
            self.remove(old)

    def remove(self, picture: Picture) -> None:
        """Removes its files."""
        for path in (picture.path, picture.thumbnail):
            pathlib.Path(path).unlink(missing_ok=True)
