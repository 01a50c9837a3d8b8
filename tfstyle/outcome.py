"""How a run can end."""

import enum


class Outcome(enum.Enum):
    """How a run ended; `value` says it in words.

    Attributes:
        exit_code: of a command that ends so.
        finished: whether the picture is the one that was asked for.
    """

    exit_code: int
    finished: bool

    DONE = "done", 0, True  # the budget is spent
    CONVERGED = "done, converged", 0, True
    NO_PROGRESS = "done, no further progress", 0, True  # of the line search
    NOT_FINITE = "the loss is not finite", 1, False
    STOPPED = "stopped", 130, False
    OUT_OF_MEMORY = "out of memory", 1, False

    def __new__(cls, words: str, exit_code: int, finished: bool) -> "Outcome":
        outcome = object.__new__(cls)
        outcome._value_ = words
        outcome.exit_code, outcome.finished = exit_code, finished
        return outcome
