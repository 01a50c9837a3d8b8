"""Measures beside the style: OKLab, grain, palette and structure against closed forms."""

import pathlib

import numpy as np
import pytest

from tfstyle import colour, images
from tfstyle.colour import oklab
from tfstyle.evaluation import measures
from tools.paint import fields

TEXTURES = pathlib.Path(__file__).parent.parent / "examples" / "textures"
ROUNDING = 1 / 255**2 / 12
# Shares of independent noise in R, G and B: sums of squares of the weights of Y, and of Cb and Cr.
IN_LUMA = 0.299**2 + 0.587**2 + 0.114**2
IN_CHROMA = 2 * 0.5**2 + (0.299**2 + 0.587**2) / 1.772**2 + (0.587**2 + 0.114**2) / 1.402**2
RED_GREEN = np.array(
    [1.402, -1.402 * 0.299 / 0.587, 0]
)  # along Cr: Cr changes by 1, Y and Cb do not


def flat(height=128, width=128):
    return np.full((1, height, width, 3), 0.5)


def noise(deviation, height=128, width=128, seed=0):
    normal = np.random.default_rng(seed).standard_normal((1, height, width, 3))
    return flat(height, width) + deviation * normal


def wave(down, right, height=128, width=128):
    """Between -1 and 1, of so many cycles a pixel, `[1, H, W, 1]`."""
    y, x = np.indices((height, width))
    return np.cos(2 * np.pi * (down * y + right * x))[np.newaxis, ..., np.newaxis]


def alone(picture):
    return [(picture, 1.0)]


