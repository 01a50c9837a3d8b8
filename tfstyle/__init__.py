"""Pictures made from another picture's statistics."""

import importlib

from tfstyle.comparison import compare
from tfstyle.synthesis import invert, stylize, synthesize_texture

__version__ = "0.1.0"
__all__ = ["Result", "compare", "invert", "stylize", "synthesize_texture"]


def __getattr__(name):
    """Imports what needs TensorFlow only when it is used."""
    if name == "Result":
        return importlib.import_module("tfstyle.optimizers.base").Result
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
