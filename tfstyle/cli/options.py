"""Flags, made from the fields of settings: names, kinds, help and defaults are written there."""

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from absl import flags

from tfstyle.cli import completion, console, manual, positional
from tfstyle.messages import did_you_mean
from tfstyle.settings import FileSettings
from tfstyle.settings.base import Settings, setting
from tfstyle.settings.choices import FILES, MESSAGES, OPTIMISATION, PICTURES
from tfstyle.settings.kinds import Files, Flag, Integer, Kind, Number, Path

ASKED = (manual, completion)  # modules that answer instead of the command


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
        main=True,
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
        short="o",
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


@dataclasses.dataclass(frozen=True)
class Messages(Settings):
    """The flag of every command."""

    verbose: bool = setting(
        False,
        Flag(),
        "also tells what is going to be done, and details of what was",
        MESSAGES,
        main=True,
        short="v",
    )


# Flags that a user may look for in more commands than have them.
ELSEWHERE = {
    Maps: "texture, which makes the maps of a material together, with --variations also several",
    Output: "commands that paint one picture, such as stylize and texture",
}


def parse(
    command: str, classes: Sequence[type[Settings]], arguments: Sequence[str]
) -> dict[str, Any] | None:
    """The flags that were given to a command, and the words that stand for some of them.

    Takes care of --verbose.

    Args:
        command: its name.
        classes: settings whose fields are its flags.
        arguments: what was typed behind the command.

    Returns:
        The values of those flags that were given, by name; `None` where something was asked for
        that has been printed: the help, or what a shell has to know.

    Raises:
        absl.flags.Error, ValueError: an unknown flag, an impossible value, or one that is missing.
    """
    fields = _fields((*classes, Messages))
    printed = next(filter(None, (ask.answer(command, fields, arguments) for ask in ASKED)), None)
    if printed:
        console.show(printed)
        return None
    values = flags.FlagValues()
    values.set_gnu_getopt()
    for field in fields.values():
        _define(values, field)
    try:
        words = values([command, *_with_underscores(fields, arguments)])[1:]
    except flags.UnrecognizedFlagError as error:
        name = error.flagname.replace("-", "_")
        _refuse_elsewhere(name, command)
        hint = did_you_mean(name, fields)
        raise ValueError(f"Unknown command line flag '{error.flagname}'{hint}") from None
    given = [name for name in fields if values[name].present]
    values([command, *positional.as_flags(command, fields, given, words)])
    for field in fields.values():
        if field.metadata["required"] and not values[field.name].present:
            expected = field.metadata["kind"].expected
            raise ValueError(
                f"--{field.name}: expected {expected}, received nothing; "
                f"usage: {positional.usage(command, fields)}"
            )
    console.want_details(bool(values["verbose"].value))
    return {
        name: values[name].value for name in fields if values[name].present and name != "verbose"
    }


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
    kind = field.metadata["kind"]
    options = {"help": field.metadata["help"], "flag_values": values}
    options["short_name"] = field.metadata["short"]
    if isinstance(kind, Flag):
        flags.DEFINE_boolean(field.name, None, **options)
    else:
        flags.DEFINE(_Parser(kind), field.name, None, **options)


def _fields(classes):
    return {name: field for each in classes for name, field in each.fields().items()}


def _with_underscores(fields, arguments):
    """Arguments in which names of flags have underscores, as they are declared, for hyphens."""
    ended = False
    for argument in arguments:
        ended = ended or argument == "--"
        dashes, name, value = re.fullmatch(r"(-*)([^=]*)(.*)", argument, re.DOTALL).groups()
        known = name.replace("-", "_")
        if known.startswith("no_") and known[3:] in fields:
            known = f"no{known[3:]}"
        is_known = known in fields or known.removeprefix("no") in fields
        is_flag = dashes and not ended and is_known
        yield f"{dashes}{known}{value}" if is_flag else argument
