"""What a run takes beside its evaluations: the optimiser, and going from chunk to chunk."""

from tfstyle import device, optimizers
from tools.benchmark import evaluation, problem, timing
from tools.benchmark.report import Section

SIZES = (512,)
EVALUATIONS = 12  # of a run: fills the history of L-BFGS


def measure(settings) -> Section:
    rows, precision = [], device.find().precision("auto")
    for size in settings.sizes or SIZES:
        for name in settings.networks:
            network = problem.network(name, settings.weights_of(name), precision)
            about = {"size": size, "features": name, "precision": precision}
            rows.append(about | _measure(problem.square(network, size), settings.rounds))
    return Section(rows, "of_run")


def _measure(case, rounds):
    """A run of the default optimiser, and as many evaluations alone, in turn."""
    optimizer = optimizers.get("lbfgs")
    evaluate, _ = evaluation.tensorflow(case)

    def run():
        result = optimizer.minimize(case.objective, case.image, case.targets, EVALUATIONS)
        assert result.evaluations == EVALUATIONS, result.outcome

    def alone():
        for _ in range(EVALUATIONS):
            evaluate()

    seconds = timing.medians({"run": run, "alone": alone}, rounds)
    whole, bare = seconds["run"], seconds["alone"]
    return {
        "of_run": (whole.wall - bare.wall) / whole.wall,
        "of_run_cpu": (whole.cpu - bare.cpu) / whole.cpu,
        "overhead_seconds": (whole.wall - bare.wall) / EVALUATIONS,
        "evaluation_seconds": bare.wall / EVALUATIONS,
    }
