"""Tensors as bytes that a client keeps: exactly what was packed comes back, or an error."""

import numpy as np
import pytest
import tensorflow as tf

from tfstyle.serving import packing

LABEL = "tfstyle test, a b\n"
DTYPES = (tf.float32, tf.float64, tf.int32, tf.int64, tf.bool, tf.bfloat16)
NEST = {"a": (tf.range(6.0), tf.constant(3)), "b": [tf.constant([True, False])]}


def numbers(shape, dtype):
    values = np.random.default_rng(0).standard_normal(shape) * 1000
    return tf.cast(values > 0 if dtype == tf.bool else values, dtype)


def unpack(data, nest, label=LABEL):
    """As it runs in a graph, where a message is all that a user sees."""
    return tf.function(lambda data: packing.unpack("state_bytes", label, data, nest))(data)


def packed(nest=NEST):
    return packing.pack(LABEL, nest).numpy()


def assert_same(got, wanted):
    tf.nest.assert_same_structure(got, wanted)
    for one, other in zip(tf.nest.flatten(got), tf.nest.flatten(wanted)):
        assert one.dtype == other.dtype and one.shape == other.shape
        assert np.asarray(one.numpy()).tobytes() == np.asarray(other.numpy()).tobytes()


@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 4), (1, 5, 4, 3), (2, 0, 3)], ids=str)
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
def test_what_is_packed_comes_back(dtype, shape):
    wanted = numbers(shape, dtype)
    assert_same(unpack(packed(wanted), tf.zeros(shape, dtype)), wanted)


def test_a_nest_of_all_types_comes_back():
    wanted = {str(n): (numbers((n, 2), dtype), [dtype.max]) for n, dtype in enumerate(DTYPES[:4])}
    wanted = tf.nest.map_structure(tf.convert_to_tensor, wanted)
    assert_same(unpack(packed(wanted), tf.nest.map_structure(tf.zeros_like, wanted)), wanted)


def test_numbers_that_are_none_come_back_to_the_bit():
    bits = np.array([0x7FC00001, 0x80000000, 0xFF800000, 1, 0], np.uint32)  # NaN, -0, -inf, tiny
    got = unpack(packed(tf.constant(bits.view(np.float32))), tf.zeros([5]))
    np.testing.assert_array_equal(got.numpy().view(np.uint32), bits)


def test_a_shape_that_is_known_when_it_runs():
    @tf.function(input_signature=[tf.TensorSpec([None, 3])])
    def there_and_back(x):
        data = packing.pack(LABEL, (x, tf.shape(x)))
        return packing.unpack("x", LABEL, data, (tf.zeros_like(x), tf.zeros([2], tf.int32)))

    for count in (0, 1, 7):
        x = numbers((count, 3), tf.float32)
        assert_same(there_and_back(x), (x, tf.constant([count, 3])))


def test_the_bytes_are_the_label_and_the_values_little_endian():
    wanted = LABEL.encode() + np.array([1.5, -2], "<f4").tobytes() + np.array(7, "<i8").tobytes()
    got = packed((tf.constant([1.5, -2]), tf.constant(7, tf.int64)))
    assert got[: len(wanted)] == wanted


def test_numpys_strings_keep_the_last_byte():
    """They lose zeros at the end, and saved_model_cli hands such strings on."""
    data = packed(tf.zeros([4]))
    assert np.array(data).dtype.kind == "S" and np.array(data).item() == data
    assert data[-1] != 0


WHOLE = packed()


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "state_bytes: expected bytes that begin with "),
        (b"garbage", "state_bytes: expected bytes that begin with "),
        (LABEL.encode()[:-1], "state_bytes: expected bytes that begin with "),
        (WHOLE.replace(b"a b", b"a c"), "state_bytes: expected bytes that begin with "),
        (b"\xff\x00" + WHOLE, "state_bytes: expected bytes that begin with "),
        (LABEL.encode(), "state_bytes: expected all bytes of a picture of this size"),
        (WHOLE[:-1], "state_bytes: expected all bytes of a picture of this size"),
        (WHOLE[: len(WHOLE) // 2], "state_bytes: expected all bytes of a picture of this size"),
        (WHOLE + b".", "state_bytes: expected all bytes of a picture of this size"),
        (WHOLE + b"\0", "state_bytes: expected all bytes of a picture of this size"),
        (WHOLE[:-1] + b"x", "state_bytes: expected bytes as they were"),
    ],
    ids=[
        "empty",
        "garbage",
        "part of a label",
        "another label",
        "before",
        "label only",
        "one less",
        "half",
        "one more",
        "a zero more",
        "another end",
    ],
)
def test_other_bytes(data, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"\[{message}"):
        unpack(data, NEST)


def test_every_bit_that_changed_is_found():
    unpacking = tf.function(
        lambda data: packing.unpack("state_bytes", LABEL, data, NEST),
        input_signature=[tf.TensorSpec([], tf.string)],
    )
    unpacking(WHOLE)
    for bit in range(8 * len(WHOLE)):
        changed = bytearray(WHOLE)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[state_bytes: expected bytes "):
            unpacking(bytes(changed))


def test_the_message_names_both_lengths():
    # 18 of the label, 6 floats, an int32, 2 bools, the hash, and the end.
    expected = 18 + 6 * 4 + 4 + 2 + 8 + 1
    assert len(WHOLE) == expected
    received = rf"\[{expected}\] \[{expected - 3}\]"
    with pytest.raises(tf.errors.InvalidArgumentError, match=received):
        unpack(WHOLE[:-3], NEST)