# --- OKLab -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rgb, expected",
    [
        ((1, 1, 1), (1, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((1, 0, 0), (0.62796, 0.22486, 0.12585)),
        ((0, 1, 0), (0.86644, -0.23389, 0.17950)),
        ((0, 0, 1), (0.45201, -0.03246, -0.31153)),
    ],
)
def test_oklab_against_published_values(rgb, expected):
    """Those of CSS Color 4, which follows Ottosson."""
    np.testing.assert_allclose(oklab(np.array(rgb)), expected, atol=2e-5)


def test_oklab_is_the_inverse_of_what_the_painter_does():
    """Also in the straight part of sRGB's curve, near black."""
    lightness = np.array([0.06, 0.15, 0.4, 0.7, 0.9])
    chroma, hue = np.array([0.0, 0.01, 0.08, 0.1, 0.03]), np.array([0, 40, 120, 260, 300])
    expected = [lightness, *(chroma * turn(np.radians(hue)) for turn in (np.cos, np.sin))]
    found = oklab(fields.oklch(lightness, chroma, hue))
    np.testing.assert_allclose(found, np.stack(expected, -1), atol=1e-5)


# --- grain -------------------------------------------------------------------------------------


def test_grain_of_white_noise():
    """Its energy is spread evenly: the share of the band is the area outside of a circle."""
    assert np.mean(measures._fine()) == pytest.approx(1 - np.pi * 0.35**2, abs=0.02)
    found = measures.grain(noise(0.02, 512, 512), alone(flat()))
    expected = 1 + 0.02**2 / ROUNDING
    for quarter, half in (found[:2], found[2:]):
        assert half == pytest.approx(expected, rel=0.03)
        assert 0.85 * expected < quarter < 0.99 * half


def test_grain_is_an_energy():
    """Twice the amplitude is four times the grain, where rounding is small beside it."""
    found = measures.grain(noise(0.06), alone(noise(0.03, seed=1)))
    np.testing.assert_allclose(found, 4, rtol=0.1)


def test_a_coloured_mesh_raises_the_grain_of_colour_alone():
    style = noise(0.005)
    mesh = 0.02 * wave(0.5, 0.5) * RED_GREEN
    found = measures.grain(flat() + mesh, alone(flat()))
    share = np.mean(measures._fine())
    np.testing.assert_allclose(found[:2], 1, rtol=1e-9)
    np.testing.assert_allclose(found[2:], 1 + 0.02**2 / (ROUNDING * share * IN_CHROMA), rtol=1e-4)
    found = measures.grain(style + mesh, alone(style))
    np.testing.assert_allclose(found[:2], 1, rtol=1e-4)
    assert min(found[2:]) > 10


def test_a_grey_mesh_raises_the_grain_of_luminance_alone():
    found = measures.grain(flat() + 0.01 * wave(0.5, 0), alone(flat()))
    share = np.mean(measures._fine())
    np.testing.assert_allclose(found[:2], 1 + 0.01**2 / (ROUNDING * share * IN_LUMA), rtol=1e-4)
    np.testing.assert_allclose(found[2:], 1, rtol=1e-4)


@pytest.mark.parametrize("down, right, counts", [(0.25, 0.125, False), (0.25, 0.28125, True)])
def test_only_the_finest_octave_is_grain(down, right, counts):
    found = measures.grain(flat() + 0.1 * wave(down, right), alone(flat()))
    assert found.luminance_50 > 1000 if counts else found.luminance_50 < 1.001


def test_percentiles_see_past_a_busy_half():
    """Leaves on the left, and a mesh on the right, where the style is as quiet as can be."""
    busy = np.concatenate([noise(0.1, 256, 128), flat(256, 128)], axis=2)
    mesh = np.concatenate([flat(256, 128), flat(256, 128) + 0.02 * wave(0.5, 0.5, 256)], axis=2)
    without, with_mesh = (measures.grain(p, alone(busy)) for p in (busy, busy + mesh - 0.5))
    np.testing.assert_allclose(without, 1)
    assert with_mesh.luminance_25 > 100
    luminance = colour.LUMINANCE_AND_CHROMA[:1]
    energies = [measures._energies(p, luminance).mean() for p in (busy, busy + mesh - 0.5)]
    assert energies[1] < 1.2 * energies[0]


def test_grain_of_a_blend_is_beside_its_mixture():
    """The lower percentile is of the style with a large part."""
    quiet, loud = noise(0.01), noise(0.1, seed=1)
    found = measures.grain(quiet, [(quiet, 0.75), (loud, 0.25)])
    assert found.luminance_25 == pytest.approx(1, rel=0.1)
    found = measures.grain(quiet, [(quiet, 0.1), (loud, 0.9)])
    assert found.luminance_25 == pytest.approx(0.01, rel=0.2)


@pytest.mark.parametrize("shape", [(5, 9), (32, 20), (40, 33)])
def test_grain_of_small_pictures(shape):
    picture = noise(0.1, *shape)
    np.testing.assert_allclose(measures.grain(picture, alone(picture)), 1)
    assert min(measures.grain(picture, alone(flat(*shape)))) > 1000


# --- palette -----------------------------------------------------------------------------------


def test_transport_between_round_clouds():
    """W2^2 of isotropic Gaussians: between means, and three times between deviations."""
    rng = np.random.default_rng(0)
    shift = np.array([0.3, -0.2, 0.1])
    one, other = rng.standard_normal((2, 100_000, 3))
    found = measures.transport([(one, 1.0)], [(1.5 * other + shift, 1.0)])
    assert found == pytest.approx(np.sqrt(0.14 + 3 * 0.25), rel=0.01)


def test_transport_is_at_most_w2():
    """Of Gaussians with axes of other lengths, W2 is the distance between the lengths."""
    rng = np.random.default_rng(0)
    one, other = rng.standard_normal((2, 100_000, 3))
    lengths, others = np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])
    found = measures.transport([(one * lengths, 1.0)], [(other * others, 1.0)])
    assert 0.3 * np.sqrt(8) < found < np.sqrt(8)


def coloured(lab):
    a, b = lab[..., 1], lab[..., 2]
    return fields.oklch(lab[..., 0], np.hypot(a, b), np.degrees(np.arctan2(b, a)))


def test_palette_of_a_shift_is_its_length():
    rng = np.random.default_rng(0)
    lab = np.array([0.6, 0.02, -0.03]) + 0.02 * rng.uniform(-1, 1, (2000, 3))
    moved = rng.permutation(lab) + np.array([0.02, 0.01, -0.02])
    picture, style = (coloured(each).reshape(1, 40, 50, 3) for each in (moved, lab))
    assert measures.palette(picture, alone(style)) == pytest.approx(3, rel=1e-4)


def test_palette_does_not_depend_on_where_the_colours_are():
    picture = np.random.default_rng(0).random((1, 40, 50, 3))
    assert measures.palette(picture, alone(picture)) == 0
    assert measures.palette(picture[:, ::-1], alone(np.swapaxes(picture, 1, 2))) < 1e-9


def test_palette_of_pictures_with_more_pixels_than_are_looked_at():
    picture = np.random.default_rng(0).random((1, 300, 300, 3))
    assert measures.palette(picture, alone(picture[:, :, ::-1])) < 0.5


def test_palette_of_a_blend_is_the_mixture():
    dark, light = 0.4 * flat(32, 32), 1.6 * flat(32, 32)
    both = np.concatenate([dark, light[:, :, :16]], axis=2)
    blend = [(dark, 2 / 3), (light, 1 / 3)]
    assert measures.palette(both, blend) < 1.5
    assert measures.palette(both, [(dark, 1 / 3), (light, 2 / 3)]) > 10


