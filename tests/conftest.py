"""What several test files begin with, and what makes all of them together fast."""

import pathlib

import numpy as np
import pytest
from PIL import Image

from tfstyle import engine
from tfstyle.caches import Cache

# The files that take longest come first, so that no process is left alone with one of them.
LONGEST = ("notebook", "stylizer", "pipelines", "comparison", "cli", "api", "surroundings")
LONGEST += ("saved_model", "serving", "run", "blocks", "caches", "optimizers_contract", "batch")


def pytest_collection_modifyitems(items):
    turns = {f"test_{name}": turn for turn, name in enumerate(LONGEST)}
    items.sort(key=lambda item: turns.get(pathlib.Path(item.path).stem, len(turns)))


@pytest.fixture(autouse=True, scope="session")
def engines():
    """More engines are kept than for a user: tests ask for the same ones again and again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "_engines", Cache(entries=10, limit=float("inf")))
        yield


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with a style and a content picture."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("style.png", "content.jpg", "a, b.png"):
        Image.fromarray(rng.integers(0, 256, (50, 60, 3), np.uint8)).save(name)
    return tmp_path
