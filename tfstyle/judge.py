"""How near pictures are to a style: in every statistic, and by a judge that was not optimised.

The judge looks at other layers than the losses usually do, with a statistic that is no style loss
here: the kernel distance of Gretton et al. (2012), which knows all of a distribution.
"""

import numpy as np

from tfstyle import features as feature_networks
from tfstyle import statistics as style_statistics

JUDGE_LAYERS = ("block1_conv2", "block2_conv2", "block3_conv4", "block4_conv4")
POSITIONS = 1024  # feature vectors compared, at each layer


def distances(image, styles, network, layer_weights) -> dict:
    """Relative distance to a style in every statistic, `{name: number}`, as `StyleLoss` has it.

    Args:
        image: picture `[1, H, W, 3]` in [0, 1].
        styles: list of (picture at the scale at which it was looked at, its part in the blend).
        network: feature network, image -> `{layer: activations}`.
        layer_weights: `{layer: weight}`.
    """
    from tfstyle import losses, targets

    result = {}
    for name in style_statistics.STATISTICS:
        statistic = style_statistics.get(name)
        target = targets.measure(network, statistic, None, styles, (), tuple(layer_weights))
        loss = losses.StyleLoss(statistic, layer_weights)
        result[name] = float(loss(network(image), target.style))
    return result


def judge(image, styles, avoid=(), look=feature_networks.get) -> float:
    """Mean kernel distance between the features of a picture and those of its style.

    Always by the compact network, in float32, at layers that have no part in the default losses.

    Args:
        image, styles: see `distances`.
        avoid: layers that were optimised, at which it does not look.
        look: `tfstyle.features.get`, or what remembers its networks.

    Returns:
        The distance; about 0 where the features are distributed alike.
    """
    layers = tuple(layer for layer in JUDGE_LAYERS if layer not in avoid)
    network = look("vgg19_compact", layers, precision="float32")
    seen = _samples(network, image, POSITIONS)
    parts = [_samples(network, picture, round(part * POSITIONS)) for picture, part in styles]
    target = {layer: np.concatenate([part[layer] for part in parts]) for layer in seen}
    return float(np.mean([kernel_distance(seen[layer], target[layer]) for layer in seen]))


def _samples(network, picture, count):
    """Feature vectors at `count` random positions, or all, `{layer: [n, C]}`."""
    samples = {}
    for layer, features in network(picture).items():
        rows = np.reshape(features, (-1, features.shape[-1]))
        samples[layer] = rows[np.random.default_rng(0).permutation(len(rows))[:count]]
    return samples


def kernel_distance(samples, target):
    """Unbiased squared maximum mean discrepancy (Gretton et al. 2012, equation 3).

    Args:
        samples, target: feature vectors `[n, C]`, `[m, C]`, n and m at least 2.

    Returns:
        A float around 0 for equal distributions, at most 2. The kernel is Gaussian; its bandwidth
        is the median distance of `target`'s vectors.
    """
    samples, target = np.asarray(samples, np.float64), np.asarray(target, np.float64)
    within = _squared_distances(target, target)
    bandwidth = np.median(within[~np.eye(len(target), dtype=bool)]) or 1.0

    def kernel(squared):
        return np.exp(-squared / bandwidth)

    def without_diagonal(squared):
        count = len(squared)
        return (kernel(squared).sum() - count) / (count * (count - 1))

    across = kernel(_squared_distances(samples, target)).mean()
    return (
        without_diagonal(_squared_distances(samples, samples))
        + without_diagonal(within)
        - 2 * across
    )


def _squared_distances(a, b):
    squares = (a**2).sum(1)[:, np.newaxis] + (b**2).sum(1) - 2 * a @ b.T
    return np.maximum(squares, 0)
