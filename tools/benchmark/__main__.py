"""Measures what the library costs on this machine, beside what the machine can do.

    python -m tools.benchmark --output=DIR
    python -m tools.benchmark --sections=peak,evaluation --sizes=256

Every section prints a Markdown table, ratios first, and with --output also writes
DIR/SECTION.csv and DIR/SECTION.png (needs matplotlib). Where PyTorch is installed, it does the
same work beside.

VGG19 runs with random weights unless --weights names a file. They cost what trained ones cost, but
a loss that falls says nothing: the sections convergence and reference leave it out then.
"""

import importlib
import pathlib

from absl import app, flags

from tfstyle import features
from tools.benchmark import report
from tools.benchmark.settings import Settings

SECTIONS = {
    "peak": "the fastest convolution",
    "evaluation": "one evaluation of the loss and its gradient",
    "criteria": "one evaluation with each statistic",
    "overhead": "what the optimiser adds to the evaluations",
    "convergence": "the loss that every optimiser reaches, against evaluations and seconds",
    "memory": "peak memory of a process",
    "startup": "from the command to the first evaluation",
    "reference": "the same objective in PyTorch, as other programs minimise it",
}

_SECTIONS = flags.DEFINE_list("sections", list(SECTIONS), "What to measure.")
_SIZES = flags.DEFINE_list("sizes", None, "Sides in pixels; default: those of each section.")
_FEATURES = flags.DEFINE_list("features", list(features.FEATURES), "Networks.")
_WEIGHTS = flags.DEFINE_string("weights", None, "File with VGG19's weights; default: random.")
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Runs of which medians are taken.", lower_bound=1)
_EVALUATIONS = flags.DEFINE_integer(
    "evaluations", 300, "Of each run in convergence and reference.", lower_bound=2
)
_OUTPUT = flags.DEFINE_string("output", None, "Folder for tables as CSV, and for plots.")

for _known, _flag in ((SECTIONS, _SECTIONS), (features.FEATURES, _FEATURES)):
    flags.register_validator(
        _flag,
        lambda names, known=_known: set(names) <= set(known),
        f"expected names out of {', '.join(_known)}",
    )
flags.register_validator(
    _SIZES,
    lambda sizes: all(size.isdigit() and int(size) >= 64 for size in sizes or ()),
    "expected numbers of pixels, at least 64",
)


def main(_) -> None:
    settings = Settings(
        sizes=_SIZES.value and tuple(map(int, _SIZES.value)),
        networks=tuple(_FEATURES.value),
        weights=_WEIGHTS.value,
        rounds=_ROUNDS.value,
        evaluations=_EVALUATIONS.value,
    )
    for name in _SECTIONS.value:
        section = importlib.import_module(f"tools.benchmark.{name}").measure(settings)
        print(f"\n## {name}: {SECTIONS[name]}\n\n{report.table(section)}", flush=True)
        if _OUTPUT.value:
            report.write(section, pathlib.Path(_OUTPUT.value), name)


if __name__ == "__main__":
    app.run(main)
