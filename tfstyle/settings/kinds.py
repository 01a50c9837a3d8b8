"""What values a setting may have: checked, read from a command line, and written to one.

Light to import. A kind converts a value to a plain one (numbers, strings, tuples of those) or says
in one sentence what it expects; the message begins with the setting's name.
"""

import contextlib
import csv
import dataclasses
import io
import numbers
import os
import re
from collections.abc import Iterable
from typing import Any

from tfstyle import images
from tfstyle.messages import did_you_mean, shown

MAX_FLOAT = 3.4e38  # what float32 holds


class Kind:
    """Any text; the base of all kinds."""

    @property
    def expected(self) -> str:
        """What the value has to be, for messages."""
        return "a text"

    def convert(self, value: Any) -> Any:
        """The plain value; raises `ValueError` or `TypeError` where it is not one of this kind."""
        if not isinstance(value, str):
            raise TypeError
        return value

    def read(self, text: str) -> Any:
        """The value that a text on the command line stands for."""
        return self.convert(text)

    def write(self, value: Any) -> str:
        """The text that is read as `value`."""
        return str(value)

    def check(self, name: str, value: Any) -> Any:
        """The plain value; raises `ValueError` with a sentence that begins with `name`."""
        try:
            return self.convert(value)
        except (ValueError, TypeError, OverflowError):
            hint = self.hint(value)
            raise ValueError(
                f"{name}: expected {self.expected}, received {shown(value)}{hint}"
            ) from None

    def parse(self, text: str) -> Any:
        """As `read`, with the sentence that a flag's error needs."""
        try:
            return self.read(text)
        except (ValueError, TypeError, OverflowError):
            raise ValueError(f"expected {self.expected}{self.hint(text)}") from None

    def hint(self, value: Any) -> str:
        """What may have been meant."""
        return ""


@dataclasses.dataclass(frozen=True)
class Number(Kind):
    """A finite number from `lowest` to `highest`."""

    lowest: float = 0
    highest: float = MAX_FLOAT

    @property
    def expected(self) -> str:
        if self.highest == MAX_FLOAT:
            return f"a number of at least {self.lowest:g}"
        return f"a number from {self.lowest:g} to {self.highest:g}"

    def convert(self, value: Any) -> float:
        if not isinstance(value, numbers.Real) or isinstance(value, bool):
            raise TypeError
        number = float(value)
        if not self.lowest <= number <= self.highest:  # so written, it refuses NaN too
            raise ValueError
        return number

    def read(self, text: str) -> float:
        return self.convert(float(text))

    def write(self, value: float) -> str:
        return f"{value:.15g}"


@dataclasses.dataclass(frozen=True)
class Integer(Kind):
    """A whole number from `lowest` to `highest`."""

    lowest: int = 0
    highest: int = 2**31 - 1

    @property
    def expected(self) -> str:
        if self.highest == 2**31 - 1:
            return f"an integer of at least {self.lowest}"
        return f"an integer from {self.lowest} to {self.highest}"

    def convert(self, value: Any) -> int:
        if not isinstance(value, numbers.Integral) or isinstance(value, bool):
            raise TypeError
        number = int(value)
        if not self.lowest <= number <= self.highest:
            raise ValueError
        return number

    def read(self, text: str) -> int:
        return self.convert(_digits(text))


