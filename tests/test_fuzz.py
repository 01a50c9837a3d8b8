"""Some hundred hostile inputs in each run of the tests; `python -m tools.fuzz` tries thousands."""

import random

import numpy as np
import pytest

from tfstyle.settings import StylizeSettings
from tools import fuzz


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "check",
    fuzz.CHECKS,
    ids=lambda f: f.__name__,
)
def test_hostile_input_is_taken_or_refused(check, seed):
    assert check(random.Random(seed), 200) == []


def test_the_fuzzer_finds_faults():
    def reckless(path):
        return np.full((1, 40, 40, 3), np.nan, np.float32)

    class Reckless(StylizeSettings):
        def __post_init__(self):
            pass

    def careless(name, value, styles):
        return [np.zeros((1, 40, 40, 1), np.float32)]

    draw = random.Random(0)
    assert len(fuzz.check_masks(draw, 20, careless)) == 20
    assert len(fuzz.check_pictures(draw, 20, reckless)) == 20
    assert len(fuzz.check_settings(draw, 200, (Reckless,))) > 50
