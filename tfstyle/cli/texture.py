"""`tfstyle texture`: a new picture with the texture of another."""

from tfstyle import synthesis
from tfstyle.cli import runner


def main(arguments) -> int:
    return runner.run(synthesis.synthesize_texture, "texture", ("noise",), arguments)