@dataclasses.dataclass(frozen=True)
class Choice(Kind):
    """One of some names."""

    names: tuple[str, ...]

    @property
    def expected(self) -> str:
        return f"one of {', '.join(self.names)}"

    def convert(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.names:
            raise ValueError
        return value

    def hint(self, value: Any) -> str:
        return did_you_mean(value, self.names)


@dataclasses.dataclass(frozen=True)
class Texts(Kind):
    """One or several different texts; on the command line they are separated by commas.

    Attributes:
        things: what they are, for the message.
        names: those that are allowed; any where there are none.
        distinct: whether they have to be different.
    """

    things: str
    names: tuple[str, ...] = ()
    distinct: bool = True

    @property
    def expected(self) -> str:
        of = f" out of {', '.join(self.names)}" if self.names else ""
        return f"one or several {'different ' if self.distinct else ''}{self.things}{of}"

    def convert(self, value: Any) -> tuple[str, ...]:
        values = (value,) if isinstance(value, str) else tuple(value)
        if not all(isinstance(each, str) and each for each in values):
            raise TypeError
        if not values or self.distinct and len(set(values)) < len(values):
            raise ValueError
        if self.names and not set(values) <= set(self.names):
            raise ValueError
        return values

    def read(self, text: str) -> tuple[str, ...]:
        return self.convert(_split(text))

    def write(self, value: Iterable[str]) -> str:
        return _join(value)

    def hint(self, value: Any) -> str:
        with contextlib.suppress(ValueError, TypeError):
            texts = _split(value) if isinstance(value, str) else value
            unknown = [text for text in texts if self.names and text not in self.names]
            return did_you_mean(unknown[0], self.names) if unknown else ""
        return ""


@dataclasses.dataclass(frozen=True)
class Files(Texts):
    """The paths of one or several files; a name with a comma stands alone, or in quotes."""

    things: str = "files"

    def convert(self, value: Any) -> tuple[str, ...]:
        return tuple(map(images.expanded, super().convert(value)))

    def read(self, text: str) -> tuple[str, ...]:
        (whole,) = self.convert(text)
        return (whole,) if os.path.exists(whole) else super().read(text)


@dataclasses.dataclass(frozen=True)
class Numbers(Kind):
    """Several numbers >= 0, not all of them 0."""

    @property
    def expected(self) -> str:
        return "numbers of at least 0 separated by commas, not all 0"

    def convert(self, value: Any) -> tuple[float, ...]:
        values = [value] if isinstance(value, numbers.Real) else value
        values = tuple(map(Number().convert, values))
        if not 0 < sum(values) <= MAX_FLOAT:
            raise ValueError
        return values

    def read(self, text: str) -> tuple[float, ...]:
        return self.convert([float(number) for number in text.split(",")])

    def write(self, value: Iterable[float]) -> str:
        return ",".join(map(Number().write, value))


@dataclasses.dataclass(frozen=True)
class Integers(Kind):
    """Several whole numbers from `lowest` to `highest`, at least `least` of them."""

    lowest: int
    highest: int
    least: int = 0

    @property
    def expected(self) -> str:
        nothing = "" if self.least else ", or nothing"
        return f"integers from {self.lowest} to {self.highest} separated by commas{nothing}"

    def convert(self, value: Any) -> tuple[int, ...]:
        if isinstance(value, str):
            raise TypeError
        is_one = self.least and isinstance(value, numbers.Integral)
        values = [value] if is_one else value
        values = tuple(map(Integer(self.lowest, self.highest).convert, values))
        if len(values) < self.least:
            raise ValueError
        return values

    def read(self, text: str) -> tuple[int, ...]:
        return self.convert([_digits(number) for number in text.split(",")] if text else [])

    def write(self, value: Iterable[int]) -> str:
        return ",".join(map(str, value))


@dataclasses.dataclass(frozen=True)
class Size(Kind):
    """A long side in pixels, or an exact width and height."""

    @property
    def expected(self) -> str:
        return (
            f"PIXELS or WIDTHxHEIGHT, in Python (width, height), of at least {images.MIN_SIDE} a "
            f"side and at most {images.MAX_PIXELS} pixels"
        )

    def convert(self, value: Any) -> int | tuple[int, int]:
        side = Integer(images.MIN_SIDE, images.MAX_PIXELS // images.MIN_SIDE)
        if isinstance(value, numbers.Integral):
            return side.convert(value)
        if not isinstance(value, (tuple, list)):
            raise TypeError
        width, height = map(side.convert, value)
        if width * height > images.MAX_PIXELS:
            raise ValueError
        return width, height

    def read(self, text: str) -> int | tuple[int, int]:
        sides = list(map(_digits, text.split("x")))
        return self.convert(sides[0] if len(sides) == 1 else sides)

    def write(self, value: int | tuple[int, int]) -> str:
        return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


@dataclasses.dataclass(frozen=True)
class Bytes(Kind):
    """An amount of memory."""

    @property
    def expected(self) -> str:
        return "a size such as 8GB or 512MB"

    def convert(self, value: Any) -> str:
        bytes_of(super().convert(value))
        return value


@dataclasses.dataclass(frozen=True)
class Colour(Kind):
    """The name of a colour."""

    @property
    def expected(self) -> str:
        return 'a colour such as "white" or "#ffcc00"'

    def convert(self, value: Any) -> str:
        images.colour(super().convert(value))
        return value


@dataclasses.dataclass(frozen=True)
class Path(Kind):
    """The path of a file or folder; "~" at its begin is the home folder."""

    @property
    def expected(self) -> str:
        return "a path"

    def convert(self, value: Any) -> str:
        path = os.fspath(value)
        if not isinstance(path, str) or not path:
            raise TypeError
        return images.expanded(path)


@dataclasses.dataclass(frozen=True)
class Flag(Kind):
    """Yes or no."""

    @property
    def expected(self) -> str:
        return "true or false"

    def convert(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise TypeError
        return value

    def read(self, text: str) -> bool:
        return {"true": True, "false": False}[text.lower()]

    def write(self, value: bool) -> str:
        return str(value).lower()


def bytes_of(text: str) -> float:
    """The number of bytes of a text such as "8GB"; raises `ValueError` where it is not one."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([GM])B", text, re.IGNORECASE)
    if not match:
        raise ValueError(text)
    return float(match[1]) * {"G": 1e9, "M": 1e6}[match[2].upper()]


def _digits(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]+", text):  # `int` also takes spaces, underscores, other digits
        raise ValueError
    return int(text)


def _split(text: str) -> list[str]:
    """Texts between commas; one that holds a comma stands in quotes."""
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error:
        raise ValueError(text) from None


def _join(values: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()
