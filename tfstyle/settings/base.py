"""Settings: frozen dataclasses of plain values, of which each field says everything once.

A field carries its name, default, kind (which values it may have), help and group. Keyword
arguments, flags, messages, help texts, cache keys and the documentation's table follow from it.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from tfstyle.messages import did_you_mean
from tfstyle.settings.kinds import Kind

Function = TypeVar("Function", bound=Callable)
Own = TypeVar("Own", bound="Settings")

# What one function alone takes, and why.
ELSEWHERE = {
    "maps": "synthesize_texture, which makes the maps of a material together, as channels of one "
    "texture; what paints photographs knows pictures of 3 channels only",
}


def setting(
    default: Any,
    kind: Kind,
    help: str,
    group: str,
    *,
    of: tuple[str, str] | None = None,
    required: bool = False,
    main: bool = False,
    short: str | None = None,
) -> Any:
    """A field of a `Settings` class.

    Args:
        default: its default; `None` makes it optional.
        kind: which values it may have.
        help: a phrase that says what it does; it ends without a full stop.
        group: heading under which it stands in the help.
        of: for a parameter of a part: the setting that names the part, and the part's name. The
            field's own name begins with that of the part.
        required: whether a command needs it.
        main: whether the short help has it too.
        short: a letter that stands for its name.
    """
    metadata = {"kind": kind, "help": help, "group": group, "of": of}
    metadata |= {"required": required, "main": main, "short": short}
    return dataclasses.field(default=default, metadata=metadata)


def changed(settings: type["Settings"], name: str, default: Any, **metadata: Any) -> Any:
    """The field of that name of another class, with another default or help."""
    field = settings.__dataclass_fields__[name]
    return dataclasses.field(default=default, metadata={**field.metadata, **metadata})


@dataclasses.dataclass(frozen=True)
class Settings:
    """What was asked for: hashable, and the same again after a way through JSON.

    Raises:
        ValueError: a value that its field does not allow; the message begins with its name.
    """

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = check(field, getattr(self, field.name))
            object.__setattr__(self, field.name, value)

    @classmethod
    def fields(cls) -> dict[str, dataclasses.Field]:
        """The fields by name."""
        return {field.name: field for field in dataclasses.fields(cls)}

    @classmethod
    def of(cls: type[Own], values: Mapping[str, Any]) -> Own:
        """Settings with those values, and defaults for the rest; refuses unknown names."""
        return cls().replace(**values)

    def replace(self: Own, **changes: Any) -> Own:
        """These settings with some changed; refuses unknown names."""
        refuse_unknown(changes, self.fields())
        return dataclasses.replace(self, **changes)

    def select(self, names: Iterable[str]) -> dict[str, Any]:
        """The values of those fields that exist here."""
        return {name: getattr(self, name) for name in names if name in self.fields()}

    def as_json(self) -> dict[str, Any]:
        """Values that `json.dumps` takes, by name; tuples become lists there."""
        return dataclasses.asdict(self)

    def parameters(self, part: str) -> dict[str, Any]:
        """The settings of a part, such as those of "lbfgs", by the names of its own arguments."""
        return {
            name.removeprefix(f"{part}_"): self.chosen(name)
            for name, field in self.fields().items()
            if field.metadata["of"] and field.metadata["of"][1] == part
        }

    def applies(self, name: str) -> bool:
        """Whether a setting has any effect: that of a part has where the part is chosen."""
        of = self.fields()[name].metadata["of"]
        return of is None or self.chosen(of[0]) == of[1]

    def chosen(self, setting: str) -> Any:
        """The value that a setting has, also where it is left to a default by other settings."""
        return getattr(self, setting, None)

    def texts(self) -> dict[str, str]:
        """The settings that apply, as they are typed: `{name: text}`."""
        return {
            name: field.metadata["kind"].write(self.chosen(name))
            for name, field in self.fields().items()
            if self.chosen(name) is not None and self.applies(name)
        }


def check(field: dataclasses.Field, value: Any) -> Any:
    """The plain value of a field; raises `ValueError` where it is not allowed."""
    if value is None and field.default is None:
        return None
    return field.metadata["kind"].check(field.name, value)


def checked_fields(settings: type[Settings], **values: Any) -> dict[str, Any]:
    """Plain values of arguments that have the names of settings, checked like those."""
    fields = settings.fields()
    return {name: check(fields[name], value) for name, value in values.items()}


def refuse_unknown(names: Iterable[str], known: Iterable[str]) -> None:
    """Raises `ValueError` for a name that is not known, with the nearest that is."""
    known = list(known)
    for name in names:
        if name not in known and name in ELSEWHERE:
            raise ValueError(f"{name}: expected in {ELSEWHERE[name]}, received in another function")
        if name not in known:
            hint = did_you_mean(name, known) or f"; the settings are {', '.join(known)}"
            raise ValueError(f"{name}: unknown setting{hint}")


def keywords(settings: type[Settings]) -> Callable[[Function], Function]:
    """Decorates a function with `**changes`: its signature and help list the settings."""

    def decorate(function: Function) -> Function:
        signature = inspect.signature(function)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        listed = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=field.default)
            for name, field in settings.fields().items()
        ]

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            refuse_unknown(kwargs, [p.name for p in (*own, *listed) if p.name != "self"])
            return function(*args, **kwargs)

        wrapper.__signature__ = signature.replace(parameters=[*own, *listed])  # type: ignore
        wrapper.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}\n\n{listing(settings)}\n"
        return wrapper  # type: ignore[return-value]

    return decorate


def listing(settings: type[Settings]) -> str:
    """The settings as a section of a docstring."""
    lines = [
        f"    {name} ({field.default!r}): {field.metadata['help']}"
        for name, field in settings.fields().items()
    ]
    return "\n".join(["Settings:", *lines])
