"""The targets of large pictures, measured block by block."""

import tensorflow as tf

from tfstyle import targets
from tfstyle.blocks.block import Block, counts_of, means_of, sums_of
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


def style(network, statistic, styles, layers, seed, grid: Grid | None, weights=None) -> dict:
    """What is remembered of styles, `{layer: nest}`; with a grid block by block, if it `mixes`.

    Args:
        styles: list of (picture `[1, H, W, 3]` in [0, 1], part in the blend).
        seed: of what the statistic draws.
        weights: of the positions of each style, see `tfstyle.targets.style`.
    """
    if grid is None:
        return targets.style(network, statistic, styles, layers, seed, weights)
    seen = [
        _statistics(network, statistic, picture, layers, grid, each)
        for (picture, _), each in zip(styles, weights or [{}] * len(styles))
    ]
    parts = [part for _, part in styles]
    return {
        layer: statistic.prepared(blend([each[layer] for each in seen], parts)) for layer in layers
    }


def _statistics(network, statistic, picture, layers, grid, weights):
    shape = picture.shape[1:3]
    whole = None
    for number in range(int(grid.count(shape[0]) * grid.count(shape[1]))):
        block = Block.of(grid, number, tf.constant(shape))
        own, mask = _own(network, block, picture, layers), block.parts(weights)
        here = sums_of(statistic, own, mask), counts_of(own, mask)
        whole = tf.nest.map_structure(tf.add, whole, here) if whole else here
    means = means_of(*whole)
    return {layer: nest[0] for layer, nest in means.items()} if weights else means


def _own(network, block, picture, layers):
    features = network(block.cut(picture))
    return {layer: block.own(features, layer) for layer in layers}
