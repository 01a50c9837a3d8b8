"""The targets of large pictures, measured block by block."""

import tensorflow as tf

from tfstyle import targets
from tfstyle.blocks.block import Block, positions_of, sums_of
from tfstyle.blocks.grid import Grid
from tfstyle.statistics.base import blend


def activations(network, picture, layers, grid: Grid | None) -> dict:
    """The activations of a picture, `{layer: [1, h, w, C]}`; with a grid block by block."""
    if not layers:
        return {}
    if grid is None:
        return targets.activations(network, picture, layers)
    shape = picture.shape[1:3]
    down, across = (int(grid.count(length)) for length in shape)
    rows = []
    for first in range(0, down * across, across):
        row = [Block.of(grid, first + number, tf.constant(shape)) for number in range(across)]
        seen = [_own(network, block, picture, layers) for block in row]
        rows.append({layer: tf.concat([own[layer] for own in seen], axis=2) for layer in layers})
    return {layer: tf.concat([row[layer] for row in rows], axis=1) for layer in layers}


def style(network, statistic, styles, layers, seed, grid: Grid | None) -> dict:
    """What is remembered of styles, `{layer: nest}`; with a grid block by block, if it `mixes`.

    Args:
        styles: list of (picture `[1, H, W, 3]` in [0, 1], part in the blend).
        seed: of what the statistic draws.
    """
    if grid is None:
        return targets.style(network, statistic, styles, layers, seed)
    seen = [_statistics(network, statistic, picture, layers, grid) for picture, _ in styles]
    parts = [part for _, part in styles]
    return {
        layer: statistic.prepared(blend([each[layer] for each in seen], parts)) for layer in layers
    }


def _statistics(network, statistic, picture, layers, grid):
    shape = picture.shape[1:3]
    sums, positions = None, dict.fromkeys(layers, 0.0)
    for number in range(int(grid.count(shape[0]) * grid.count(shape[1]))):
        own = _own(network, Block.of(grid, number, tf.constant(shape)), picture, layers)
        here = sums_of(statistic, own)
        sums = tf.nest.map_structure(tf.add, sums, here) if sums else here
        positions = {layer: positions[layer] + positions_of(part) for layer, part in own.items()}
    return {layer: blend([sums[layer]], [1 / positions[layer]]) for layer in layers}


def _own(network, block, picture, layers):
    features = network(block.cut(picture))
    return {layer: block.own(features, layer) for layer in layers}
