"""A run on disk: all that it needs to end as if it had never stopped."""

import dataclasses
import json
import logging
import os
import time
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from tfstyle import images
from tfstyle.workload import Strategy

log = logging.getLogger("tfstyle")

FORMAT = 1
# May be raised; is compared as it was resolved; makes no other picture.
CHECKED_APART = ("evaluations", "minutes", "precision", "memory")


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A moment of a run.

    Attributes:
        settings: of the run, as JSON; `evaluations` may be raised later.
        inputs: hash of its pictures and parts.
        precision: of the network.
        budgets: evaluations of the levels.
        level: number of the present one, from 0.
        strategy: how it is worked on.
        before: evaluations before the present state began, and those of them on this level.
        seconds: that the run has taken so far.
        losses: `[n, 2]` or `[n, 3]`, see `tfstyle.Result`.
        state: arrays of the optimiser and of what was learned.
    """

    settings: dict[str, Any]
    inputs: str
    precision: str
    budgets: tuple[int, ...]
    level: int
    strategy: Strategy
    before: tuple[int, int]
    seconds: float
    losses: np.ndarray
    state: list[np.ndarray]

    def save(self, path: str | os.PathLike) -> None:
        """Writes a file, whole or not at all; raises `OSError`."""
        header = {"format": FORMAT, "version": _version()} | {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in ("losses", "state")
        }
        arrays: dict[str, Any] = {f"state_{n}": array for n, array in enumerate(self.state)}
        path = os.path.realpath(os.path.expanduser(path))
        with images.temporary(path) as beside:
            with open(beside, "xb") as file:
                arrays |= {"header": np.array(json.dumps(header)), "losses": self.losses}
                np.savez(file, **arrays)
            os.replace(beside, path)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Checkpoint":
        """Reads a file; raises `ValueError` where it is not one of this version."""
        try:
            with open(os.path.expanduser(path), "rb") as file:
                arrays = dict(np.load(file, allow_pickle=False))
            header = json.loads(str(arrays.pop("header")))
            written = header.pop("format"), header.pop("version")
        except FileNotFoundError:
            raise ValueError(f"checkpoint={path}: file not found") from None
        except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"checkpoint={path}: expected a checkpoint of tfstyle, received another or a "
                f"damaged file ({error})"
            ) from None
        if written != (FORMAT, _version()):
            raise ValueError(
                f"checkpoint={path}: expected one of tfstyle {_version()}, received one of "
                f"{written[1]}: start anew, or use that version"
            )
        losses = arrays.pop("losses")
        return cls(
            **header
            | {
                "budgets": tuple(header["budgets"]),
                "strategy": Strategy(*header["strategy"]),
                "before": tuple(header["before"]),
            },
            losses=losses,
            state=[arrays[f"state_{number}"] for number in range(len(arrays))],
        )

    def check(self, settings: dict[str, Any], inputs: str, precision: str) -> None:
        """Raises `ValueError` unless it belongs to a run with these settings and pictures."""
        mine = json.loads(json.dumps(self.settings))
        given = json.loads(json.dumps(settings))
        for name in given:
            if name not in CHECKED_APART and mine.get(name) != given[name]:
                raise ValueError(
                    f"checkpoint: expected one of a run with {name}={given[name]!r}, received one "
                    f"with {name}={mine.get(name)!r}"
                )
        if self.inputs != inputs:
            raise ValueError(
                "checkpoint: expected one of a run with these pictures, received one with others"
            )
        if self.precision != precision:
            raise ValueError(
                f"checkpoint: expected one in {precision}, received one in {self.precision}: "
                f"take --precision={self.precision}"
            )
        if given.get("evaluations", 0) < sum(self.budgets):
            raise ValueError(
                f"evaluations: expected at least the {sum(self.budgets)} of the checkpoint, "
                f"received {given['evaluations']}"
            )


def check_path(path: str | os.PathLike) -> None:
    """Checks before a run that its checkpoint can be written, and replaces nothing but another.

    Raises:
        ValueError: it cannot; the message begins with "checkpoint=path".
    """
    label, path = f"checkpoint={os.fspath(path)}", os.path.expanduser(path)
    images.check_writable(path, label)
    if os.path.exists(path) and not _is_checkpoint(path):
        raise ValueError(f"{label}: expected a new file or a checkpoint, received another file")


def _is_checkpoint(path):
    try:
        with zipfile.ZipFile(path) as file:
            return "header.npy" in file.namelist()
    except zipfile.BadZipFile:
        return False


def arrays_of(nest: Any) -> list[np.ndarray]:
    """The tensors of a nest, in order."""
    import tensorflow as tf

    return [tensor.numpy() for tensor in tf.nest.flatten(nest)]


def nest_like(form: Any, arrays: list[np.ndarray]) -> Any:
    """A nest of the form of another from the arrays of one; raises `ValueError` if they differ."""
    import tensorflow as tf

    expected = [(tensor.shape, tensor.dtype.as_numpy_dtype) for tensor in tf.nest.flatten(form)]
    if [(tuple(shape), dtype) for shape, dtype in expected] != [
        (array.shape, array.dtype.type) for array in arrays
    ]:
        raise ValueError("checkpoint: expected the state of this run, received another")
    return tf.nest.pack_sequence_as(form, list(map(tf.constant, arrays)))


def _version():
    from tfstyle import __version__

    return __version__


def found(resume: bool | Checkpoint, path: str | os.PathLike | None) -> Checkpoint | None:
    """What a run resumes from: a checkpoint, or whether to look for one at a path."""
    if isinstance(resume, Checkpoint):
        return resume
    if resume and path is not None and os.path.exists(path):
        return Checkpoint.load(path)
    return None


class Saver:
    """Writes checkpoints of a run to a file, rarely where it takes long.

    Args:
        path: of the file; `None`: nothing is written.

    Raises:
        ValueError: a file that cannot be written.
    """

    SECONDS = 5.0  # between two checkpoints, at least
    SHARE = 0.05  # of the time, at most, is spent on writing them

    def __init__(self, path: str | os.PathLike | None):
        if path is not None:
            check_path(path)
        self.path, self._saved, self._interval = path, time.monotonic(), self.SECONDS

    @property
    def is_due(self) -> bool:
        """Whether it is time for the next."""
        return time.monotonic() - self._saved >= self._interval

    def save(self, make: Callable[[], Checkpoint]) -> None:
        """Writes what `make` returns."""
        if self.path is None:
            return
        began = time.monotonic()
        try:
            make().save(self.path)
        except OSError as error:  # a full disk, say: no reason to lose the picture
            log.warning("checkpoint=%s: not written: %s", self.path, error)
        self._saved = time.monotonic()
        self._interval = max(self.SECONDS, (self._saved - began) / self.SHARE)
