"""An exported model in memory: plain TensorFlow, and sentences where it refuses."""

import os
import re

import numpy as np
import tensorflow as tf

from export import codec


class Model:
    """One version of a model.

    Args:
        directory: of the version, named by its number, which holds saved_model.pb.
        threads: of TensorFlow's computations.
    """

    def __init__(self, directory, threads):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        self.version = int(os.path.basename(directory))
        self._loaded = tf.saved_model.load(directory)  # whose variables live as long as it does
        self._specs = {
            name: function.structured_input_signature[1]
            for name, function in self._loaded.signatures.items()
        }
        self.signatures = {
            name: {key: _numpy_type(spec.dtype) for key, spec in specs.items()}
            for name, specs in self._specs.items()
        }

    def __call__(self, signature, inputs) -> dict:
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


def sentence(message) -> str:
    """What a graph's assertion says, without the names of nodes around it."""
    line = message.partition("\n\t [[")[0].rpartition("\n")[2]
    asserted = re.fullmatch(r"(?:.*assertion failed: )\[(.*)\]", line)
    if not asserted:
        return line
    return re.sub(r"\\(['\"\\])", r"\1", asserted[1].replace("] [", " "))


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
