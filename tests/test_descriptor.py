"""Statistics as a vector: nothing is lost, and of what is there twice one half is kept."""

import os

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from test_saved_model import make

from tfstyle import statistics
from tfstyle.discriminator import Discriminator
from tfstyle.serving import saved_model
from tfstyle.serving.descriptor import Form

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


def test_a_discriminators_export_describes_nothing(tmp_path):
    learner = make(statistic=Discriminator(hidden=(), penalty=0), content_weight=0.0)
    directory = saved_model.save(learner, tmp_path)
    with open(os.path.join(directory, "saved_model.pb"), "rb") as file:
        (graph,) = saved_model_pb2.SavedModel.FromString(file.read()).meta_graphs
    assert set(graph.signature_def) - {"__saved_model_init_op"} == {
        "stylize",
        "stylize_masked",
        "step",
        "serving_default",
    }
