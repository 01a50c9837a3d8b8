"""Pictures made from another picture's statistics: style transfer, textures, inversion.

::

    result = tfstyle.stylize("photo.jpg", "painting.jpg", size=512)
    tfstyle.images.save("painted.png", result.image)

Functions for one picture: `stylize`, `synthesize_texture`, `invert` and `frame`; `compare` sets
results side by side. `Run` is a run step by step, with checkpoints. `Stylizer` is the whole of it
as a TensorFlow module, `keras.StyleLoss` the loss as a Keras layer. `images` reads and writes
pictures, `settings` has all that can be asked for.
"""

import importlib

from tfstyle import images, native_log, settings
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
    "images",
    "invert",
    "keras",
    "native_log",
    "settings",
    "stylize",
    "synthesize_texture",
    "train",
]


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def __getattr__(name: str):
    """Imports what needs TensorFlow only when it is used."""
    if name == "Stylizer":
        return importlib.import_module("tfstyle.serving.module").Stylizer
    if name == "keras":
        return importlib.import_module("tfstyle.keras")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
