"""An exported model in memory: plain TensorFlow, and sentences where it refuses."""

import json
import os
import re
from typing import Any

import numpy as np
import tensorflow as tf

from tfstyle.server import codec
from tfstyle.serving.saved_model import DESCRIPTION


class Model:
    """One version of a model.

    Args:
        directory: of the version, named by its number, which holds saved_model.pb.
        threads: of TensorFlow's computations.

    Attributes:
        types: `{signature: {input: NumPy type}}`, object for strings.
        facts: what can be known of it, in plain values: its "version"; its "signatures" as
            `{name: {"inputs": specs, "outputs": specs}}` with specs `{name: {"type", "shape"}}`;
            its "settings", where the export has kept them.
    """

    def __init__(self, directory: str, threads: int):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        self._loaded = tf.saved_model.load(directory)  # whose variables live as long as it does
        functions = self._loaded.signatures
        self._specs = {name: each.structured_input_signature[1] for name, each in functions.items()}
        self.types = {
            name: {key: _numpy_type(spec.dtype) for key, spec in specs.items()}
            for name, specs in self._specs.items()
        }
        self.facts = {
            "version": int(os.path.basename(directory)),
            "signatures": {
                name: {
                    "inputs": _facts(specs),
                    "outputs": _facts(functions[name].structured_outputs),
                }
                for name, specs in self._specs.items()
            },
            "settings": _settings(directory),
        }

    def __call__(self, signature: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs `{name: array}` of a signature for inputs `{name: array}`.

        Raises:
            BadRequest: the inputs are not those of the signature, or the model refuses them.
        """
        if signature not in self._specs:
            known = ", ".join(sorted(self._specs))
            raise codec.BadRequest(f"signature_name: expected one of {known}, received {signature}")
        specs = self._specs[signature]
        codec.check_names(specs, inputs)
        tensors = {name: _tensor(name, array, specs[name]) for name, array in inputs.items()}
        try:
            outputs = self._loaded.signatures[signature](**tensors)
        except tf.errors.InvalidArgumentError as error:
            raise codec.BadRequest(sentence(error.message)) from error
        return {name: _array(tensor) for name, tensor in outputs.items()}


def sentence(message: str) -> str:
    """What a graph's assertion says, without the names of nodes around it."""
    line = message.partition("\n\t [[")[0].rpartition("\n")[2]
    asserted = re.fullmatch(r"(?:.*assertion failed: )\[(.*)\]", line)
    if not asserted:
        return line
    return re.sub(r"\\(['\"\\])", r"\1", asserted[1].replace("] [", " "))


def _facts(specs) -> dict[str, Any]:
    return {
        name: {
            "type": spec.dtype.name,
            "shape": None if spec.shape.rank is None else spec.shape.as_list(),
        }
        for name, spec in specs.items()
    }


def _settings(directory):
    try:
        with open(os.path.join(directory, DESCRIPTION), encoding="utf-8") as file:
            return json.load(file)["settings"]
    except FileNotFoundError:  # of an earlier version of this package, or of another program
        return {}


def _numpy_type(dtype):
    return object if dtype == tf.string else dtype.as_numpy_dtype


def _array(tensor):
    # A string without dimensions is bytes to TensorFlow.
    return np.asarray(tensor.numpy(), _numpy_type(tensor.dtype))


def _tensor(name, array, spec):
    fits = array.dtype == _numpy_type(spec.dtype) and spec.shape.is_compatible_with(array.shape)
    if not fits:
        sides = ", ".join("any" if side is None else str(side) for side in spec.shape)
        received = "string" if array.dtype == object else array.dtype
        raise codec.BadRequest(
            f"{name}: expected {spec.dtype.name} [{sides}], received {received} {[*array.shape]}"
        )
    return tf.constant(array, spec.dtype)