# --- structure ---------------------------------------------------------------------------------


def bricks(height=120, width=144, row=10, column=32):
    """Rows of bricks with bright mortar, each row half a brick further."""
    y, x = np.indices((height, width))
    x = x + column // 2 * (y // row % 2)
    mortar = (y % row < 3) | (x % column < 4)
    return np.repeat(np.where(mortar, 0.8, 0.3)[np.newaxis, ..., np.newaxis], 3, axis=3)


def in_blocks(picture, side=16):
    """Blocks of a square picture, in another order."""
    count = picture.shape[1] // side
    cut = [picture[:, side * i :, side * j :][:, :side, :side] for i, j in np.ndindex(count, count)]
    cut = [cut[place] for place in np.random.default_rng(0).permutation(len(cut))]
    lines = [np.concatenate(cut[count * i :][:count], axis=2) for i in range(count)]
    return np.concatenate(lines, axis=1)


def test_autocorrelation_against_its_definition():
    plane = np.random.default_rng(0).random((20, 17))
    found = measures.autocorrelation(plane, 5)
    centred = plane - plane.mean()
    assert found.shape == (11, 11) and found[5, 5] == pytest.approx(1)
    down = np.mean(centred[3:] * centred[:-3]) / np.mean(centred**2)
    across = np.mean(centred[2:, :-4] * centred[:-2, 4:]) / np.mean(centred**2)
    assert found[5 + 3, 5] == pytest.approx(down) == found[5 - 3, 5]
    assert found[5 + 2, 5 - 4] == pytest.approx(across) == found[5 - 2, 5 + 4]


def test_the_peaks_are_where_the_pattern_repeats():
    plane = bricks()[0, ..., 0]
    correlation = measures.autocorrelation(plane, 40)
    full = [lag for lag in measures._peaks(correlation) if correlation[tuple(lag)] > 0.9]
    expected = {(10, 16), (10, -16), (20, 0), (20, 32), (20, -32), (30, 16), (30, -16), (0, 32)}
    assert {tuple(int(n) for n in lag - 40) for lag in full} == expected


def test_structure_does_not_depend_on_the_place():
    style = bricks()
    assert measures.structure(style, alone(style)) == 1
    assert measures.structure(style[:, 6:100, 12:], alone(style)) > 0.95
    assert measures.structure(np.roll(style, (5, 16), (1, 2)), alone(style)) > 0.95


def test_structure_is_lost_without_repetition():
    style = bricks()
    others = {
        "noise": noise(0.1, 120, 144),
        "flat": flat(),
        "upright": np.swapaxes(style, 1, 2),
        "larger": bricks(row=15, column=46),
    }
    found = {name: measures.structure(other, alone(style)) for name, other in others.items()}
    assert found["flat"] == 0 and found["noise"] < 0.1
    assert found["upright"] < 0.7 and found["larger"] < 0.6, found


def test_structure_is_what_survives_of_a_peak():
    """Noise of the pattern's own variance takes half of every correlation."""
    style = bricks(240, 288)
    noisy = style + style.std() * np.random.default_rng(0).standard_normal((1, 240, 288, 1))
    lightness = [oklab(p[0])[..., 0] for p in (style, np.clip(noisy, 0, 1))]
    share = np.cov(lightness[0].ravel(), lightness[1].ravel())
    expected = share[0, 1] ** 2 / (share[0, 0] * share[1, 1])  # of the variance
    assert 0.3 < expected < 0.7
    found = measures.structure(np.clip(noisy, 0, 1), alone(style))
    assert found == pytest.approx(expected, abs=0.05)


def test_structure_of_a_weave():
    weave = images.resize(images.load(TEXTURES / "weave.jpg"), 192, 192)
    assert measures.structure(weave[:, :, :128], alone(weave)) > 0.9
    assert measures.structure(in_blocks(weave), alone(weave)) < 0.5


@pytest.mark.parametrize("style", [noise(0.1), flat(), flat(3, 2)], ids=["noise", "flat", "tiny"])
def test_there_is_no_structure_where_nothing_repeats(style):
    assert measures.structure(bricks(), alone(style)) is None


def test_there_is_no_structure_of_pebbles_nor_of_a_blend():
    pebbles = images.resize(images.load(TEXTURES / "pebbles.jpg"), 192, 192)
    assert measures.structure(pebbles, alone(pebbles)) is None
    assert measures.structure(bricks(), [(bricks(), 0.5), (pebbles, 0.5)]) is None
