"""`tfstyle invert`: a picture rebuilt from the features of a network."""

from tfstyle import images, synthesis
from tfstyle.cli import runner


def main(arguments) -> int:
    return runner.run(synthesis.invert, "invert", ("noise",), arguments, _psnr)


def _psnr(content, image):
    return {"PSNR": images.psnr(image, images.resize(content, *image.shape[1:3]))}
