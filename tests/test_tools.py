"""The programs around the library: painters, training crops, distillation."""

import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfstyle import features, images
from tfstyle.features import vgg
from tfstyle.features.architectures import VGG19_COMPACT
from tools import altered, distill_vgg, grain, paint, seams, training_pictures
from tools.teacher import LAYERS

CROPS = np.random.default_rng(0).random((8, 64, 64, 3), np.float32)


@pytest.mark.parametrize("kind", paint.PAINTERS)
def test_painters_depend_on_the_seed_only(kind):
    first, again, other = (paint.paint(kind, 64, seed) for seed in (1, 1, 2))
    assert first.shape == (64, 64, 3) and first.dtype == np.float32
    assert 0 <= first.min() and first.max() <= 1 and first.std() > 0.05
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 0.02


def test_crops_are_pairs_that_depend_on_epoch_and_index():
    pictures = [np.uint8(255 * np.random.default_rng(n).random((80, 100, 3))) for n in range(3)]
    crops = training_pictures.Crops(pictures, batch=4, crop=64, steps=2)
    first = crops[1][0]
    assert first.shape == (4, 64, 64, 3) and 0 <= first.min() and first.max() <= 1
    np.testing.assert_array_equal(first, crops[1][0])
    assert np.abs(first - crops[0][0]).max() > 0
    crops.begin(1)
    assert np.abs(first - crops[1][0]).max() > 0
    noise = np.abs(first[2:] - first[:2]).mean()
    assert 0 < noise < 0.3


def test_relative_error_of_gram_matrices():
    a, b = CROPS[:2], CROPS[2:4]
    flat_a, flat_b = a.reshape(2, -1, 3), b.reshape(2, -1, 3)
    grams = [np.einsum("npi,npj->nij", flat, flat) for flat in (flat_a, flat_b)]
    expected = ((grams[0] - grams[1]) ** 2).sum((1, 2)) / (grams[1] ** 2).sum((1, 2))
    error = distill_vgg.relative_error(distill_vgg.gram(a), distill_vgg.gram(b))
    np.testing.assert_allclose(error, expected, rtol=1e-3)


def test_distillation_ends_where_the_student_is_the_teacher():
    student, teacher = (vgg.build(VGG19_COMPACT, LAYERS, dtype="float32") for _ in range(2))
    weights = {layer: np.ones(width, np.float32) for layer, width in VGG19_COMPACT.heads.items()}
    model = distill_vgg.Distillation(student, teacher, weights)
    apart = float(model.compute_loss(CROPS, y_pred=student(CROPS)))
    student.set_weights(teacher.get_weights())
    together = float(model.compute_loss(CROPS, y_pred=student(CROPS)))
    assert together < 1e-9 < 0.1 < apart


def test_a_dead_channel_is_drawn_anew_and_nobody_listens_yet():
    student = features.get("vgg19_compact", LAYERS, precision="float32")
    layer = student.get_layer("block2_conv1")
    kernel, bias = layer.get_weights()
    bias[:5] = -1e6
    layer.set_weights([kernel, bias])
    before = student(CROPS)
    distill_vgg.revive(student, CROPS)
    trunk = keras.Model(student.input, layer.output)
    assert np.all(np.mean(np.asarray(trunk(CROPS)) > 0, axis=(0, 1, 2)) > 0.002)
    for name, after in student(CROPS).items():
        assert distill_vgg.relative_error(after, before[name]).numpy().max() < 1e-3, name


def test_saved_student_is_what_the_library_loads(tmp_path):
    student = vgg.build(VGG19_COMPACT, LAYERS, dtype="float32")
    distill_vgg.save([student], tmp_path / "student.npz")
    loaded = features.get(
        "vgg19_compact", LAYERS, weights=tmp_path / "student.npz", precision="float32"
    )
    for layer, expected in student(CROPS[:1]).items():
        error = np.abs(loaded(CROPS[:1])[layer] - expected).max() / np.abs(expected).max()
        assert error < 2e-3, layer  # 11 bits of half precision


def test_a_detail_is_the_middle_of_the_large_picture(tmp_path):
    small = np.full([1, 40, 60, 3], 0.25, np.float32)
    large = np.tile(np.linspace(0, 1, 240, dtype=np.float32)[:, None], (1, 160, 1, 3))
    paths = [tmp_path / f"{name}.png" for name in ("small", "large", "both")]
    images.save(paths[0], small)
    images.save(paths[1], large)
    flags = [f"--{name}={path}" for name, path in zip(("small", "large", "output"), paths)]
    command = [sys.executable, "-m", "tools.detail_figure", *flags]
    subprocess.run(command, cwd=pathlib.Path(__file__).parent.parent, check=True)
    both = images.load(paths[2])
    assert both.shape == (1, 40, 3 * 60 + 2 * 8, 3)
    np.testing.assert_allclose(both[:, :, :60], small, atol=1 / 255)
    np.testing.assert_allclose(both[:, :, -60:], large[:, 60:100, 78:138], atol=1 / 255)


def test_a_seam_is_measured_beside_the_steps_inside():
    columns = np.float32([0, 0.1, 0.3, 0.4, 0.6])  # steps of 0.1 and 0.2, and 0.6 over the seam
    image = np.tile(columns[:, None], (1, 7, 1, 3))
    np.testing.assert_allclose(seams.steps(image), (4, 1 / 3), rtol=1e-4)
    np.testing.assert_allclose(seams.together([image] * 4), (4, 1 / 6), rtol=1e-4)


def test_altered_networks_are_what_their_names_say():
    dot = np.zeros((1, 16, 16, 1), np.float32)
    dot[:, 7] = 1  # a row, of which each pooled row sees a part
    with altered.antialiased():
        pooled = vgg._pool("average", "reflect", "pool", "float32")(dot).numpy()[0, :, 3, 0]
    np.testing.assert_allclose(np.sort(pooled)[-2:], [1 / 8, 3 / 8])
    np.testing.assert_allclose(pooled.sum(), 1 / 2)
    values = np.linspace(-3, 3, 101, dtype=np.float32).reshape(1, 101, 1, 1)
    with altered.rounded():
        rounded = vgg.ACTIVATION(tf.constant(values)).numpy()
    assert 0.01 < np.abs(rounded - np.maximum(values, 0)).max() < 0.1
    assert vgg.ACTIVATION == "relu"


def test_grids_of_grain_are_settings_and_become_a_table():
    for variants, pairs, textures in grain.GRIDS.values():
        stylized = [grain._stylized(variants, *pair) for pair in pairs[:1]]
        for cells in (*stylized, grain._textures(variants, textures[0])):
            settings = [cell.settings for cell in cells if cell.label not in altered.ALTERED]
            assert len(set(settings)) == len(settings) > 1
            assert {cell.label for cell in cells} <= set(variants)
    measures = dict.fromkeys(grain.MEASURES)
    rows = [
        measures | {"kind": "texture", "variant": name, "palette": palette, "structure": structure}
        for name, palette, structure in (("a", 1, 0.5), ("a", 4, None), ("a", 2, 0.25), ("b", 3, 1))
    ]
    assert grain._table(rows, "texture") == [
        "| texture | palette | structure |",
        "|---|---|---|",
        "| a | 2 (4) | 0.375 (0.25) |",
        "| b | 3 (3) | 1 (1) |",
    ]
