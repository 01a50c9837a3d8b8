"""One evaluation with each statistic, by the settings that come with it, beside Gatys et al."""

from tfstyle import device, features, registry
from tfstyle.settings import StylizeSettings
from tools.benchmark import evaluation, problem, timing
from tools.benchmark.report import Section

SIZES = (512,)
REFERENCE = "gram, as Gatys et al."


def measure(settings) -> Section:
    rows = []
    for size in settings.sizes or SIZES:
        runs = {label: _evaluation(job, size) for label, job in _jobs().items()}
        seconds = timing.medians(runs, settings.rounds)
        rows += [_row(size, label, seconds) for label in runs]
    return Section(rows, "of_reference")


def _jobs() -> dict[str, StylizeSettings]:
    """What is measured, `{label: settings}`; what learns has no loss of its own to evaluate."""
    own = {name: StylizeSettings(statistic=name) for name in registry.STATISTICS}
    return {REFERENCE: problem.SETTINGS} | own


def _evaluation(job, size):
    precision = device.find().precision("auto")
    network = features.get(job.chosen("features"), job.layers(), precision=precision)
    return evaluation.tensorflow(problem.square(network, size, job))[0]


def _row(size, label, seconds):
    return {
        "size": size,
        "statistic": label,
        "of_reference": seconds[label].wall / seconds[REFERENCE].wall,
        "seconds": seconds[label].wall,
        "cpu_seconds": seconds[label].cpu,
    }
