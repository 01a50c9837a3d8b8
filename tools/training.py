"""What the trainings of networks share: relative errors, and weights in half precision."""

import numpy as np
from keras import ops

from tfstyle.features import weights


def energy(x):
    """Sum of the squares, for each of a batch."""
    return ops.sum(ops.square(ops.cast(x, "float32")), tuple(range(1, len(x.shape))))


def relative_error(a, b, floor=1e-6):
    """Squared error of `a` over the squared size of `b`, for each of a batch."""
    a, b = ops.cast(a, "float32"), ops.cast(b, "float32")
    return energy(a - b) / (energy(b) + floor)


def save(models, path) -> None:
    """In half precision: it rounds to an eighth of a step of bfloat16, used in the arithmetic."""
    arrays = {}
    for model in models:
        for layer, parts in weights.from_keras(model).items():
            for name, part in zip(("kernel", "bias"), parts):
                arrays[f"{layer}/{name}"] = np.float16(part)
    np.savez_compressed(path, **arrays)
