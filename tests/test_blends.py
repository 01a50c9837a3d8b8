"""Blends of styles: parts, mixtures, and what is refused."""

import functools

import numpy as np
import pytest
from test_api import (
    STYLE_LAYERS,
    assert_picture,
    checks,
    gram,
    grey,
    stripes,
    stylize,
    texture,
)

from tfstyle import images, statistics


def blend(styles, parts, **options):
    options = {"size": 32, "evaluations": 10, "style_layers": STYLE_LAYERS[1:]} | options
    return texture(styles, style_blend=parts, **options).image


@pytest.mark.parametrize("statistic", statistics.STATISTICS)
def test_a_blend_of_a_style_with_itself_is_that_style(statistic):
    few = {"statistic": statistic, "evaluations": 4}  # rounding is amplified by each
    one, two = blend(stripes(), None, **few), blend([stripes(), stripes()], [0.7, 0.3], **few)
    # `nearest` draws other vectors of a style, where it gives a part of them.
    np.testing.assert_allclose(one, two, atol=1e-3 if statistic == "nearest" else 1e-4)
    assert np.abs(one - images.noise(32, 32, 0)).max() > 0.1


@functools.cache
def stripes_and_checks(*parts):
    return blend([stripes(), checks()], parts)


@pytest.mark.parametrize(
    "parts, same",
    [
        ((1, 0), lambda: blend(stripes(), None)),
        ((0, 1), lambda: blend(checks(), [3])),
        ((1, 3), lambda: stripes_and_checks(*np.array([8.0, 24.0]))),
        ((2, 2), lambda: blend((stripes(), checks()), None)),
    ],
    ids=["first", "second", "ratio", "equal"],
)
def test_parts_of_a_blend(parts, same):
    np.testing.assert_array_equal(stripes_and_checks(*parts), same())
    assert np.abs(stripes_and_checks(*parts) - stripes_and_checks(5, 4)).max() > 5e-3


@pytest.mark.slow
def test_a_blend_of_pictures_of_different_sizes_has_the_mean_of_their_statistics():
    styles = [stripes(), checks(40, 48), grey(64, 90)]
    image = blend(styles, [3, 2, 1], tv_weight=0, size=64, evaluations=40)
    wanted = [gram(images.load(style)) for style in styles]
    mixed = np.tensordot([3 / 6, 2 / 6, 1 / 6], wanted, 1)
    error = np.linalg.norm(gram(image) - mixed)
    assert all(error < 0.15 * np.linalg.norm(single - mixed) for single in wanted)
    assert_picture(stylize(style=styles, evaluations=3).image, 64, 64)


@pytest.mark.parametrize(
    "styles, parts, message",
    [
        ([stripes(), checks()], [1.0], "style_blend: expected one for each of the 2 styles"),
        (stripes(), [1, 2], "style_blend: expected one for each of the 1 styles, received 2"),
        ([stripes(), checks()], [1, -1], r"style_blend: .* received \[1, -1\]"),
        ([stripes(), checks()], [1, float("nan")], r"style_blend: .* received \[1, nan\]"),
        ([stripes(), checks()], [0, 0], "style_blend: .* not all 0, received"),
        ([], None, "style: .* received an empty list"),
        ((), None, "style: .* received an empty list"),
        ([stripes(), "none.png"], None, "style=none.png: file not found"),
    ],
)
@pytest.mark.parametrize("make", [stylize, texture])
def test_wrong_blends(make, styles, parts, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        make(style=styles, style_blend=parts)
