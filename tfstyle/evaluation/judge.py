"""What feature networks say: how near pictures are to a style, in every statistic and by a judge
that was not optimised, and how near to the content.

The judge looks at other layers than the losses usually do, with a statistic that is no style loss
here: the kernel distance of Gretton et al. (2012), which knows all of a distribution.
"""

import numpy as np

from tfstyle import features as feature_networks
from tfstyle import images
from tfstyle import statistics as style_statistics

CONTENT_LAYER = "block4_conv2"
JUDGE_LAYERS = ("block1_conv2", "block2_conv2", "block3_conv4", "block4_conv4")
POSITIONS = 16384  # feature vectors looked at, at each layer
PAIRS = 512  # of them, for the bandwidth
FREQUENCIES = 1024


def distances(image, styles, network, layer_weights) -> dict:
    """Relative distance to a style in every statistic, `{name: number}`, as `StyleLoss` has it.

    Args:
        image: picture `[1, H, W, 3]` in [0, 1].
        styles: list of (picture at the scale at which it was looked at, its part in the blend).
        network: feature network, image -> `{layer: activations}`.
        layer_weights: `{layer: weight}`.
    """
    from tfstyle import losses

    seen, beside = network(image), [network(picture) for picture, _ in styles]
    parts = [part for _, part in styles]
    result = {}
    for name in style_statistics.STATISTICS:
        statistic = style_statistics.get(name)
        target = {
            layer: statistic.target([features[layer] for features in beside], parts)
            for layer in layer_weights
        }
        result[name] = float(losses.StyleLoss(statistic, layer_weights)(seen, target))
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
    seen = _samples(network, image)
    target = [(_samples(network, picture), part) for picture, part in styles]
    return float(
        np.mean(
            [
                kernel_distance(seen[layer], [(samples[layer], part) for samples, part in target])
                for layer in layers
            ]
        )
    )


def content_distance(image, content, look=feature_networks.get) -> float:
    """Relative distance between the features of a picture and of its content, as `ContentLoss`.

    Always by the compact network, in float32, at block4_conv2 (Gatys et al. 2016), so that pictures
    can be compared that were made with others.

    Args:
        image: picture `[1, H, W, 3]` in [0, 1].
        content: picture of any size.
        look: see `judge`.

    Returns:
        0 where the features are the same, about 1 where they have nothing in common.
    """
    from tfstyle import losses

    network = look("vgg19_compact", (CONTENT_LAYER,), precision="float32")
    content = images.resize(content, *image.shape[1:3])
    return float(losses.ContentLoss()(network(image), network(content)))


def _samples(network, picture):
    """Feature vectors at random positions, or all, `{layer: [n, C]}`."""
    samples = {}
    for layer, features in network(picture).items():
        rows = np.reshape(features, (-1, features.shape[-1]))
        samples[layer] = rows[np.random.default_rng(0).permutation(len(rows))[:POSITIONS]]
    return samples


def kernel_distance(samples, target) -> float:
    """Unbiased squared maximum mean discrepancy with a Gaussian kernel (Gretton et al. 2012).

    The kernel is taken apart into random Fourier features (Rahimi & Recht 2007), which cost n, not
    n^2. Its bandwidth is the median squared distance within `target`.

    Args:
        samples: feature vectors `[n, C]`.
        target: list of (feature vectors `[m, C]`, part): a mixture; the parts add to 1.

    Returns:
        About 0 for equal distributions, at most 2.
    """
    rng = np.random.default_rng(0)
    some = np.concatenate([vectors[:PAIRS] for vectors, _ in target])
    squares = np.sum(some**2, axis=1)
    bandwidth = np.median(squares[:, np.newaxis] + squares - 2 * some @ some.T)
    frequencies = rng.standard_normal((some.shape[1], FREQUENCIES)) * np.sqrt(
        2 / (bandwidth + 1e-9)
    )
    here, here_squared = _embedding(samples, frequencies)
    parts = [(*_embedding(vectors, frequencies), part) for vectors, part in target]
    there = sum(part * mean for mean, _, part in parts)
    # What a mean's own square is too large by is known for each part of the mixture.
    excess = sum(part**2 * (mean @ mean - square) for mean, square, part in parts)
    return float(here_squared + there @ there - excess - 2 * here @ there)


def _embedding(vectors, frequencies):
    """Mean of the Fourier features of `[n, C]`, and the unbiased estimate of its square."""
    phases = vectors @ frequencies.astype(vectors.dtype)
    mean = np.concatenate([np.cos(phases).mean(0), np.sin(phases).mean(0)]).astype(np.float64)
    mean /= np.sqrt(frequencies.shape[1])
    return mean, (len(vectors) * mean @ mean - 1) / (len(vectors) - 1)
