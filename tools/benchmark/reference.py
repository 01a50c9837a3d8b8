"""The same objective, minimised as other programs do it: PyTorch, float32, NCHW, its own L-BFGS.

Same pictures, weights, start and loss as the library's run beside it, and as many evaluations; the
library runs with its defaults.
"""

import importlib.util

from tfstyle import features
from tfstyle.features import weights as weight_files
from tools.benchmark import convergence, curves, problem
from tools.benchmark.report import Section

SIZES = (512,)
BASE = "tfstyle"
# Both are in use: PyTorch's default, and the search that keeps it from going astray.
LINE_SEARCHES = {"pytorch, no line search": None, "pytorch, strong Wolfe": "strong_wolfe"}


def measure(settings) -> Section:
    if not importlib.util.find_spec("torch"):
        print("PyTorch is not installed.")
        return Section([], "cpu_ratio")
    rows, points = [], []
    for name in settings.trained():
        for task in problem.TASKS:
            for size in settings.sizes or SIZES:
                runs = _curves(task, name, size, settings)
                rows += curves.compare(runs, BASE)
                points += sum(runs, [])
    return Section(rows, "cpu_ratio", points)


def _curves(task, name, size, settings):
    from tools.benchmark import torch_objective

    network = problem.network(name, settings.weights_of(name))
    case = problem.full_size(task, network, size)
    arrays = weight_files.from_keras(network)
    objective = torch_objective.Objective(features.table(name), arrays, case)
    recorders = {BASE: convergence.run(task, name, size, settings)}
    for run, search in LINE_SEARCHES.items():
        recorders[run] = minimize(objective, case.image, settings.evaluations, search)
    about = {"task": task, "features": name, "size": size}
    return convergence.measured(recorders, case, about)


def minimize(objective, image, evaluations, line_search) -> curves.Recorder:
    """PyTorch's L-BFGS from a NumPy image, until the evaluations are used up."""
    import torch

    from tools.benchmark import torch_objective

    image = torch_objective.image_tensor(image).requires_grad_()
    optimizer = torch.optim.LBFGS(
        [image],
        max_iter=evaluations,
        max_eval=evaluations,
        tolerance_grad=-1,
        tolerance_change=-1,
        line_search_fn=line_search,
    )
    recorder, done = curves.Recorder(), 0

    def closure():
        nonlocal done
        optimizer.zero_grad()
        loss = objective(image)
        loss.backward()
        done += 1
        recorder.add(done, image.detach().permute(0, 2, 3, 1).numpy().copy())
        return loss

    optimizer.step(closure)
    return recorder
