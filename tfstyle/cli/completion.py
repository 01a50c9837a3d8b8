"""Scripts by which shells complete commands, flags and their values.

A script is put together from what each command says of its own flags.
"""

import dataclasses
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tfstyle.cli import COMMANDS, DEFAULT
from tfstyle.settings.kinds import Choice, Files, Flag, Path, Texts

Fields = Mapping[str, dataclasses.Field]


class Shell(NamedTuple):
    """How a script for a shell begins, what it says of a command, and how it ends."""

    head: Callable[[], str]
    section: Callable[[str, Fields], str]
    foot: Callable[[], str]


def answer(command: str, fields: Fields, arguments: Sequence[str]) -> str | None:
    """The part of a script that belongs to a command, where it is asked for."""
    asked = [name for name in SHELLS if f"--completion={name}" in arguments]
    return SHELLS[asked[0]].section(command, fields) if asked else None


def _choices(field):
    """Names to choose from; none where any text may stand."""
    kind = field.metadata["kind"]
    return kind.names if isinstance(kind, (Choice, Texts)) else ()


def _takes_file(field):
    return isinstance(field.metadata["kind"], (Path, Files))


def _takes_value(field):
    return not isinstance(field.metadata["kind"], Flag)


def _phrase(field):
    """The first part of its help."""
    return field.metadata["help"].partition(";")[0]


# --- bash --------------------------------------------------------------------------------------


def _bash_head():
    return f"""\
_tfstyle() {{
    local commands="{" ".join(COMMANDS)}" flags= values=
    local word=${{COMP_WORDS[COMP_CWORD]}} flag=${{COMP_WORDS[COMP_CWORD-1]}}
    local command=${{COMP_WORDS[1]}}
    [[ $word == "=" ]] && word=
    [[ $flag == "=" ]] && flag=${{COMP_WORDS[COMP_CWORD-2]}}
    [[ " $commands " == *" $command "* ]] || command={DEFAULT}
    case $command in"""


def _bash_section(command, fields):
    flags = " ".join(
        f"--{name}=" if _takes_value(field) else f"--{name}" for name, field in fields.items()
    )
    values = [
        f'        --{name}) values="{" ".join(_choices(field))}" ;;'
        for name, field in fields.items()
        if _choices(field)
    ]
    return "\n".join(
        [f"    {command})", f'        flags="{flags}"', "        case $flag in", *values]
        + ["        esac ;;"]
    )


def _bash_foot():
    return """\
    esac
    if [[ -n $values ]]; then
        COMPREPLY=($(compgen -W "$values" -- "$word"))
    elif [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$flags" -- "$word"))
        [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    elif ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W "$commands" -- "$word"))
    fi
}
complete -o default -F _tfstyle tfstyle"""


# --- zsh ---------------------------------------------------------------------------------------


def _zsh_head():
    return "#compdef tfstyle"


def _zsh_section(command, fields):
    flags = [_zsh_flag(name, field) for name, field in fields.items()]
    lines = [f"    {flag} \\" for flag in flags]
    head = [f"_tfstyle_{command}() {{", "  _arguments -S \\"]
    return "\n".join([*head, *lines, "    '*:file:_files'", "}"])


def _zsh_flag(name, field):
    phrase = re.sub(r"([\[\]])", r"\\\1", _phrase(field))
    if not _takes_value(field):
        return shlex.quote(f"--{name}[{phrase}]")
    choices = f"({' '.join(_choices(field))})" if _choices(field) else " "
    values = "_files" if _takes_file(field) else choices
    return shlex.quote(f"--{name}=[{phrase}]:{name}:{values}")


def _zsh_foot():
    commands = "\n".join(
        f"    {shlex.quote(f'{name}:{each.what}'.replace(': ', ', '))}"
        for name, each in COMMANDS.items()
    )
    return f"""\
_tfstyle() {{
  local -a commands
  commands=(
{commands}
  )
  if (( CURRENT == 2 )) && [[ $PREFIX != -* ]]; then
    _describe command commands
    _files
    return
  fi
  local command={DEFAULT}
  if (( $+functions[_tfstyle_$words[2]] )); then
    command=$words[2]
    shift words
    (( CURRENT-- ))
  fi
  _tfstyle_$command
}}
if [[ $funcstack[1] == _tfstyle ]]; then
  _tfstyle "$@"
else
  compdef _tfstyle tfstyle
fi"""


# --- fish --------------------------------------------------------------------------------------


def _fish_head():
    return "\n".join(
        f"complete -c tfstyle -n __fish_use_subcommand -a {name} -d {shlex.quote(each.what)}"
        for name, each in COMMANDS.items()
    )


def _fish_section(command, fields):
    others = " ".join(name for name in COMMANDS if name != DEFAULT)
    condition = (
        f"not __fish_seen_subcommand_from {others}"
        if command == DEFAULT
        else f"__fish_seen_subcommand_from {command}"
    )
    return "\n".join(_fish_flag(condition, name, field) for name, field in fields.items())


def _fish_flag(condition, name, field):
    words = ["complete", "-c", "tfstyle", "-n", condition, "-l", name]
    if field.metadata["short"]:
        words += ["-s", field.metadata["short"]]
    if _takes_file(field):
        words += ["-r", "-F"]
    elif _takes_value(field):
        words += ["-x", "-a", " ".join(_choices(field))]
    return shlex.join([*words, "-d", _phrase(field)])


def _fish_foot():
    return "# Written by: tfstyle --completion=fish"


SHELLS = {
    "bash": Shell(_bash_head, _bash_section, _bash_foot),
    "zsh": Shell(_zsh_head, _zsh_section, _zsh_foot),
    "fish": Shell(_fish_head, _fish_section, _fish_foot),
}
