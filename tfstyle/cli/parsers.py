"""Flag values that absl has no parser for."""

import re

from absl import flags


class SizeParser(flags.ArgumentParser):
    """Turns 512 into 512, and 512x384 into (512, 384)."""

    syntactic_help = "PIXELS or WIDTHxHEIGHT"

    def parse(self, argument):
        if not isinstance(argument, str):
            return argument
        if not re.fullmatch(r"\d+(x\d+)?", argument):
            raise ValueError("expected PIXELS or WIDTHxHEIGHT")
        sides = [int(side) for side in argument.split("x")]
        return sides[0] if len(sides) == 1 else tuple(sides)

    def flag_type(self):
        return "size"


class NumbersParser(flags.ArgumentParser):
    """Turns 1,2,0.5 into [1.0, 2.0, 0.5]."""

    syntactic_help = "numbers separated by commas"

    def parse(self, argument):
        if not isinstance(argument, str):
            return argument
        try:
            return [float(number) for number in argument.split(",")]
        except ValueError:
            raise ValueError("expected numbers separated by commas") from None

    def flag_type(self):
        return "list of numbers"


class IntegersParser(flags.ArgumentParser):
    """Turns 128,64 into [128, 64], and nothing into []."""

    syntactic_help = "whole numbers separated by commas"

    def parse(self, argument):
        if not isinstance(argument, str):
            return list(argument)
        try:
            return [int(number) for number in argument.split(",")] if argument else []
        except ValueError:
            raise ValueError("expected whole numbers separated by commas") from None

    def flag_type(self):
        return "list of whole numbers"
