"""The comparison beside masks: each style is compared with its own region."""

import itertools
import pathlib

import numpy as np
import pytest

from tfstyle import images, masks
from tfstyle.evaluation import comparison, measures

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"
HALVES = "textures/pebbles.jpg", "styles/mosaic.jpg"
SMALL = {"size": 96, "style_layers": ("pixels", "block2_conv1")}


@pytest.mark.slow
def test_in_regions_each_style_is_compared_where_it_is():
    """Two styles side by side: as a mixture, they are the same the other way round."""
    styles = [images.resize(images.load(EXAMPLES / name), 96, 96) for name in HALVES]
    left = np.float32(np.arange(96) < 48) * np.ones((96, 1), np.float32)
    halves = [style[:, :, :48] for style in styles]
    right_way, wrong_way = (np.concatenate(pair, axis=2) for pair in (halves, halves[::-1]))

    mixed = [measures.palette(x, [(y, 0.5) for y in styles]) for x in (right_way, wrong_way)]
    assert mixed[0] == pytest.approx(mixed[1], rel=1e-3)
    options = {"style": styles, "content": None, "style_mask": [left, 1 - left]} | SMALL
    (cell,) = comparison.cells(options, "seed", [1])
    found = [comparison.assemble([cell], [x], [{}]) for x in (right_way, wrong_way)]
    assert found[0].note.startswith("style_mask: numbers of a style are those of the largest")
    for name in ("judge", "palette", "distance_gram"):
        right, wrong = (each.rows[0][name] for each in found)
        assert wrong > 5 * right, name
    (cell,) = comparison.cells(options | {"style_region": [left, left]}, "seed", [1])
    for (share, part, ((beside, _),)), own in zip(comparison._pairs(cell, right_way), halves):
        assert share == 48 * 96
        np.testing.assert_allclose(part, own)
        np.testing.assert_allclose(beside, own, atol=1e-6)


def test_a_region_without_a_rectangle_leaves_whole_pictures():
    thin = np.float32(np.arange(96) % 2 == 0) * np.ones((96, 1), np.float32)
    styles = [np.full((1, 48, 64, 3), grey, np.float32) for grey in (0.2, 0.7)]
    options = {"style": styles, "content": None, "style_mask": [thin, 1 - thin]} | SMALL
    (cell,) = comparison.cells(options, "seed", [1])
    ((share, part, beside),) = comparison._pairs(cell, np.zeros((1, 96, 96, 3), np.float32))
    assert share == 1 and part.shape == (1, 96, 96, 3) and len(beside) == 2


def test_the_largest_rectangle_against_all_rectangles():
    for density in (0.5, 0.8, 0.95):
        inside = np.random.default_rng(0).random((9, 11)) < density
        sizes = [
            (bottom - top) * (right - left)
            for top, bottom in itertools.combinations(range(10), 2)
            for left, right in itertools.combinations(range(12), 2)
            if inside[top:bottom, left:right].all()
        ]
        found = inside[masks.rectangle(inside)]
        assert found.all() and found.size == max(sizes)
    assert inside[masks.rectangle(np.zeros((4, 5), bool))].size == 0
