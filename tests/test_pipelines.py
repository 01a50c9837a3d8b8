"""The page about pipelines and its example do what they say."""

import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfstyle import images

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parent.parent
BLOCKS = re.findall(
    r"^```(python)?\n(.*?)^```", (ROOT / "docs/pipelines.md").read_text(), re.M | re.S
)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page run from top to bottom in a copy of what a reader has: the names it defines."""
    folder, names = tmp_path_factory.mktemp("page"), {}
    shutil.copytree(ROOT / "examples", folder / "examples")
    before = list(sys.path)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Keras: a dataset is not shuffled again
        patch.chdir(folder)
        for language, text in BLOCKS:
            if language:
                exec(text, names)
            else:
                program, *arguments = shlex.split(text)
                assert program == "python"
                environment = {"PYTHONPATH": str(ROOT), "PATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
                subprocess.run([sys.executable, *arguments], env=environment, check=True)
        sys.path[:] = before
        names["records"] = list(names["records"])
    names["folder"] = folder
    return names


def test_pictures_of_a_batch_are_painted_as_a_single_one_is(page):
    painted = page["painted"].numpy()
    assert painted.shape == (64, 96, 3) and np.abs(painted - page["photo"]).mean() > 0.02
    for other in page["both"]:
        np.testing.assert_allclose(other, painted, atol=1e-5)


def test_a_dataset_repeats_and_looks_like_a_direct_call(page):
    once, again = (next(iter(page["dataset"])).numpy() for _ in range(2))
    np.testing.assert_array_equal(once, again)
    changed = np.abs(page["painted"] - page["photo"]).mean()
    assert np.abs(once - page["painted"]).mean() < 0.3 * changed


def test_every_photograph_is_written_once_with_its_class(page):
    assert [int(label) for _, label in page["records"]] == [0] * 4 + [1] * 4


def test_records_show_the_photograph_in_other_colours(page):
    for (painted, _), (original, _) in zip(page["records"], originals(page)):
        grey, before = (np.mean(x, axis=2).ravel() for x in (painted, original))
        assert np.corrcoef(grey, before)[0, 1] > 0.3
        assert np.abs(painted - original).mean() > 0.05


def originals(page):
    size = 64
    found = keras.utils.image_dataset_from_directory(
        page["folder"] / "demo/classes", batch_size=None, image_size=(size, size), shuffle=False
    )
    return [(image.numpy() / 255, label) for image, label in found]


def test_styles_are_drawn_and_repeat(page):
    example, pairs = page["stylized_dataset"], [(np.zeros([40, 40, 3], np.uint8), 0)] * 6
    flat = tf.data.Dataset.from_generator(
        lambda: pairs, output_signature=(tf.TensorSpec([40, 40, 3], tf.uint8), tf.TensorSpec([]))
    )
    styles = [np.full([1, 40, 40, 3], 0.1), images.noise(40, 40, seed=1)]
    settings = {"evaluations": 3, "content_weight": 0, "style_layers": ["block1_conv1"]}
    once, again = (
        [image.numpy() for image, _ in example.stylized(flat, styles, 40, **settings)]
        for _ in range(2)
    )
    np.testing.assert_array_equal(once, again)
    assert len(np.unique([image.std().round(1) for image in once])) > 1


def test_the_model_was_trained_on_them(page):
    history = page["model"].history.history
    assert len(history["loss"]) == 2 and np.isfinite(history["loss"]).all()
