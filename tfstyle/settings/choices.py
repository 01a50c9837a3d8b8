"""Headings of the help, names to choose from, and the tables of defaults."""

from tfstyle import images
from tfstyle.settings.base import setting

PICTURES, FILES, LOSSES = "Pictures", "Files", "Losses"
NETWORK, OPTIMISATION = "Network", "Optimisation"
FRAME, MESSAGES = "Random field, for tfstyle frame", "Messages"
TRAINING, WEB = "Training, for tfstyle train", "Page, for tfstyle web"
SERVE = "Server, for tfstyle serve"
# Headings of the help, in order.
GROUPS = (
    PICTURES,
    FILES,
    "Jobs",
    "Comparison",
    LOSSES,
    FRAME,
    TRAINING,
    "Sliced Wasserstein, for --statistic=sliced_wasserstein",
    "Portilla & Simoncelli, for --statistic=portilla_simoncelli",
    "Discriminator, for --statistic=discriminator",
    NETWORK,
    OPTIMISATION,
    "L-BFGS, for --optimizer=lbfgs",
    "TensorFlow Probability's L-BFGS, for --optimizer=tfp_lbfgs",
    "Adam, for --optimizer=adam",
    WEB,
    SERVE,
    MESSAGES,
)
SLICED, PORTILLA, DISCRIMINATOR, LBFGS, TFP_LBFGS, ADAM = (
    next(group for group in GROUPS if group.endswith(f"={name}"))
    for name in (
        *("sliced_wasserstein", "portilla_simoncelli", "discriminator"),
        *("lbfgs", "tfp_lbfgs", "adam"),
    )
)

POOLING = ("average", "max")
PADDING = ("reflect", "zeros")
TILE = ("x", "y", "xy")
COLOR = ("style", "keep", "match", "luminance")
PRECISION = ("auto", "float32", "bfloat16")
PORTILLA_FAMILIES = ("nothing", "marginals", "correlation", "magnitude", "phase", "colour")
LOGIT_FEATURES = ("linear", "quadratic")
IMAGE_LOSSES = ("non_saturating", "minimax", "confusion", "least_squares")
GATYS_LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")
# Weight of the style layer `pixels`, of all others: 1. A twentieth is enough against a mesh, and
# leaves the rows of bricks to deeper layers; a photograph has grain of its own that must go.
PIXELS_ALONE, PIXELS_BESIDE_CONTENT = 0.05, 0.5
# Defaults that depend on what is matched: of statistics in closed form, and of what learns.
MATCHED = {
    "features": "vgg19_narrow",
    "style_layers": ("pixels", *GATYS_LAYERS),
    "content_layers": ("block3_conv1", "block4_conv2"),
    "style_weight": 30.0,
    "statistic": "gaussian_w2",
    "optimizer": "lbfgs",
    "lbfgs_history": 10,
}
# As in Gatys et al. (2016), for --statistic=gram.
GATYS = {
    "features": "vgg19_compact",
    "style_layers": GATYS_LAYERS,
    "content_layers": ("block4_conv2",),
    "style_weight": 100.0,
}
LEARNED = MATCHED | GATYS | {"optimizer": "adam"}
# Of the steerable pyramid, and of the statistic that takes the picture apart by itself.
PYRAMID_BANDS = ("highpass", "scale1", "scale2", "scale3", "scale4", "lowpass")
PYRAMID = MATCHED | {
    "features": "steerable_pyramid",
    "style_layers": PYRAMID_BANDS,
    "content_layers": ("scale2", "scale3", "scale4", "lowpass"),
    "statistic": "portilla_simoncelli",
}
PORTILLA_SIMONCELLI = PYRAMID | {"style_layers": ("image",), "lbfgs_history": 100}
# Of textures. No content holds shapes in place, so that two layers of each block are matched: rows
# are straighter, stones smoother, for 7 % more time. The joint statistics take longer, and errors
# of a hundredth are less than what is left where the picture is made smoother.
TEXTURE = {"evaluations": 300, "tv_weight": 0.001}
TWO_A_BLOCK = tuple(f"block{block}_conv{index}" for block in range(1, 5) for index in (1, 2))
MATCHED_TEXTURE = TEXTURE | {"style_layers": ("pixels", *TWO_A_BLOCK, "block5_conv1")}
JOINT_TEXTURE = {"evaluations": 1200, "tv_weight": 0.0}
SAMPLERS = ("gibbs", "langevin")
METHODS = ("optimization", "network", "both")
PAINTERS = ("optimization", "transport")
LARGEST_SIDE = int(images.MAX_PIXELS**0.5)
MAX_EVALUATIONS = 1_000_000


def of_statistic(name, kind, help, group):
    """A setting of which the default is found in the tables above."""
    values = kind.write(MATCHED[name]), kind.write(LEARNED[name])
    return setting(
        None, kind, "{}; default: {}, for the discriminator {}".format(help, *values), group
    )


def of_lbfgs(default, kind, help):
    return setting(default, kind, help, LBFGS, of=("optimizer", "lbfgs"))


def of_tfp_lbfgs(default, kind, help):
    return setting(default, kind, help, TFP_LBFGS, of=("optimizer", "tfp_lbfgs"))


def of_adam(default, kind, help):
    return setting(default, kind, help, ADAM, of=("optimizer", "adam"))


def of_sliced(default, kind, help):
    return setting(default, kind, help, SLICED, of=("statistic", "sliced_wasserstein"))


def of_portilla(default, kind, help):
    return setting(default, kind, help, PORTILLA, of=("statistic", "portilla_simoncelli"))


def of_discriminator(default, kind, help):
    return setting(default, kind, help, DISCRIMINATOR, of=("statistic", "discriminator"))
