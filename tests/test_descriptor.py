"""Statistics as a vector: nothing is lost, and of what is there twice one half is kept."""

import numpy as np
import pytest
import tensorflow as tf
from test_stylizer import OPTIONS, assert_same_picture, board, content, eight_bits, stripes

import tfstyle
from tfstyle import statistics
from tfstyle.discriminator import Discriminator
from tfstyle.serving import packing
from tfstyle.serving.descriptor import PICTURE_LABEL, Form, OfPicture

CHANNELS = 5
HALF = 15  # of 5 x 5, with the diagonal


def features(seed=0):
    values = np.random.default_rng(seed).gamma(1.0, 1.0, (1, 9, 7, CHANNELS))
    return tf.constant(values, tf.float32)


def measured(name, seed=0):
    statistic = statistics.get(name)
    return {"layer": statistic.measure(features(seed)), "a": statistic.measure(features(seed + 9))}


def symmetric(x):
    return (x + tf.transpose(x)) / 2 if x.shape.rank == 2 and x.shape[0] == x.shape[1] else x


def assert_same(got, wanted):
    tf.nest.assert_same_structure(got, wanted)
    tf.nest.map_structure(np.testing.assert_array_equal, got, wanted)


@pytest.mark.parametrize("name", statistics.STATISTICS)
def test_statistics_come_back_to_the_bit(name):
    form = Form(measured(name))
    wanted = measured(name, seed=1)  # of another picture than the form was taken from
    # A product may be another at (i, j) than at (j, i), in the last bit: the upper half is kept.
    wanted = tf.nest.map_structure(symmetric, wanted)
    vector = tf.function(form.vector)(wanted)
    assert vector.shape == (form.size,) and vector.dtype == tf.float32
    assert_same(tf.function(form.statistics)(vector), wanted)


@pytest.mark.parametrize("name, size", [("gram", HALF), ("mean", 5), ("mean_covariance", 5 + HALF)])
def test_symmetric_matrices_take_half(name, size):
    assert Form(measured(name)).size == 2 * size  # of two layers


def test_no_statistic_takes_more_than_its_numbers():
    for name in statistics.STATISTICS:
        nest = measured(name)
        assert Form(nest).size <= sum(x.shape.num_elements() for x in tf.nest.flatten(nest))


@pytest.mark.parametrize("change", [1.0, 1e-2])
def test_a_square_matrix_that_is_not_symmetric_is_kept_whole(change):
    matrix = np.add.outer(np.arange(4.0), np.arange(4.0)).astype(np.float32)
    matrix[0, 3] += change
    form = Form((tf.constant(matrix),))
    assert form.size == 16
    assert_same(form.statistics(form.vector((tf.constant(matrix),))), (tf.constant(matrix),))


def test_the_upper_half_is_what_is_kept_row_by_row():
    matrix = tf.constant([[1.0, 2, 3], [2, 4, 5], [3, 5, 6]])
    np.testing.assert_array_equal(Form(matrix).vector(matrix), [1, 2, 3, 4, 5, 6])


@pytest.mark.parametrize("shape", [(1, 1), (3,), (2, 3), (3, 3, 3), ()], ids=str)
def test_other_shapes_are_kept_whole(shape):
    ones = tf.ones(shape)
    form = Form([ones])
    assert form.size == ones.shape.num_elements()
    assert_same(form.statistics(form.vector([ones])), [ones])


@pytest.mark.slow
def test_in_the_contents_colours_the_picture_is_described():
    """The one stylizer paints what another makes of its own style."""
    options = OPTIONS | {"color": "match", "optimizer": "adam", "scales": 2, "max_size": 96}
    pictures = stripes(), eight_bits(board())
    one, other = (tfstyle.Stylizer(style, **options) for style in pictures)
    described = one.describe(pictures[1][None] / np.float32(255), 5)["descriptor_bytes"]
    assert len(described.numpy()) < pictures[1].size + 100  # 3 bytes a pixel
    found = one.stylize_with(content(), described, 6, 2)
    wanted = other.stylize(content(), 6, 2)
    np.testing.assert_allclose(found["losses"], wanted["losses"], rtol=1e-3)
    assert_same_picture(found["image"].numpy(), wanted["image"].numpy())


@pytest.mark.slow
def test_a_discriminator_learns_from_a_picture_that_is_described():
    learner = Discriminator(hidden=(), penalty=0, warm_up=0, steps=1)
    one = tfstyle.Stylizer(stripes(), **OPTIONS | {"statistic": learner, "max_size": 96})
    described = one.describe(stripes()[None] / np.float32(255), 5)["descriptor_bytes"]
    found, own = one.stylize_with(content(), described, 3, 2), one.stylize(content(), 3, 2)
    assert_same_picture(found["image"].numpy(), own["image"].numpy())


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda data: data[:-1], "expected all bytes of a picture of this size"),
        (lambda data: data[:30] + b"?" + data[31:], "expected bytes as they were"),
        (lambda data: b"tfstyle", "expected bytes that begin with"),
        (lambda data: packing.pack(PICTURE_LABEL, sizes(96, 16)), "sides from 32 to 96"),
        (lambda data: packing.pack(PICTURE_LABEL, sizes(200, 200)), "expected all bytes"),
        (lambda data: packing.pack(PICTURE_LABEL, sizes(-1, 40)), "expected all bytes"),
    ],
)
def test_a_picture_that_was_made_up_is_refused(change, sentence):
    form = OfPicture(96)
    data = form.packed(tf.zeros([1, 40, 40, 3]), 0).numpy()
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"descriptor_bytes: .*{sentence}"):
        form.unpacked(change(data))


def sizes(height, width):
    return tf.constant([height, width]), tf.zeros([abs(height), width, 3], tf.uint8)
