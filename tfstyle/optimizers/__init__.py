"""Optimisers of an image, all behind one `minimize` (see `tfstyle.optimizers.base`)."""

from tfstyle import registry

OPTIMIZERS = {
    "lbfgs": "tfstyle.optimizers.lbfgs:LBFGS",
    "tfp_lbfgs": "tfstyle.optimizers.tfp_lbfgs:TFPLBFGS",
    "adam": "tfstyle.optimizers.adam:Adam",
}

LEARNING = {"alternating": "tfstyle.optimizers.alternating:Alternating"}


def get(identifier):
    """The optimiser of that name, or the object given (see `tfstyle.optimizers.base.Optimizer`)."""
    optimizer = registry.get(OPTIMIZERS, identifier, "optimizer")
    return optimizer() if isinstance(optimizer, type) else optimizer


def learning(inner, every):
    """`tfstyle.optimizers.alternating.Alternating`, for objectives that learn."""
    return registry.get(LEARNING, "alternating", "optimizer")(inner, every)
