"""`tfstyle compare`: one sheet of pictures that differ in one setting, and a table of distances."""

import contextlib
import csv
import io
import json
import os
import re
import sys

from tfstyle import checks, comparison, images, record, statistics
from tfstyle.cli import options, runner

INITS = ("content", "noise")
OWN = ("statistics", "sweep", "output")  # flags that are not those of its pictures
LARGE = 512  # pixels, in the commands that are printed


def main(arguments) -> int:
    given = options.parse(_flags(), "compare", INITS, arguments)
    if given is None:
        return 0
    cells = _cells(given)
    with _folder(given["output"]):
        names = [_name(cell) for cell in cells]
        if len(set(names)) < len(names):
            raise ValueError(f"sweep: expected different values, received {given['sweep']!r}")
        paths = [os.path.join(given["output"], f"{name}.png") for name in names]
        # All are checked before the first is made.
        runs = [_run(cell, path) for cell, path in zip(cells, paths)]
    for run in runs:
        if (
            not record.is_done(run.output, run.record["command"])
            and run.execute() == runner.EXIT_CODES["interrupted"]
        ):
            print("the same command goes on from here", file=sys.stderr)
            return runner.EXIT_CODES["interrupted"]
    _finish(given, cells, paths)
    return 0


def _flags():
    """Those of `stylize`, without defaults: textures have others."""
    names = options.defaults(comparison.FUNCTIONS["stylize"])
    own = options.defaults(comparison.compare) | {"output": options.REQUIRED}
    return dict.fromkeys(names) | {name: own[name] for name in own if name != "options"}


def _cells(given):
    settings = {name: value for name, value in given.items() if name not in OWN}
    settings = {name: value for name, value in settings.items() if value is not None}
    if given["sweep"] is None:
        for name in given["statistics"]:
            checks.choice("statistics", name, statistics.ALL)
        return comparison.cells(settings, "statistic", given["statistics"], options.LEARNING)
    setting, equals, values = given["sweep"].partition("=")
    if not equals or setting not in _flags() or setting in OWN:
        raise ValueError(
            f"sweep: expected a flag of stylize and values, such as style_weight=10,100,1000, "
            f"received {given['sweep']!r}"
        )
    texts = values.split(";" if ";" in values else ",")
    values = [options.read(setting, text) for text in texts]
    return comparison.cells(settings, setting, values, options.LEARNING)


@contextlib.contextmanager
def _folder(path):
    """Makes the folder; takes it away again where nothing comes of it."""
    new = not os.path.isdir(path)
    images.make_folder(path, "output")
    try:
        yield
    except Exception:
        if new:
            os.rmdir(path)
        raise


def _name(cell):
    return re.sub(r"[^\w.-]+", "_", f"{cell.kind}_{cell.setting}_{cell.label}")


def _run(cell, path):
    arguments = runner.flags(cell.arguments | {"output": path})
    return runner.prepare(comparison.FUNCTIONS[cell.kind], cell.kind, INITS, arguments)


def _finish(given, cells, paths):
    """Writes the sheet and the tables, and prints what a user wants to know next."""
    made = [images.read_settings(path) for path in paths]
    facts = [{name: x[name] for name in ("evaluations", "seconds", "outcome")} for x in made]
    done = comparison.assemble(cells, [images.load(path) for path in paths], facts)
    rows = [row | {"file": os.path.basename(path)} for row, path in zip(done.rows, paths)]
    command = runner.typed("compare", given)
    folder = given["output"]
    images.save(os.path.join(folder, "sheet.jpg"), done.sheet, {"command": command})
    table = {"command": command, "pictures": rows}
    _write(os.path.join(folder, "comparison.json"), json.dumps(table, indent=2) + "\n")
    _write(os.path.join(folder, "comparison.csv"), _csv(rows))
    print(f"{os.path.join(folder, 'sheet.jpg')}; the numbers are in comparison.csv and .json there")
    print("Any of them large:")
    for cell, path in zip(cells, paths):
        large = f"{os.path.splitext(path)[0]}_{LARGE}.png"
        print("  " + runner.typed(cell.kind, cell.arguments | {"size": LARGE, "output": large}))


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
