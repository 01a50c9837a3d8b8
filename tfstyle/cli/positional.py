"""Words that stand for flags, such as `photo.jpg painting.jpg`, and how they are described."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from tfstyle.cli import COMMANDS
from tfstyle.settings.kinds import Kind

SEVERAL = "..."  # behind a name: it takes all words that the others leave


def as_flags(
    command: str,
    fields: Mapping[str, dataclasses.Field],
    given: Iterable[str],
    words: Sequence[str],
) -> list[str]:
    """The flags that words stand for.

    Args:
        command: its name; its words are named in `COMMANDS`.
        fields: of its flags.
        given: names of flags that were typed, for which no word is expected.
        words: what was typed without a flag.

    Raises:
        ValueError: more words than there are names.
    """
    names = [name for name in _names(command, fields) if _plain(name) not in given]
    for name in [name for name in names if not fields[_plain(name)].metadata["required"]]:
        if len(words) < len(names):
            names.remove(name)
    several, found, left = any(map(_takes_several, names)), [], list(words)
    if len(words) > len(names) and not several:
        expected = " ".join(map(_shown, names)) or "flags"
        raise ValueError(
            f"expected {expected} only, received {words[len(names)]!r}"
            f"{' too' if names else ''}; write --flag=value"
        )
    for name in names:
        count = 1 + max(0, len(words) - len(names)) if _takes_several(name) else 1
        own, left = left[:count], left[count:]
        if own:
            kind = fields[_plain(name)].metadata["kind"]
            found.append(f"--{_plain(name)}={_text(_plain(name), kind, own)}")
    return found


def usage(command: str, fields: Mapping[str, dataclasses.Field]) -> str:
    """`tfstyle stylize CONTENT STYLE... -o OUTPUT`."""
    names = _names(command, fields)
    words = [
        _shown(name) if fields[_plain(name)].metadata["required"] else f"[{_shown(name)}]"
        for name in names
    ]
    others = [
        f"-{short} {name.upper()}"
        if (short := field.metadata["short"])
        else f"--{name}={name.upper()}"
        for name, field in fields.items()
        if field.metadata["required"] and name not in map(_plain, names)
    ]
    return " ".join(["tfstyle", command, *words, *others])


def _names(command, fields):
    return [name for name in COMMANDS[command].words.split() if _plain(name) in fields]


def _plain(name):
    return name.removesuffix(SEVERAL)


def _takes_several(name):
    return name.endswith(SEVERAL)


def _shown(name):
    return name.upper()


def _text(name: str, kind: Kind, words: Sequence[str]) -> str:
    """The text of a flag for words, each of which may be such a text itself."""
    if len(words) == 1:
        return words[0]
    try:
        return kind.write([each for word in words for each in kind.parse(word)])
    except ValueError as error:
        raise ValueError(f"--{name}: {error}, received {' '.join(words)!r}") from None
