"""The layer `pixels`: what a pixel and its neighbours say by themselves."""

import numpy as np
from test_features import picture

from tfstyle import colour, features


def seen_pixels(image, **options):
    network = features.get("vgg19_narrow", ["pixels"], precision="float32", **options)
    return network(np.float32(image))["pixels"].numpy()[0]


def test_pixels_are_an_orthogonal_transform_of_each_patch_times_gains():
    image, (row, column) = picture(), (11, 17)
    patch = image[0, row - 1 : row + 2, column - 1 : column + 2].astype(np.float64) - 0.5
    axis = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
    opponent = np.einsum("ck,yxk->yxc", colour.LUMINANCE_AND_CHROMA, patch)
    expected = np.einsum("uy,vx,yxc->uvc", axis, axis, opponent)
    expected *= 2.0 ** np.add.outer(np.arange(3), np.arange(3))[..., None] * [1, 3, 3]
    signed = expected.reshape(27)
    found = seen_pixels(image)[row, column]
    np.testing.assert_allclose(found, [*signed, *np.abs(signed[3:])], rtol=1e-4, atol=1e-5)


def test_pixels_of_one_colour_and_of_a_mesh_of_colour():
    grey = seen_pixels(np.full((1, 40, 40, 3), 0.75))
    # The constant filter has unit norm: 9 pixels give 3 times what is above grey.
    np.testing.assert_allclose(grey[..., 0], 0.75, rtol=1e-5)
    np.testing.assert_allclose(grey[..., 1:], 0, atol=1e-6)
    sign = 1 - 2.0 * (np.indices((40, 40)).sum(0) % 2)
    mesh = seen_pixels(0.5 + 0.1 * sign[None, ..., None] * np.array([1, -0.299 / 0.587, 0]))
    energy = np.square(mesh[..., :27]).mean((0, 1)).reshape(9, 3).sum(0)
    assert energy[0] < 1e-9 < 1 < energy[2]  # no luminance


def test_pixels_at_the_border():
    image = picture()
    mirrored = np.pad(image, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    black = np.pad(image, ((0, 0), (1, 1), (1, 1), (0, 0)))
    for padding, wider in (("reflect", mirrored), ("zeros", black)):
        whole = seen_pixels(wider, padding=padding)[1:-1, 1:-1]
        np.testing.assert_allclose(seen_pixels(image, padding=padding), whole, atol=1e-5)
