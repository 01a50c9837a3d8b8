"""Which parameters of a test are slow: `make test` leaves them out, `make test-slow` runs them."""

import pytest


def but(fast, parameters):
    """All parameters, marked as slow but for some.

    Args:
        fast: those that are not slow.
        parameters: of `pytest.mark.parametrize`; tuples for several names.
    """
    return [each if each in fast else _marked(each) for each in parameters]


def _marked(each):
    values = each if isinstance(each, tuple) else (each,)
    return pytest.param(*values, marks=pytest.mark.slow)
