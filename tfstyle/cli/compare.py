"""`tfstyle compare`: one sheet of pictures that differ in one setting, and a table of distances."""

import contextlib
import csv
import dataclasses
import io
import json
import os
import re
import shlex
from collections.abc import Sequence

from tfstyle import images, provenance, registry
from tfstyle.cli import options
from tfstyle.cli.console import is_detailed, say, show
from tfstyle.cli.run import Painting, typed
from tfstyle.evaluation import comparison
from tfstyle.outcome import Outcome
from tfstyle.progress import Bar
from tfstyle.settings import StylizeSettings
from tfstyle.settings.base import Settings, changed, setting
from tfstyle.settings.choices import PICTURES
from tfstyle.settings.kinds import Kind, Path, Texts

FILES = ("sheet.jpg", "comparison.json", "comparison.csv")
LARGE = 512  # pixels, in the commands that are printed


@dataclasses.dataclass(frozen=True)
class Compared(Settings):
    """The flags that are not those of its pictures."""

    content: str | None = setting(
        None,
        Path(),
        "picture whose content is kept; without it there are textures only",
        PICTURES,
        main=True,
    )
    output: str | None = setting(
        None, Path(), "folder to write to", PICTURES, required=True, short="o"
    )
    statistics: tuple[str, ...] = setting(
        comparison.STATISTICS,
        Texts("statistics", tuple(registry.CRITERIA)),
        "statistics that are compared",
        "Comparison",
        main=True,
    )
    sweep: str | None = setting(
        None,
        Kind(),
        "another flag to be compared, and its values: style_weight=10,100,1000; separated by "
        "semicolons where a value holds commas",
        "Comparison",
        main=True,
    )


@dataclasses.dataclass(frozen=True)
class ComparedSettings(StylizeSettings):
    """Those of the pictures, at a size at which many can be made."""

    size: int | tuple[int, int] = changed(StylizeSettings, "size", comparison.SIZE)


def main(arguments: Sequence[str]) -> int:
    given = options.parse("compare", (options.Style, Compared, ComparedSettings), arguments)
    if given is None:
        return 0
    own = options.make(Compared, given)
    cells = _cells(own, given)
    with _folder(own.output):
        names = [_name(cell) for cell in cells]
        if len(set(names)) < len(names):
            raise ValueError(f"sweep: expected different values, received {own.sweep!r}")
        paths = [os.path.join(own.output, f"{name}.png") for name in names]
        for cell, path in zip(cells, paths):  # all are checked before the first is made
            _painting(cell, path).run.prepare()
    with Bar(runs=len(cells)) as bar:
        for cell, path in zip(cells, paths):
            painting = _painting(cell, path, bar)  # anew: a run keeps its memory
            if not provenance.is_done(painting.output, painting.command):
                code = painting.execute()
                if code == Outcome.STOPPED.exit_code:
                    say("the same command continues from here")
                    return code
            bar.end_run()
    _finish(own, given, cells, paths)
    return 0


def _cells(own, given):
    names = {"style", "content", *StylizeSettings.fields()}
    arguments = {name: value for name, value in given.items() if name in names}
    arguments = (
        {"size": comparison.SIZE, "content": None} | arguments | {"style": list(given["style"])}
    )
    if own.sweep is None:
        return comparison.cells(arguments, "statistic", own.statistics)
    name, equals, values = own.sweep.partition("=")
    name = name.replace("-", "_")
    if not equals or name not in names:
        raise ValueError(
            f"sweep: expected a flag of stylize and values, such as style_weight=10,100,1000, "
            f"received {own.sweep!r}"
        )
    texts = values.split(";" if ";" in values else ",")
    return comparison.cells(arguments, name, [_read(name, text) for text in texts])


def _read(name, text):
    if name == "content":
        return options.read(options.Content, name, text)
    if name == "style":
        return list(options.read(options.Style, name, text))
    return options.read(StylizeSettings, name, text)


@contextlib.contextmanager
def _folder(path):
    """Makes the folder; takes it away again where nothing comes of it."""
    new = not os.path.isdir(path)
    images.make_folder(path, "output")
    images.remove_temporaries(path, FILES)
    try:
        yield
    except Exception:
        if new:
            os.rmdir(path)
        raise


def _name(cell):
    return re.sub(r"[^\w.-]+", "_", f"{cell.kind}_{cell.setting}_{cell.label}")


def _painting(cell, path, bar=None):
    output = options.Output(output=path)
    return Painting(cell.kind, cell.settings, _paths(cell), output, judged=True, bar=bar)


def _paths(cell):
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in cell.pictures.items()
    }


def _finish(own, given, cells, paths):
    """Writes the sheet and the tables, and prints what a user wants to know next."""
    made = [images.read_settings(path) for path in paths]
    facts = [{name: x[name] for name in ("evaluations", "seconds", "outcome")} for x in made]
    done = comparison.assemble(cells, [images.load(path) for path in paths], facts)
    rows = [row | {"file": os.path.basename(path)} for row, path in zip(done.rows, paths)]
    command = provenance.portable(_command(given))
    sheet, table, numbers = [os.path.join(own.output, name) for name in FILES]
    images.save(sheet, done.sheet, {"command": command})
    header = {"command": command} | ({"note": done.note} if done.note else {})
    _write(table, json.dumps(header | {"pictures": rows}, indent=2) + "\n")
    _write(numbers, _csv(rows))
    show(f"{sheet}: done, {len(rows)} pictures; the numbers are in comparison.csv and .json")
    if done.note:
        show(done.note)
    if is_detailed():
        show("Any of them large:")
        for cell, path in zip(cells, paths):
            large = f"{os.path.splitext(path)[0]}_{LARGE}.png"
            show("  " + typed(cell.kind, _paths(cell), cell.settings.replace(size=LARGE), large))


def _command(given):
    """What was typed, with the names of all flags."""
    fields = options.Style.fields() | Compared.fields() | ComparedSettings.fields()
    texts = [f"--{name}={fields[name].metadata['kind'].write(given[name])}" for name in given]
    return shlex.join(["tfstyle", "compare", *texts])


def _csv(rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _write(path, text):
    with images.temporary(path) as beside:
        with open(beside, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(beside, path)
