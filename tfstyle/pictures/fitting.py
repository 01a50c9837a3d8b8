"""Pictures brought to another shape: cropped, padded, or as they are, to be stretched."""

import numpy as np

from tfstyle.pictures.arrays import resize

FITS = ("crop", "pad", "stretch")


def fitted(image, height, width, fit, fill):
    """An image of the shape of a height and width, or any shape with "stretch".

    Args:
      image: float32 [1, H, W, C] in [0, 1].
      height, width: of what it is for.
      fit: "crop" takes the largest part in its middle that has the shape, with its own pixels;
        "pad" has the size already: the whole image, as large as there is room for, amid a colour;
        "stretch" leaves it as it is.
      fill: that colour, [C] in [0, 1].
    """
    own_height, own_width = image.shape[1:3]
    if fit == "crop":
        ratio = min(own_height / height, own_width / width)
        return _middle(image, round(height * ratio), round(width * ratio))
    if fit == "pad":
        ratio = min(height / own_height, width / own_width)
        inner = resize(image, max(1, round(own_height * ratio)), max(1, round(own_width * ratio)))
        result = np.empty((1, height, width, image.shape[3]), np.float32)
        result[:] = fill
        _middle(result, *inner.shape[1:3])[:] = inner
        return result
    return image


def _middle(image, height, width):
    top, left = (image.shape[1] - height) // 2, (image.shape[2] - width) // 2
    return image[:, top : top + height, left : left + width]
