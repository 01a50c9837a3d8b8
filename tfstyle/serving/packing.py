"""Nests of tensors as one string of bytes, in a graph, so that a client can keep and return them.

A label, then the raw values of all tensors in order, little endian, and a hash of all that. There
are no sizes inside that a reader would have to trust: it knows what it expects, and other lengths
are an error, as are bytes that changed on the way. The hash is no signature: anyone can make it.
"""

import tensorflow as tf

from tfstyle.checked import checked

END = "."  # NumPy's strings, in which saved_model_cli keeps them, lose zeros at the end
TAIL = 8 + len(END)  # bytes behind the values: the hash, and the end


def pack(label, nest):
    """A scalar string of a nest of tensors, of types that `tf.io.decode_raw` knows."""
    values = tf.strings.join([label, *(_raw(tensor) for tensor in tf.nest.flatten(nest))])
    return tf.strings.join([values, _raw(_hash(values)), END])


def unpack(name, label, data, nest):
    """The nest that was packed, of the form of `nest`: its types and shapes, not its values.

    Raises:
        InvalidArgumentError: when run, if the bytes are not that; the message begins with `name`.
    """
    tensors = tf.nest.flatten(nest)
    sizes = [tf.size(tensor) * tensor.dtype.size for tensor in tensors]
    ends = tf.cumsum([len(label), *sizes])
    padded = tf.strings.join([data, " " * len(label)])  # one that is shorter is no error
    labelled = tf.strings.substr(padded, 0, len(label)) == label
    expected = ends[-1] + TAIL
    begins = f"{name}: expected bytes that begin with {label!r}, as the same export returns them"
    lasts = f"{name}: expected all bytes of a picture of this size; due and received:"
    data = checked(data, (labelled, [begins]))
    received = tf.strings.length(data)
    data = checked(data, (received == expected, [lasts, expected, received]))
    tail = tf.strings.join([_raw(_hash(tf.strings.substr(data, 0, ends[-1]))), END])
    whole = tf.strings.substr(data, ends[-1], TAIL) == tail
    data = checked(data, (whole, [f"{name}: expected bytes as they were, received changed ones"]))
    read = [
        tf.reshape(_values(data, begin, size, tensor.dtype), tf.shape(tensor))
        for tensor, begin, size in zip(tensors, tf.unstack(ends[:-1]), sizes)
    ]
    read = [tf.ensure_shape(values, tensor.shape) for values, tensor in zip(read, tensors)]
    return tf.nest.pack_sequence_as(nest, read)


def _raw(tensor):
    # The values are what a serialized tensor ends with.
    size = tf.size(tensor) * tensor.dtype.size
    return tf.strings.substr(tf.io.serialize_tensor(tensor), -size, size)


def _hash(data):
    """FarmHash, the same on all machines."""
    return tf.strings.to_hash_bucket_fast(data, tf.int64.max)


def _values(data, begin, size, dtype):
    return tf.io.decode_raw(tf.strings.substr(data, begin, size), dtype)
