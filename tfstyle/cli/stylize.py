"""`tfstyle stylize`: the content of one picture in the style of another."""

from collections.abc import Sequence

from tfstyle.cli import options
from tfstyle.cli.run import run
from tfstyle.settings import StylizeSettings


def main(arguments: Sequence[str]) -> int:
    return run("stylize", StylizeSettings, (options.Content, options.Style), arguments)
