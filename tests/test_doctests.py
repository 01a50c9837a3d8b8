"""The examples in docstrings print what they say."""

import doctest
import importlib
import pathlib

import numpy as np
import pytest

import tfstyle

ROOT = pathlib.Path(__file__).parent.parent
MODULES = ("api", "run", "keras", "serving.presets")
CASES = [
    case
    for name in MODULES
    for case in doctest.DocTestFinder(exclude_empty=True).find(
        importlib.import_module(f"tfstyle.{name}"), extraglobs={"tfstyle": tfstyle, "np": np}
    )
    if case.examples
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_example(case, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(case).failed == 0


def test_every_function_has_an_example():
    assert {f"tfstyle.api.{name}" for name in ("stylize", "synthesize_texture", "invert")} <= {
        case.name for case in CASES
    }
