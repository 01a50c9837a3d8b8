"""Writes docs/settings.md: all settings, from where they are declared.

python -m tools.settings_table
"""

import pathlib

from tfstyle.batch import BatchSettings
from tfstyle.cli.manual import explained
from tfstyle.server import ServeSettings
from tfstyle.settings import (
    ApplySettings,
    FileSettings,
    FrameSettings,
    InvertSettings,
    StylizerSettings,
    StylizeSettings,
    TextureSettings,
    TrainSettings,
)
from tfstyle.settings.choices import GROUPS
from tfstyle.web import WebSettings

PAGE = pathlib.Path(__file__).parent.parent / "docs/settings.md"
JOBS = {
    "stylize": StylizeSettings,
    "texture": TextureSettings,
    "invert": InvertSettings,
    "frame": FrameSettings,
    "export": StylizerSettings,
    "batch": BatchSettings,
    "train": TrainSettings,
    "apply": ApplySettings,
    "flags of the other commands": FileSettings,
    "web": WebSettings,
    "serve": ServeSettings,
}
HEAD = """# Settings

Every setting is a keyword argument in Python and a flag on the command line, and is checked in the
same way. `tfstyle batch` also has all settings of `stylize`, `tfstyle compare` those that it passes
on. In Python they can be put together beforehand: `tfstyle.settings.StylizeSettings(size=256)`.
Those of files are flags only: in Python, `tfstyle.images.save` has such arguments.

This page is written by a program, from where the settings are declared:

```
python -m tools.settings_table
```
"""


def page() -> str:
    """The page."""
    return "\n".join([HEAD, *filter(None, map(_section, GROUPS))])


def _section(group):
    names = [
        name
        for name in dict.fromkeys(name for job in JOBS.values() for name in job.fields())
        if any(_belongs(job, name, group) for job in JOBS.values())
    ]
    if not names:
        return ""
    rows = [f"| `{name}` | {_jobs(name, group)} | {_meaning(name, group)} |" for name in names]
    return "\n".join([f"## {group}", "", "| setting | of | meaning |", "|---|---|---|", *rows, ""])


def _belongs(job, name, group):
    return name in job.fields() and job.fields()[name].metadata["group"] == group


def _jobs(name, group):
    return ", ".join(title for title, job in JOBS.items() if _belongs(job, name, group))


def _meaning(name, group):
    """The help of the first job that has it, and the choices and defaults of those that differ."""
    first, *others = [(title, job) for title, job in JOBS.items() if _belongs(job, name, group)]
    field = first[1].fields()[name]
    text = explained(field)
    for title, job in others:
        other = job.fields()[name]
        if not _choices(other) <= _choices(field):
            text += f"; {title}: {explained(other)}"
        elif _default(other) not in ("", _default(field)):
            text += f"; {title}: {_default(other)}"
    return text.replace("|", "\\|")


def _choices(field):
    return set(getattr(field.metadata["kind"], "names", ()))


def _default(field):
    """A default, or what the help says of one that depends on other settings."""
    if field.default is None:
        return field.metadata["help"].partition("default: ")[2]
    return field.metadata["kind"].write(field.default)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
