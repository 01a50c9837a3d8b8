"""Pictures made from another picture's statistics."""

import importlib

from tfstyle.api import apply, frame, invert, stylize, synthesize_texture, train
from tfstyle.checkpoint import Checkpoint
from tfstyle.evaluation.comparison import compare
from tfstyle.outcome import Outcome
from tfstyle.run import Run
from tfstyle.steps import Result, Step

__version__ = "0.2.0"
__all__ = [
    "Checkpoint",
    "Outcome",
    "Result",
    "Run",
    "Step",
    "Stylizer",
    "apply",
    "compare",
    "frame",
    "invert",
    "stylize",
    "synthesize_texture",
    "train",
]


def __getattr__(name: str):
    """Imports what needs TensorFlow only when it is used."""
    if name == "Stylizer":
        return importlib.import_module("tfstyle.serving.module").Stylizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
