"""Matching a statistic finds the nearest member of an exponential family: the numerical check.

    python -m tools.theory --picture=examples/textures/pebbles.jpg --figure=docs/images/theory.png

Takes feature vectors of a picture, fits a rich distribution P to them, and for each of three
statistics T scans KL(P || Q) around the model Q with E_Q[T] = E_P[T], and lets gradient descent
find it. Prints the tables of docs/theory.md, which explains and proves what is seen, and draws its
figure (needs matplotlib). tests/test_theory.py tests the same functions.
"""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from absl import app, flags

from tfstyle import features, images
from tfstyle.features.architectures import VGG19
from tfstyle.settings.choices import GATYS_LAYERS
from tools.exponential_families import FAMILIES, outer

tfd = tfp.distributions

_PICTURE = flags.DEFINE_string("picture", "examples/textures/pebbles.jpg", "Whose features.")
_LAYER = flags.DEFINE_string("layer", "block3_conv1", "Layer of the compact network.")
_FIGURE = flags.DEFINE_string("figure", "theory.png", "Figure to write.")

CHANNELS = 5
SAMPLES = 5_000  # of P, for every expectation under it
STEPS = np.linspace(-0.6, 0.6, 25)  # of a scan; families are valid up to 0.7, see `directions`

# How many numbers a statistic keeps of a layer with c channels.
NUMBERS = {
    "mean": lambda c: c,
    "channel_moments": lambda c: 4 * c,
    "gram": lambda c: c * (c + 1) // 2,
    "mean_covariance": lambda c: c + c * (c + 1) // 2,
}


# Feature vectors, and the distribution P that stands for them.


def feature_vectors(picture, layer):
    """The `CHANNELS` most active channels at all positions, float64 `[N, C]`.

    Each channel is divided by its mean: KL does not depend on units, and optimisers like it.
    """
    network = features.get("vgg19_compact", [layer], precision="float32")
    maps = network(images.load(picture))[layer]
    vectors = np.reshape(maps, [-1, maps.shape[-1]]).astype(np.float64)
    active = np.argsort(-vectors.mean(0))[:CHANNELS]
    return vectors[:, active] / vectors[:, active].mean(0)


def reference(vectors, components=16, seed=0):
    """P: a mixture of products of gamma distributions, fitted to vectors `[N, C]`.

    Each cluster of vectors becomes a component with its mean and variance in every channel. So P
    has the mean and variances of all vectors, and their correlations as far as the clusters carry
    them. No logarithm is taken, so that exact zeros (a ReLU makes many) may stay: a channel that is
    often zero in a cluster gets a density that is high near zero. The floors keep it a density
    where the channel is always zero.
    """
    labels = _clusters(vectors, components, np.random.default_rng(seed))
    groups = [vectors[labels == index] for index in range(components)]
    mean = np.maximum([group.mean(0) for group in groups], 0.02)
    deviation = np.clip([group.std(0) for group in groups], 0.02, 2 * mean)
    shape = (mean / deviation) ** 2
    return tfd.MixtureSameFamily(
        tfd.Categorical(probs=np.bincount(labels) / len(labels)),
        tfd.Independent(tfd.Gamma(shape, rate=shape / mean), 1),
    )


def _clusters(vectors, count, rng, rounds=20):
    """Labels `[N]` of k-means that starts from random vectors."""
    centres = rng.choice(vectors, count, replace=False)
    for _ in range(rounds):
        labels = np.argmin(((vectors[:, None] - centres) ** 2).sum(-1), axis=1)
        centres = np.stack([vectors[labels == index].mean(0) for index in range(count)])
    return labels


def mixture_moments(mixture):
    """Mean `[C]` and second moments `[C, C]` of a mixture of products, in closed form."""
    weights = mixture.mixture_distribution.probs_parameter()
    mean = mixture.components_distribution.mean()
    variance = mixture.components_distribution.variance()
    second = outer(mean) + tf.linalg.diag(variance)
    return tf.einsum("k,ki->i", weights, mean), tf.einsum("k,kij->ij", weights, second)


# KL(P || Q) as a function of Q's parameters.


def divergence(model, x, log_p=0.0):
    """KL(P || model) from samples x `[n, C]` of P and their log p; without, the cross entropy."""
    return tf.reduce_mean(log_p - model.log_prob(x))


