"""The form of the page: its fields, from the settings themselves, and what is made of an answer."""

import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from tfstyle.settings import FileSettings, Settings, StylizeSettings, TextureSettings
from tfstyle.settings.base import refuse_unknown
from tfstyle.settings.kinds import Choice, Files, Integer, Number, Path
from tfstyle.web import WebSettings
from tfstyle.web.pictures import Picture, Pictures

JOBS: dict[str, Any] = {"stylize": StylizeSettings, "texture": TextureSettings}
# What is seen at once; the rest is behind "more".
FIRST = {
    "stylize": ("size", "strength", "color", "style_size", "evaluations", "seed"),
    "texture": ("size", "tile", "style_size", "evaluations", "seed"),
}
# Settings that are pictures, drawn on the page. No other may name a file: it would be the server's.
MASKS = ("style_mask", "content_mask")
# Those that browsers show.
EXTENSIONS = Choice((".png", ".jpg", ".webp"))
LONGEST = 60  # characters of a file's name


class Job(NamedTuple):
    """What a run is to do.

    Attributes:
        command: "stylize" or "texture".
        settings: with the paths of masks.
        files: how the picture is written.
        content, styles, masks: the pictures; masks by the name of their setting.
        extension: of the picture that is written.
    """

    command: str
    settings: Any
    files: FileSettings
    content: Picture | None
    styles: tuple[Picture, ...]
    masks: dict[str, tuple[Picture, ...]]
    extension: str

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """All that it needs."""
        content = () if self.content is None else (self.content,)
        return (*content, *self.styles, *(each for mask in self.masks.values() for each in mask))

    @property
    def output(self) -> str:
        """The name of the picture when it is taken home."""
        given = (*((self.content,) if self.content else ()), *self.styles)
        stems = [os.path.splitext(picture.name)[0] for picture in given]
        stem = re.sub(r"[^\w.-]+", "_", "_".join(stems))[:LONGEST].lstrip(".")
        return f"{stem or 'picture'}{self.extension}"

    @property
    def named(self) -> Any:
        """The settings with the names that masks had where they came from."""
        return self.settings.replace(**self._masks("name"))

    def _masks(self, attribute):
        masks = {name: [getattr(each, attribute) for each in of] for name, of in self.masks.items()}
        return {name: of[0] if name == "content_mask" else of for name, of in masks.items()}

    def texts(self) -> dict[str, str]:
        """The settings that are not as they are by themselves, as they are typed."""
        usual = JOBS[self.command]().texts() | FileSettings().texts()
        texts = self.named.texts() | self.files.texts()
        return {name: text for name, text in texts.items() if usual.get(name) != text}

    def typed(self, typed: Any) -> str:
        """The command line that makes the same picture, see `tfstyle.cli.run.typed`."""
        styles = tuple(style.name for style in self.styles)
        pictures = {"content": self.content and self.content.name, "style": styles}
        return typed(self.command, pictures, self.named, self.output, self.files)

    def as_message(self) -> dict[str, Any]:
        """What the process of the run is told."""
        return {
            "command": self.command,
            "settings": self.settings.as_json(),
            "files": self.files.as_json(),
            "content": self.content and self.content.path,
            "style": [style.path for style in self.styles],
        }


def described(limits: WebSettings) -> dict[str, Any]:
    """The fields of each job: `{job: [{"name", "help", "default", "choices", ...}]}`."""
    return {
        name: [
            _described(name, settings(), field, limits)
            for field in _ordered(name, settings.fields() | FileSettings.fields())
            if not isinstance(field.metadata["kind"], (Path, Files))
        ]
        for name, settings in JOBS.items()
    }


def _ordered(job, fields):
    first = {name: fields[name] for name in FIRST[job]}
    return (first | fields).values()


def _described(job, settings, field, limits):
    kind, name = field.metadata["kind"], field.name
    default = settings.chosen(name) if name in settings.fields() else field.default
    is_number = isinstance(kind, (Number, Integer))
    highest = limits.max_evaluations if name == "evaluations" else getattr(kind, "highest", None)
    return {
        "name": name,
        "help": field.metadata["help"],
        "group": field.metadata["group"],
        "expected": kind.expected,
        "default": "" if default is None else kind.write(default),
        "choices": kind.names if isinstance(kind, Choice) else None,
        "range": [kind.lowest, highest] if is_number else None,
        "is_whole": isinstance(kind, Integer),
        "of": field.metadata["of"],
        "is_first": name in FIRST[job],
    }


def read(answer: Any, pictures: Pictures, limits: WebSettings) -> Job:
    """The job that was asked for.

    Args:
        answer: `{"job", "settings": {name: text}, "content": id, "style": [ids], "extension",
            "masks": {name: [ids]}}`.
        pictures: that the page has been given.
        limits: of the page.

    Raises:
        ValueError: something is missing, unknown, impossible or beyond the limits.
    """
    if not isinstance(answer, Mapping) or answer.get("job") not in JOBS:
        raise ValueError(f"job: expected one of {', '.join(JOBS)}")
    command, settings = answer["job"], JOBS[answer["job"]]
    texts, masks = _dict(answer, "settings"), _dict(answer, "masks")
    refuse_unknown(masks, MASKS)
    given = {name: tuple(map(pictures.find, _list(masks, name))) for name in masks if masks[name]}
    fields = settings.fields() | FileSettings.fields()
    refuse_unknown(texts, fields)
    values = {name: _value(fields[name], text) for name, text in texts.items() if text != ""}
    styles = tuple(map(pictures.find, _list(answer, "style")))
    if not styles:
        raise ValueError("style: expected a picture, received none: drop one")
    needs_content = "content" in settings.pictures
    job = Job(
        command,
        settings.of({name: value for name, value in values.items() if name in settings.fields()}),
        FileSettings.of({name: values[name] for name in values if name in FileSettings.fields()}),
        pictures.find(answer.get("content"), "content") if needs_content else None,
        styles,
        given,
        EXTENSIONS.check("extension", answer.get("extension", ".png")),
    )
    job = job._replace(settings=job.settings.replace(**job._masks("path")))
    _check(job.settings, limits)
    return job


def _value(field, text):
    kind = field.metadata["kind"]
    if isinstance(kind, (Path, Files)) or not isinstance(text, str):
        raise ValueError(f"{field.name}: expected a setting that is no file, written as a text")
    try:
        return kind.parse(text)
    except ValueError as error:
        raise ValueError(f"{field.name}: {error}, received {text[:80]!r}") from None


def _dict(answer, name):
    found = answer.get(name, {})
    if not isinstance(found, dict):
        raise ValueError(f"{name}: expected an object")
    return found


def _list(answer, name):
    found = answer.get(name, [])
    if not isinstance(found, list) or len(found) > 8:
        raise ValueError(f"{name}: expected a list of at most 8 pictures")
    return found


def _check(settings: Settings, limits: WebSettings) -> None:
    """Raises for what is larger than the page allows."""
    for name, most in (
        ("size", limits.max_result),
        ("style_size", limits.max_result),
        ("evaluations", limits.max_evaluations),
    ):
        value = getattr(settings, name) or 0
        largest = max(value) if isinstance(value, tuple) else value
        if largest > most:
            raise ValueError(f"{name}: expected at most {most} on this page, received {largest}")
