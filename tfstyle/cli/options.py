"""Flags, made from the fields of settings: names, kinds, help and defaults are written there."""

import dataclasses
import re
import textwrap
from collections.abc import Sequence
from typing import Any

from absl import flags

from tfstyle.settings import FileSettings
from tfstyle.settings.base import Settings, setting
from tfstyle.settings.choices import FILES, GROUPS, OPTIMISATION, PICTURES
from tfstyle.settings.kinds import Choice, Files, Flag, Integer, Kind, Number, Path

WIDTH = 100


@dataclasses.dataclass(frozen=True)
class Content(Settings):
    """The flag of commands that take a photograph."""

    content: str | None = setting(
        None, Path(), "picture whose content is kept", PICTURES, required=True
    )


@dataclasses.dataclass(frozen=True)
class Style(Settings):
    """The flag of commands that take styles."""

    style: tuple[str, ...] | None = setting(
        None,
        Files(),
        "picture whose style or texture is taken, or several, separated by commas",
        PICTURES,
        required=True,
    )


@dataclasses.dataclass(frozen=True)
class Maps(Settings):
    """The flag of commands that make materials."""

    maps: tuple[str, ...] | None = setting(
        None,
        Files(),
        "other maps of the material of which the style is the colour, of the same size, separated "
        "by commas: with brick_height.png,brick_normal.png, out.png becomes out_color.png, "
        "out_height.png, out_normal.png",
        PICTURES,
    )


@dataclasses.dataclass(frozen=True)
class Output(FileSettings):
    """The flags of commands that paint one picture."""

    output: str | None = setting(
        None,
        Path(),
        "picture to write: .png, .jpg, .webp, .avif, .tiff or .bmp",
        PICTURES,
        required=True,
    )
    variations: int = setting(
        1,
        Integer(1, 10_000),
        "pictures to be made, each with the next seed: of out.png, out-1.png, out-2.png and so on; "
        "those that are there already are not made again",
        PICTURES,
    )
    checkpoint: str | None = setting(
        None,
        Path(),
        "file from which the run can be resumed, written every few seconds",
        OPTIMISATION,
    )
    resume: bool = setting(
        False, Flag(), "resumes from the file of --checkpoint, if it is there", OPTIMISATION
    )
    save_every: float | None = setting(
        None,
        Number(),
        "seconds after which the picture as it is then is written to --output",
        FILES,
    )
    animation: str | None = setting(
        None, Path(), "film of the run: .webp or .gif, of at most 60 small frames", FILES
    )


# Flags that a user may look for in more commands than have them.
ELSEWHERE = {
    Maps: "texture, which makes the maps of a material together, with --variations also several",
    Output: "commands that paint one picture, such as stylize and texture",
}


def parse(
    command: str, classes: Sequence[type[Settings]], arguments: Sequence[str]
) -> dict[str, Any] | None:
    """The flags that were given to a command.

    Args:
        command: its name, for the help.
        classes: settings whose fields are its flags.
        arguments: what was typed behind the command.

    Returns:
        The values of those flags that were given, by name; `None` where the help was asked for and
        printed.

    Raises:
        absl.flags.Error, ValueError: an unknown flag, an impossible value, or one that is missing.
    """
    fields = _fields(classes)
    if any(argument in ("-h", "-help", "--help") for argument in arguments):
        print(_help(command, fields))
        return None
    values = flags.FlagValues()
    for field in fields.values():
        _define(values, field)
    try:
        rest = values([command, *arguments])[1:]
    except flags.UnrecognizedFlagError as error:
        _refuse_elsewhere(error.flagname, command)
        raise
    if rest:
        raise ValueError(f"expected flags only, received {rest[0]!r}; write --flag=value")
    for field in fields.values():
        if field.metadata["required"] and not values[field.name].present:
            expected = field.metadata["kind"].expected
            raise ValueError(f"--{field.name}: expected {expected}, received nothing")
    return {name: values[name].value for name in fields if values[name].present}


def make(settings: type[Settings], given: dict[str, Any]) -> Any:
    """Settings of a class from those of the given values that it has."""
    return settings.of({name: value for name, value in given.items() if name in settings.fields()})


def read(settings: type[Settings], name: str, text: str) -> Any:
    """The value that a flag takes from a text; raises `ValueError` with the flag's name."""
    try:
        return settings.fields()[name].metadata["kind"].parse(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}, received {text!r}") from None


def _refuse_elsewhere(name, command):
    """Raises `ValueError` for a flag that other commands have, and says which."""
    for settings, commands in ELSEWHERE.items():
        if name in settings.fields():
            raise ValueError(f"{name}: expected in {commands}, received in {command}")


class _Parser(flags.ArgumentParser):
    """Reads what a kind reads."""

    def __init__(self, kind: Kind):
        super().__init__()
        self.kind = kind
        self.syntactic_help = kind.expected

    def parse(self, argument):
        return self.kind.parse(argument)

    def flag_type(self):
        return type(self.kind).__name__


def _define(values, field):
    kind, options = field.metadata["kind"], {"help": field.metadata["help"], "flag_values": values}
    if isinstance(kind, Flag):
        flags.DEFINE_boolean(field.name, None, **options)
    else:
        flags.DEFINE(_Parser(kind), field.name, None, **options)


def _fields(classes):
    return {name: field for each in classes for name, field in each.fields().items()}


def _help(command, fields):
    lines = [f"usage: tfstyle {command} --flag=value ..."]
    for group in GROUPS:
        known = [field for field in fields.values() if field.metadata["group"] == group]
        lines += ["", f"{group}:"] if known else []
        lines += map(_help_line, known)
    return "\n".join(lines)


def _help_line(field):
    return textwrap.fill(
        re.sub(r",(?=block)", ", ", explained(field)),
        WIDTH,
        initial_indent=f"  --{field.name:31}",
        subsequent_indent=" " * 35,
        break_on_hyphens=False,
    )


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
