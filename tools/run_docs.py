"""Runs the commands that the documentation shows, so that all of its pictures are made again.

    python -m tools.run_docs [--list] [PAGE ...]

From README.md and docs/*.md, or the pages named, it takes the lines in fenced blocks that begin
with `tfstyle `, `python -m tools.` or `python -m export.`, and runs them in this order, each once.
Commands that only print help are left out, and so are blocks whose fence has the word `skip` behind
its backticks: they need what a clone has not.
"""

import pathlib
import shlex
import subprocess
import sys

from absl import app, flags

ROOT = pathlib.Path(__file__).parent.parent
PAGES = ("README.md", "docs/texture.md", "docs/stylize.md", "docs/invert.md", "docs/compare.md")
PAGES += ("docs/discriminator.md", "docs/theory.md", "docs/serving.md")
STARTS = ("tfstyle ", "python -m tools.", "python -m export.")

_LIST = flags.DEFINE_bool("list", False, "Print the commands, run nothing.")


def commands(text):
    """The commands in the fenced blocks of a page: pairs of (command, whether it is to be run)."""
    fence = None
    for line in text.splitlines():
        if line.startswith("```"):
            fence = line[3:].split() if fence is None else None
        elif fence is not None and line.startswith(STARTS):
            yield line, "skip" not in fence and "--help" not in line.split()


def run(command):
    """Runs a command in the root of the project, with the Python that runs this."""
    program, *arguments = shlex.split(command)
    if arguments[0] == "compare":  # which would take its pictures of last time
        (output,) = (a.partition("=")[2] for a in arguments if a.startswith("--output="))
        for old in (ROOT / output).glob("*.png"):
            old.unlink()
    module = ["-m", program] if program == "tfstyle" else []
    subprocess.run([sys.executable, *module, *arguments], cwd=ROOT, check=True)


def main(argv):
    texts = [(ROOT / page).read_text("utf-8") for page in argv[1:] or PAGES]
    shown = [command for text in texts for command, is_run in commands(text) if is_run]
    for command in dict.fromkeys(shown):
        print(command, flush=True)
        if not _LIST.value:
            run(command)


if __name__ == "__main__":
    app.run(main)
