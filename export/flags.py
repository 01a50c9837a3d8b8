"""Numbers on a command line."""

import argparse
import math


def at_least(lowest):
    """Reads a number of the type of `lowest` that is not below it."""

    def read(text):
        try:
            number = type(lowest)(text)
        except ValueError:
            number = math.nan
        if not lowest <= number < math.inf:
            raise argparse.ArgumentTypeError(
                f"expected a number of at least {lowest}, received {text}"
            )
        return number

    return read
