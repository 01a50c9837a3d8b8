"""`tfstyle invert`: a picture rebuilt from the features of a network."""

from collections.abc import Sequence

from tfstyle import images
from tfstyle.cli import options
from tfstyle.cli.run import run
from tfstyle.settings import InvertSettings


def main(arguments: Sequence[str]) -> int:
    return run("invert", InvertSettings, (options.Content,), arguments, _psnr)


def _psnr(content, image):
    return {"PSNR": images.psnr(image, images.resize(content, *image.shape[1:3]))}
