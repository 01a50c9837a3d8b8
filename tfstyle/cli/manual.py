"""The help of a command on two levels: the flags that matter, or all of them."""

import dataclasses
import re
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence

from tfstyle.cli import COMMANDS, positional
from tfstyle.settings.choices import GROUPS
from tfstyle.settings.kinds import Choice

SHORT = ("-h", "-help", "--help")
FULL = ("--helpfull", "--help-all", "--help_all")
NARROW = 35  # columns for a help text, below which it gets lines of its own


def answer(
    command: str, fields: Mapping[str, dataclasses.Field], arguments: Sequence[str]
) -> str | None:
    """The help, where it is asked for.

    Args:
        command: its name.
        fields: of all its flags.
        arguments: what was typed behind the command.
    """
    if any(argument in FULL for argument in arguments):
        return _full(command, fields)
    return _short(command, fields) if any(argument in SHORT for argument in arguments) else None


def listing(names: Mapping[str, str], longest: int) -> list[str]:
    """Names, up to so long, and what they mean, in two columns as wide as the terminal."""
    width, indent = _width(), longest + 4
    if width - indent < NARROW:
        return [
            line
            for name, text in names.items()
            for line in (f"  {name}", *_wrapped(text, width, " " * 6, " " * 6))
        ]
    return [
        line
        for name, text in names.items()
        for line in _wrapped(text, width, f"  {name:{indent - 2}}", " " * indent)
    ]


def explained(field: dataclasses.Field) -> str:
    """The help of a setting with its choices and default."""
    kind, text = field.metadata["kind"], field.metadata["help"]
    if isinstance(kind, Choice):
        text += f"; {', '.join(kind.names)}"
    if field.metadata["required"]:
        text += " (required)"
    elif field.default is not None:
        text += f" ({kind.write(field.default)})"
    return text


def _short(command, fields):
    required = [field for field in fields.values() if field.metadata["required"]]
    others = [field for field in fields.values() if field.metadata["main"]]
    shown = [*required, *(field for field in _grouped(others) if field not in required)]
    what, example = COMMANDS[command].what, COMMANDS[command].example
    return "\n".join(
        [
            *_usage(command, fields),
            "",
            *_wrapped(f"{what[0].upper()}{what[1:]}. For example:", _width(), "", ""),
            "",
            f"  tfstyle {command} {example}",
            "",
            *_flags(shown, _longest(shown)),
            "",
            f"tfstyle {command} --helpfull lists all {len(fields)} flags.",
        ]
    )


def _full(command, fields):
    lines = _usage(command, fields)
    longest = _longest(fields.values())
    for group in GROUPS:
        known = [field for field in fields.values() if field.metadata["group"] == group]
        lines += ["", f"{group}:", *_flags(known, longest)] if known else []
    return "\n".join(lines)


def _usage(command, fields):
    text = f"usage: {positional.usage(command, fields)} [--flag=value ...]"
    return _wrapped(text, _width(), "", " " * len("usage: "))


def _grouped(fields):
    return sorted(fields, key=lambda field: GROUPS.index(field.metadata["group"]))


def _longest(fields):
    return max(len(_typed(field)) for field in fields)


def _flags(fields: Iterable[dataclasses.Field], longest: int) -> list[str]:
    texts = {_typed(field): re.sub(r",(?=block)", ", ", explained(field)) for field in fields}
    return listing(texts, longest)


def _typed(field):
    short = field.metadata["short"]
    return f"--{field.name}" + (f", -{short}" if short else "")


def _width():
    return shutil.get_terminal_size((100, 24)).columns


def _wrapped(text, width, first, then):
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=then, break_on_hyphens=False
    )
