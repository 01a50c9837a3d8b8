"""Checks of arguments. A message begins with the argument's name: it is that of the flag, too."""

import math
import numbers


def number(name, value, lowest=0, highest=math.inf):
    """A finite number from `lowest` to `highest`."""
    if isinstance(value, numbers.Real) and math.isfinite(value) and lowest <= value <= highest:
        return
    limits = f"of at least {lowest}" if highest == math.inf else f"from {lowest} to {highest}"
    raise ValueError(f"{name}: expected a number {limits}, received {value!r}")


def integer(name, value, lowest, highest=None):
    """An integer from `lowest` to `highest`."""
    if isinstance(value, numbers.Integral) and lowest <= value <= (highest or value):
        return
    limits = f"of at least {lowest}" if highest is None else f"from {lowest} to {highest}"
    raise ValueError(f"{name}: expected an integer {limits}, received {value!r}")


def choice(name, value, choices):
    """One of the names `choices`."""
    if not isinstance(value, str) or value not in choices:  # an array has no truth value
        raise ValueError(f"{name}: expected one of {', '.join(choices)}, received {value!r}")


def layer_names(name, layers):
    """A list or tuple of different names, at least one."""
    if not isinstance(layers, (list, tuple)) or not layers or len(set(layers)) < len(layers):
        raise ValueError(f"{name}: expected a list of different layer names, received {layers!r}")


def weights(name, values, count, things) -> list[float]:
    """One number >= 0 for each of `count` things, not all 0; `None` means that all are equal."""
    if values is None:
        return [1.0] * count
    if isinstance(values, numbers.Real):
        values = [values]
    if len(values) != count:
        raise ValueError(
            f"{name}: expected one for each of the {count} {things}, received {len(values)}"
        )
    for value in values:
        number(name, value)
    if not sum(values) > 0:
        raise ValueError(f"{name}: expected at least one above 0, received only 0")
    return [float(value) for value in values]
