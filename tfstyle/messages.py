"""Parts of error messages: one sentence, on one line, whatever was received."""

import difflib
from collections.abc import Iterable
from typing import Any

LONGEST = 80  # characters of a value that was received


def shown(value: Any) -> str:
    """A value as it is written in Python, on one line and not too long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 4]} ..."


def printable(text: str) -> str:
    """A name or message as it is, if it can be printed in a line; else as Python writes it."""
    return text if text.isprintable() else repr(text)


def did_you_mean(value: Any, names: Iterable[str]) -> str:
    """ "; did you mean gram?" or nothing."""
    near = difflib.get_close_matches(value, list(names), 1) if isinstance(value, str) else []
    return f"; did you mean {near[0]}?" if near else ""