def derivatives(family, natural, x):
    """Gradient `[size]` and Hessian `[size, size]` of KL in the natural parameters."""
    with tf.GradientTape() as second:
        second.watch(natural)
        with tf.GradientTape() as first:
            first.watch(natural)
            loss = divergence(family.model(natural), x)
        gradient = first.gradient(loss, natural)
    return gradient, second.jacobian(gradient, natural)


def directions(hessian, count, seed=0):
    """Random directions u `[count, size]` with u^T hessian u = 1: KL grows as t^2 / 2 along each.

    So they differ in no more than their third derivatives, whatever the units. And a step t moves
    no rate, and no eigenvalue of a precision, by more than sqrt(2) |t| times its matched value: for
    |t| < 0.7 every family stays valid.
    """
    normal = np.random.default_rng(seed).standard_normal([count, len(hessian)])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    return np.linalg.solve(np.linalg.cholesky(hessian).T, normal.T).T


def scan(family, natural, ways, x, log_p=0.0):
    """KL(P || Q) `[count, len(STEPS)]` at natural + t u for u in `ways`, t in `STEPS`."""
    at = tf.function(lambda natural: divergence(family.model(natural), x, log_p))
    return np.array([[at(natural + step * way) for step in STEPS] for way in ways])


def descend(family, x, steps=400):
    """Gradient descent (Adam) on the cross entropy, from a wrong member.

    Returns:
        E_Q[T] before and after every step, `[steps + 1, size]`.
    """
    parameters = keras.Variable(np.full(family.size, 0.5), dtype="float64")
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.05, steps))
    optimizer.build([parameters])

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = divergence(family.free(parameters.value), x)
        optimizer.apply([tape.gradient(loss, parameters.value)])
        return family.expectation(family.free(parameters.value))

    start = family.expectation(family.free(parameters.value))
    return np.stack([start, *(step() for _ in range(steps))])


# What is shown.


class Check(NamedTuple):
    """What one family's check gives.

    Attributes:
        divergence: KL(P || Q) at the match.
        error: its standard error, from the number of samples.
        real: cross entropy of the feature vectors and the model matched to them, without P.
        scan: KL `[count, len(STEPS)]` around the match.
        descent: largest error of E_Q[T] before and after every step of descent.
    """

    divergence: float
    error: float
    real: float
    scan: np.ndarray
    descent: np.ndarray


def matched(family, x):
    """Natural parameters `[size]` of the member that has the moments of x `[n, C]`."""
    return family.match(tf.reduce_mean(family.statistic(x), axis=0))


def check(family, vectors, x, log_p, count=8):
    """Matches the family to samples x `[n, C]` of P, scans `count` directions, descends."""
    natural = matched(family, x)
    model = family.model(natural)
    ratio = log_p - model.log_prob(x)
    _, hessian = derivatives(family, natural, x)
    return Check(
        divergence=float(np.mean(ratio)),
        error=float(np.std(ratio) / len(ratio) ** 0.5),
        real=float(divergence(family.model(matched(family, vectors)), vectors)),
        scan=scan(family, natural, directions(hessian.numpy(), count), x, log_p),
        descent=np.abs(descend(family, x) - family.expectation(model)).max(1),
    )


