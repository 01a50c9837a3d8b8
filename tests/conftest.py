"""What several test files begin with."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with a style and a content picture."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("style.png", "content.jpg", "a, b.png"):
        Image.fromarray(rng.integers(0, 256, (50, 60, 3), np.uint8)).save(name)
    return tmp_path
