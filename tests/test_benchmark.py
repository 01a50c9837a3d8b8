"""The benchmark counts, records and compares rightly; how fast anything is, is not tested."""

import csv
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from tfstyle import device, features, optimizers
from tfstyle.features import weights as weight_files
from tfstyle.optimizers import base
from tfstyle.run import Run
from tfstyle.settings import StylizeSettings
from tools import distill_vgg
from tools.benchmark import (
    convergence,
    curves,
    evaluation,
    flops,
    memory,
    peak,
    problem,
    process,
    timing,
)

COMPACT = problem.network("vgg19_compact", "bundled")


@pytest.mark.parametrize("name", features.FEATURES)
def test_flops_of_the_graph_are_those_of_the_estimate(name):
    network = COMPACT if name == "vgg19_compact" else problem.network(name, None)
    _, work = evaluation.tensorflow(problem.square(network, 64))
    expected = problem.workload(name, "float32").flops(64, 64)
    assert work == pytest.approx(expected, rel=0.04)


def test_flops_of_operations():
    @tf.function
    def product_and_convolution(a, b, image, kernel):
        tf.matmul(a, a, transpose_a=True)  # no output needs it
        return tf.matmul(a, b, transpose_a=True), tf.nn.conv2d(image, kernel, 2, "VALID")

    shapes = [7, 5], [7, 3], [1, 9, 9, 4], [3, 3, 4, 6]
    function = product_and_convolution.get_concrete_function(*map(tf.zeros, shapes))
    assert flops.count(function) == 2 * 5 * 7 * 3 + 2 * (4 * 4 * 6) * (3 * 3 * 4)


def test_medians_are_of_interleaved_calls():
    calls = []

    def function(name, seconds):
        calls.append(name)
        time.sleep(seconds)

    functions = {"a": lambda: function("a", 0.0), "b": lambda: function("b", 0.02)}
    seconds = timing.medians(functions, 3)
    assert calls == ["a", "b"] * 4
    assert seconds["a"].wall < 0.02 <= seconds["b"].wall and seconds["b"].cpu < 0.02


def test_peak_is_of_the_fastest_shape():
    seconds = {key: timing.Seconds(1.0, 1.0) for key in peak.runs()}
    seconds["float32", (1, 32, 32, 512)] = timing.Seconds(0.5, 0.5)
    assert peak.best(seconds)["float32"] == 2 * 2 * 9 * 512**2 * 32**2


def watched(task, **changes):
    """A run of a task: its recorder and its result."""
    kind, pictures = problem.TASKS[task]
    recorder = curves.Recorder()
    optimizer = convergence.Watched(optimizers.get("lbfgs"), recorder)
    return recorder, Run(
        problem.settings(kind, **changes), **pictures, optimizer=optimizer
    ).complete()


@pytest.mark.slow
@pytest.mark.parametrize("task", problem.TASKS)
def test_loss_at_full_size_is_the_one_that_a_run_minimises(task):
    recorder, result = watched(task, size=70, scales=1, evaluations=2, precision="float32")
    first, last = (point.image for point in recorder.points)
    case = problem.full_size(task, COMPACT, 70)
    assert last.shape == case.image.shape
    reached = sum(result.parts.values())
    assert float(case.loss(tf.constant(last))) == pytest.approx(reached, rel=1e-4)
    np.testing.assert_allclose(first, case.image, atol=1e-6)  # L-BFGS evaluates it first


def test_recorder_sees_the_evaluations_of_all_scales():
    recorder, result = watched("texture", size=128, scales=2, evaluations=7)
    numbers = [point.evaluations for point in recorder.points]
    assert numbers == sorted(set(numbers)) and numbers[-1] == result.evaluations == 7
    assert recorder.points[0].image.shape[1] < recorder.points[-1].image.shape[1]


def test_recorder_starts_its_clock_after_the_first_evaluation_and_keeps_the_last():
    recorder = curves.Recorder()
    for evaluations in range(1, 200):
        time.sleep(0.001)
        recorder.add(evaluations, evaluations)
    assert recorder.points[0][:2] == (1, (0.0, 0.0)) and recorder.startup.wall >= 0.001
    assert recorder.points[-1].image == 199
    assert len(recorder.points) < 120


