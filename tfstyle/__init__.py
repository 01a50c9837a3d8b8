"""Pictures made from another picture's statistics."""

import importlib

from tfstyle.comparison import compare
from tfstyle.synthesis import invert, stylize, synthesize_texture

__version__ = "0.1.0"
__all__ = ["Result", "Stylizer", "compare", "invert", "stylize", "synthesize_texture"]
_LAZY = {"Result": "tfstyle.optimizers.base", "Stylizer": "tfstyle.stylizer"}


def __getattr__(name):
    """Imports what needs TensorFlow only when it is used."""
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
