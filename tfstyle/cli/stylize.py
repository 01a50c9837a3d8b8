"""`tfstyle stylize`: the content of one picture in the style of another."""

from tfstyle import synthesis
from tfstyle.cli import runner


def main(arguments) -> int:
    return runner.run(synthesis.stylize, "stylize", ("content", "noise"), arguments)
