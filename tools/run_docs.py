"""Runs the commands that the documentation shows, so that all of its pictures are made again.

    python -m tools.run_docs [--list] [PAGE ...]

From docs/*.md, or the pages named, it takes the blocks of Python, and the lines in
other fenced blocks that begin with a program of `STARTS`, and runs them in this order, each once.
Commands that only print help are left out, and so are blocks whose fence has the word `skip` behind
its backticks: they need what a clone has not. The commands of README.md are those of the pages, but
write to demo/, where nothing is replaced that git keeps.
"""

import pathlib
import re
import shlex
import shutil
import subprocess
import sys

from absl import app, flags

ROOT = pathlib.Path(__file__).parent.parent
PAGES = (
    "docs/texture.md",
    "docs/stylize.md",
    "docs/control.md",
    "docs/invert.md",
    "docs/train.md",
    "docs/one_pass.md",
    "docs/compare.md",
    "docs/grain.md",
)
PAGES += ("docs/gallery.md", "docs/python.md")
PAGES += ("docs/discriminator.md", "docs/theory.md", "docs/export.md", "docs/pipelines.md")
PAGES += ("docs/serving.md", "docs/web.md", "docs/scaling.md", "docs/performance.md")
PAGES += ("docs/settings.md", "docs/roots.md")
STARTS = ("tfstyle ", "python -m tools.", "python -m export.", "python examples/")
STARTS += ("saved_model_cli ",)

_LIST = flags.DEFINE_bool("list", False, "Print the commands, run nothing.")


def commands(text):
    """The commands in the fenced blocks of a page: pairs of (command, whether it is to be run)."""
    for fence, block in re.findall(r"^```([^\n]*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        words = fence.split()
        if "python" in words:
            yield block, "skip" not in words
        for line in block.splitlines():
            if line.startswith(STARTS):
                yield line, "skip" not in words and "--help" not in line.split()


def run(command):
    """Runs a command, or a block of Python, in the root of the project, with this Python."""
    if "\n" in command:
        arguments = [sys.executable, "-c", command]
    else:
        program, *arguments = shlex.split(command)
        _forget(arguments)
        python = [sys.executable]
        own = {"python": python, "tfstyle": [*python, "-m", "tfstyle"]}
        beside = pathlib.Path(sys.executable).with_name(program)
        arguments = own.get(program, [beside]) + arguments
    subprocess.run(arguments, cwd=ROOT, check=True)


def _forget(arguments):
    """Removes what a command would continue from, or refuse to replace."""
    line = " ".join(arguments)
    outputs = [ROOT / name for name in re.findall(r"(?:--output=|-o )(\S+)", line)]
    if "compare" in arguments:
        for old in outputs[0].glob("*.png"):
            old.unlink()
    if "export" in arguments:
        shutil.rmtree(outputs[0], ignore_errors=True)


def main(argv):
    texts = [(ROOT / page).read_text("utf-8") for page in argv[1:] or PAGES]
    shown = [command for text in texts for command, is_run in commands(text) if is_run]
    for command in dict.fromkeys(shown):
        print(command, flush=True)
        if not _LIST.value:
            run(command)


if __name__ == "__main__":
    app.run(main)
