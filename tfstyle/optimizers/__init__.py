"""Optimisers of an image, all behind one `minimize` (see `tfstyle.optimizers.base`)."""

from tfstyle import registry

OPTIMIZERS = {
    "lbfgs": "tfstyle.optimizers.lbfgs:LBFGS",
    "tfp_lbfgs": "tfstyle.optimizers.tfp_lbfgs:TFPLBFGS",
    "adam": "tfstyle.optimizers.adam:Adam",
}


def get(identifier):
    """The optimiser of that name, or the object given (see `tfstyle.optimizers.base.Optimizer`)."""
    optimizer = registry.get(OPTIMIZERS, identifier, "optimizer")
    return optimizer() if isinstance(optimizer, type) else optimizer