def curve(run, seconds, losses):
    about = {"task": "t", "features": "f", "size": 1, "run": run, "startup_seconds": 0.0}
    return [
        about | {"evaluations": n, "seconds": 2 * s, "cpu_seconds": s, "loss": loss}
        for n, (s, loss) in enumerate(zip(seconds, losses))
    ]


def test_comparison_takes_the_time_to_the_loss_that_both_reach():
    slow = curve("slow", [0.0, 2.0, 8.0], [8.0, 4.0, 2.0])
    fast = curve("fast", [0.0, 1.0, 2.0, 3.0, 4.0], [8.0, 4.0, np.nan, 2.0, 1.0])
    base_row, row = curves.compare([slow, fast], "slow")
    assert base_row["cpu_ratio"] == base_row["loss_ratio"] == 1
    assert row["cpu_ratio"] == row["seconds_ratio"] == pytest.approx(3 / 8)
    assert row["lowest_loss"] == pytest.approx(1)
    # After 4 seconds the slow one is a third of the way from 4 to 2, in the logarithm.
    assert row["loss_ratio"] == pytest.approx(1 / (4 * 2 ** (-1 / 3)))


def test_peak_memory_is_compared_with_what_a_run_announces(tmp_path):
    weights = str(tmp_path / "vgg19.npz")
    distill_vgg.save([problem.network("vgg19", None)], weights)
    settings = StylizeSettings(
        features="vgg19", weights=weights, precision="bfloat16", size=256, scales=1
    )
    picture = np.zeros([1, 256, 256, 3], np.float32)
    announced = Run(settings, picture, picture).plan.announcement("vgg19", 1.0)
    row = memory._row(256, "vgg19", "bfloat16", 1e9)
    assert f"about {1 / row['of_estimate']:.1f} GB" in announced


def test_peak_memory_is_this_process_own():
    assert 1e8 < memory.peak_bytes() < device.available_memory()
    code = "from tools.benchmark import memory; print(memory.peak_bytes())"
    assert int(process.run("-c", code)) < memory.peak_bytes()


def test_failure_of_a_process_is_told():
    with pytest.raises(RuntimeError, match="No module named 'absent'"):
        process.run("-c", "import absent")


@pytest.mark.slow
def test_command_prints_and_writes_tables(tmp_path):
    arguments = ("--sections=peak", "--rounds=1", f"--output={tmp_path}")
    printed = process.run("-m", "tools.benchmark", *arguments)
    with open(tmp_path / "peak.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["precision"] == "float32" and float(rows[0]["of_float32"]) == 1
    assert "| precision | of_float32 |" in printed
    assert (tmp_path / "peak.png").stat().st_size < 150_000


def test_unknown_section_is_refused():
    command = [sys.executable, "-m", "tools.benchmark", "--sections=speed"]
    done = subprocess.run(command, cwd=process.ROOT, capture_output=True, text=True)
    assert done.returncode and "expected names out of peak" in done.stderr


@pytest.mark.filterwarnings("ignore:CUDA initialization")  # PyTorch made for GPUs, and none here
# Many of a random network's units are near zero, where rounding switches them on or off.
@pytest.mark.parametrize("name, tolerance", [("vgg19_compact", 1e-4), ("vgg19", 1e-2)])
def test_pytorch_computes_the_same_loss_and_gradient(name, tolerance):
    pytest.importorskip("torch")
    from tools.benchmark import torch_objective

    network = COMPACT if name == "vgg19_compact" else problem.network(name, None)
    case = problem.square(network, 65)  # odd: the last row of a pooling counts too
    image = np.random.default_rng(1).uniform(-0.1, 1.1, (1, 65, 65, 3)).astype(np.float32)
    loss, _, gradient = base.evaluate(case.objective, tf.constant(image), case.targets)
    arrays = weight_files.from_keras(network)
    objective = torch_objective.Objective(features.table(name), arrays, case)
    torch_loss, torch_gradient = objective.evaluation(image)()
    assert torch_loss == pytest.approx(float(loss), rel=1e-4)
    error = np.linalg.norm(torch_gradient - gradient) / np.linalg.norm(gradient)
    assert error < tolerance
