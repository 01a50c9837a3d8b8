"""Plots the accuracy of the discriminator over runs with different seeds.

    python -m tools.discriminator_figure --style=examples/textures/pebbles.jpg --plot=FILE.png

One half means that image and style cannot be told apart. Needs matplotlib.
"""

import numpy as np
from absl import app, flags

import tfstyle

_STYLE = flags.DEFINE_string("style", "examples/textures/pebbles.jpg", "Texture.")
_PLOT = flags.DEFINE_string("plot", "discriminator.png", "Figure to write.")
_SEEDS = flags.DEFINE_integer("seeds", 5, "Runs.", lower_bound=1)
_SIDE = flags.DEFINE_integer("side", 256, "Side of the textures in pixels.", lower_bound=32)
SMOOTH = 5  # evaluations


def main(argv):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3.5), layout="constrained")
    for seed in range(_SEEDS.value):
        result = tfstyle.synthesize_texture(
            _STYLE.value, statistic="discriminator", size=_SIDE.value, seed=seed
        )
        evaluation, _, accuracy = result.losses.T
        last = accuracy[-SMOOTH:].mean()
        print(f"seed {seed}: {result.outcome.value}, accuracy at the end {last:.3f}")
        smooth = np.convolve(accuracy, np.ones(SMOOTH) / SMOOTH, "valid")
        axes.plot(evaluation[SMOOTH - 1 :], smooth, label=f"seed {seed}", linewidth=1)
    axes.axhline(0.5, color="black", linestyle="--", linewidth=0.8)
    axes.set(xlabel="evaluations", ylabel="accuracy of the discriminators", ylim=(0.45, 1))
    axes.legend(loc="lower left", ncols=3)
    figure.savefig(_PLOT.value, dpi=110)


if __name__ == "__main__":
    app.run(main)
