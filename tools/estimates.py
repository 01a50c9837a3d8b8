"""How well runs are predicted: the seconds that a plan names, and those that the run takes.

    python -m tools.estimates

Both count from the first evaluation, when the graphs are built. The last column should be between
1 / 1.5 and 1.5.
"""

import pathlib
import time

from absl import app

from tfstyle import device
from tfstyle.run import Run
from tfstyle.settings import StylizeSettings, TextureSettings

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"
STYLIZE = {"content": EXAMPLES / "photos/chelsea.jpg", "style": EXAMPLES / "styles/strokes.jpg"}
TEXTURE = {"style": EXAMPLES / "textures/pebbles.jpg"}
RUNS = {
    "stylize, 512 px": (StylizeSettings(evaluations=90), STYLIZE),
    "stylize by adam and mean_covariance, 384 px": (
        StylizeSettings(
            size=384, evaluations=60, statistic="mean_covariance", optimizer="adam", scales=1
        ),
        STYLIZE,
    ),
    "stylize in blocks, 1024 px": (
        StylizeSettings(size=1024, evaluations=12, memory="1.9GB", scales=1),
        STYLIZE,
    ),
    "texture by gaussian_w2, 256 px": (
        TextureSettings(size=256, evaluations=40, statistic="gaussian_w2"),
        TEXTURE,
    ),
    "texture by sliced_wasserstein, 256 px": (
        TextureSettings(size=256, evaluations=60, statistic="sliced_wasserstein"),
        TEXTURE,
    ),
    "texture by the discriminator, 256 px": (
        TextureSettings(size=256, evaluations=60, statistic="discriminator"),
        TEXTURE,
    ),
    "stylize by channel_moments in float32, 384 px": (
        StylizeSettings(size=384, evaluations=60, statistic="channel_moments", precision="float32"),
        STYLIZE,
    ),
}


def main(_) -> None:
    print("| run | predicted s | taken s | predicted / taken |\n|---|---|---|---|")
    for name, (settings, pictures) in RUNS.items():
        predicted, taken = measure(settings, pictures)
        print(f"| {name} | {predicted:.1f} | {taken:.1f} | {predicted / taken:.2f} |", flush=True)


def measure(settings, pictures) -> tuple[float, float]:
    """Seconds that were predicted and taken, from the first evaluation on."""
    run = Run(settings, **pictures)
    next(run)
    plan = run.plan
    predicted = plan.seconds(device.speed(plan.precision), device.speed("float32"))
    first = next(run)
    began = time.perf_counter()
    for _ in run:
        pass
    return predicted * (1 - first.fraction), time.perf_counter() - began


if __name__ == "__main__":
    app.run(main)