def numbers_table() -> str:
    """Markdown: how many numbers each statistic keeps of the style layers of VGG19."""
    rows = [["statistic", *GATYS_LAYERS, "all"], ["---"] * 7]
    for name, numbers in NUMBERS.items():
        counts = [numbers(width) for width in VGG19.widths]
        rows.append([f"`{name}`", *(f"{count:,}" for count in [*counts, sum(counts)])])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def checks_table(checks) -> str:
    """Markdown: what came out for each family."""
    rows = [
        "| statistic | numbers | KL(P‖Q) at the match | above it on the scans "
        "| error after descent | cross entropy of the vectors |",
        "|---|---|---|---|---|---|",
    ]
    for name, result in checks.items():
        away = np.delete(result.scan, len(STEPS) // 2, axis=1) - result.divergence
        rows.append(
            f"| `{name}` | {NUMBERS[name](CHANNELS)} "
            f"| {result.divergence:.2f} ± {result.error:.2f} "
            f"| {away.min():.4f} to {away.max():.4f} | {result.descent[-1]:.0e} "
            f"| {result.real:.2f} |"
        )
    return "\n".join(rows)


COLOURS = {"mean": "#1b7f4d", "gram": "#c4541a", "mean_covariance": "#2a5fa8"}
MODELS = {
    "mean": "product of exponentials",
    "gram": "Gaussian of mean zero",
    "mean_covariance": "Gaussian",
}


def draw(vectors, mixture, checks, path):
    """Writes the figure: P and the models in two channels above, the checks of all below."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 6.9), layout="constrained")
    above, below = figure.subplots(2, 4)
    _draw_reference(above[0], vectors, mixture)
    for axes, (name, result) in zip(above[1:], checks.items()):
        _draw_model(axes, FAMILIES[name](2), vectors[:, :2], COLOURS[name])
        axes.set_title(f"{name}: {MODELS[name]}\nKL(P‖Q) = {result.divergence:.1f} (5 channels)")
    for axes in above:
        axes.set(xlim=(-2, 4), ylim=(-1.6, 3), aspect="equal", xlabel="first channel")
        axes.axhline(0, color="0.6", linewidth=0.8, zorder=0)
        axes.axvline(0, color="0.6", linewidth=0.8, zorder=0)
    above[0].set_ylabel("second channel")
    _draw_descents(below[0], checks)
    for axes, (name, result) in zip(below[1:], checks.items()):
        axes.plot(STEPS, (result.scan - result.divergence).T, color=COLOURS[name], alpha=0.6)
        axes.plot(STEPS, STEPS**2 / 2, "--", color="black", linewidth=1.2, label="t² / 2")
        axes.set(title="KL(P‖Q) around the match", xlabel="step t", ylim=(-0.01, 0.31))
        axes.legend(frameon=False, loc="upper center")
    below[1].set_ylabel("above KL at the match")
    figure.savefig(path, dpi=100)


def _draw_vectors(axes, vectors, colour, label=None, count=1500):
    some = vectors[np.random.default_rng(0).choice(len(vectors), count, replace=False)]
    axes.plot(some[:, 0], some[:, 1], ".", color=colour, markersize=2.2, label=label, zorder=1)


def _draw_reference(axes, vectors, mixture):
    _draw_vectors(axes, vectors, "0.35", "feature vectors")
    fitted = mixture.sample(1500, seed=(0, 2)).numpy()
    _draw_vectors(axes, fitted, "#c03a9c", "samples of P", count=750)
    axes.set_title("P: mixture of products\nof gamma distributions")
    axes.legend(loc="lower right", markerscale=4, frameon=False)


def _draw_model(axes, family, vectors, colour):
    """Vectors `[n, 2]`, and the regions that hold half and nine tenths of the matched model."""
    _draw_vectors(axes, vectors, "0.35")
    model = family.model(matched(family, vectors))
    levels = np.quantile(model.prob(model.sample(20_000, seed=(0, 3))), [0.1, 0.5])
    across, up = np.meshgrid(np.linspace(-4, 6, 501), np.linspace(-4, 6, 501))
    density = model.prob(np.stack([across, up], axis=-1)).numpy()
    axes.contourf(across, up, density, [*levels, np.inf], colors=[colour], alpha=0.18)
    axes.contour(across, up, density, levels, colors=[colour], linewidths=1.5)


def _draw_descents(axes, checks):
    for name, result in checks.items():
        axes.semilogy(result.descent, color=COLOURS[name], label=name)
    axes.set(title="gradient descent", xlabel="steps", ylabel="largest error of E[T]")
    axes.legend(frameon=False)


def main(_) -> None:
    vectors = feature_vectors(_PICTURE.value, _LAYER.value)
    mixture = reference(vectors)
    x = mixture.sample(SAMPLES, seed=(0, 1))
    log_p = mixture.log_prob(x)
    checks = {name: check(family(CHANNELS), vectors, x, log_p) for name, family in FAMILIES.items()}
    zeros = ", ".join(f"{part:.0%}" for part in (vectors == 0).mean(0))
    print(f"{numbers_table()}\n\n{len(vectors):,} vectors; exact zeros in the channels: {zeros}\n")
    print(checks_table(checks))
    draw(vectors, mixture, checks, _FIGURE.value)


if __name__ == "__main__":
    app.run(main)
