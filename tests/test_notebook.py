"""The example notebook: it runs in a clean kernel, and is stored with all that it shows."""

import base64
import copy
import io
import os
import pathlib
import re
import shutil

import nbclient
import nbformat
import numpy as np
import pytest
import slow
from ipykernel import kernelspec
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from PIL import Image

from tfstyle import statistics
from tfstyle.settings.choices import GATYS_LAYERS

ROOT = pathlib.Path(__file__).parent.parent
NOTEBOOK = ROOT / "examples" / "texture_and_style.ipynb"
SIZE = 64
IMAGES = ("image/png", "image/jpeg")
WITH_PICTURES = (  # ids of cells
    *("texture", "maps", "moved", "gram", "invert", "synthesize", "loss"),
    *("compare", "stylize", "blend", "roots", "theory-figure"),
)


class ThisInterpreter(AsyncKernelManager):
    """Starts the interpreter that runs the tests, whatever kernels are installed."""

    @property
    def kernel_spec(self):
        return KernelSpec(**kernelspec.get_kernel_dict())


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The notebook, run anew on small pictures in a copy of its folder."""
    folder = tmp_path_factory.mktemp("notebook")
    shutil.copytree(NOTEBOOK.parent, folder / "examples")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in code_cells(notebook):
        cell.update(outputs=[], execution_count=None)
    client = nbclient.NotebookClient(
        notebook,
        kernel_manager_class=ThisInterpreter,
        resources={"metadata": {"path": str(folder / "examples")}},
        timeout=300,
    )
    small = {"TFSTYLE_NOTEBOOK_SIZE": str(SIZE), "TFSTYLE_NOTEBOOK_EVALUATIONS": "16"}
    clean = {"PYTHONPATH": str(ROOT), "IPYTHONDIR": str(folder / "ipython")}
    client.execute(env=os.environ | small | clean)
    return notebook


@pytest.fixture(scope="module")
def stored():
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(params=slow.but(("stored",), ("executed", "stored")))
def notebook(request):
    return request.getfixturevalue(request.param)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook, name):
    (cell,) = (cell for cell in notebook.cells if cell.id == name)
    return cell.outputs


def text(notebook, name):
    """All that a cell printed, and its tables."""
    return "".join(
        output.get("text", "") + output.get("data", {}).get("text/markdown", "")
        for output in outputs(notebook, name)
    )


def picture(notebook, name):
    """The one picture that a cell displays, `[H, W, 3]`."""
    found = [
        data
        for output in outputs(notebook, name)
        for kind, data in output.get("data", {}).items()
        if kind in IMAGES
    ]
    assert len(found) == 1, name
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(found[0]))).convert("RGB"))


def test_runs_in_order_without_errors_and_remarks(notebook):
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        for output in cell.outputs:
            assert output.output_type in ("stream", "display_data", "execute_result")
            assert output.get("name") != "stderr", output.text


def test_pictures_are_shown(notebook):
    for name in WITH_PICTURES:
        assert picture(notebook, name).std() > 10, name


def test_deeper_layers_keep_less(notebook):
    found = re.findall(r"^(\w+): ([\d.]+) dB$", text(notebook, "invert"), re.MULTILINE)
    assert tuple(layer for layer, _ in found) == GATYS_LAYERS
    first, second, third, *_, last = (float(decibels) for _, decibels in found)
    assert first > second > third > last


def test_every_statistic_is_compared(notebook):
    lines = text(notebook, "table").splitlines()
    rows = [[entry.strip() for entry in line.strip("|").split("|")] for line in lines[2:]]
    assert [row[0] for row in rows] == list(statistics.STATISTICS)
    assert sorted(int(row[1]) for row in rows) == list(range(1, len(rows) + 1))


def test_models_are_nearest_where_they_match(notebook):
    assert re.findall(r"\d\.\d\d", text(notebook, "theory-figure")) == ["1.00"] * 3


@pytest.mark.slow
def test_size_is_taken_from_the_environment(executed):
    height, width = picture(executed, "synthesize").shape[:2]  # with captions and gaps
    assert SIZE < height < 2 * SIZE and 3 * SIZE < width < 4 * SIZE


def test_stored_notebook_is_full_size_but_small_in_bytes(stored):
    assert picture(stored, "synthesize").shape[1] > 3 * 256
    assert NOTEBOOK.stat().st_size < 2.5e6


def test_stored_notebook_names_no_place_on_a_disk(stored):
    stored = copy.deepcopy(stored)
    for cell in code_cells(stored):
        for output in cell.outputs:
            for kind in IMAGES:
                output.get("data", {}).pop(kind, None)
    assert not re.findall(
        r"(?<![\w.])[/~]/?\w+/\S*|[A-Z]:\\\\\S*|file:\S*", nbformat.writes(stored)
    )
