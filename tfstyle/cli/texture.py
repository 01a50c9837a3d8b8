"""`tfstyle texture`: a new picture with the texture of another, or the maps of a material."""

from collections.abc import Sequence

from tfstyle.cli import options
from tfstyle.cli.run import run
from tfstyle.settings import TextureSettings


def main(arguments: Sequence[str]) -> int:
    return run("texture", TextureSettings, (options.Style, options.Maps), arguments)
