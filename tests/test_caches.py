"""What is kept from one call to the next: bounded, and safe between threads."""

import concurrent.futures
import os
import threading
import time

import numpy as np
import pytest
from test_api import CONTENT_LAYERS, STYLE_LAYERS, checks, photo, stripes, stylize

import tfstyle
from tfstyle import engine, styles, targets
from tfstyle.caches import Cache
from tfstyle.features import weights
from tfstyle.optimizers import base
from tfstyle.optimizers.adam import Adam
from tfstyle.settings import StylizeSettings


def test_the_latest_are_kept():
    made, cache = [], Cache(entries=2, limit=float("inf"))
    for key in "abacab":
        assert cache.get(key, lambda key=key: made.append(key) or key.upper()) == key.upper()
    assert "".join(made) == "abcb" and len(cache) == 2  # "a" was used again before "c" came


def test_bytes_are_bounded_but_for_the_latest():
    cache = Cache(entries=10, size=len, limit=10)
    for key, size in (("a", 4), ("b", 4), ("c", 4)):
        cache.get(key, lambda size=size: "x" * size)
    assert len(cache) == 2
    cache.get("d", lambda: "x" * 100)
    assert len(cache) == 1 and cache.get("d", lambda: "new") == "x" * 100
    cache.clear()
    assert len(cache) == 0 and cache.get("d", lambda: "new") == "new"


def test_threads_that_ask_at_once_get_one_value():
    made, cache, together = [], Cache(entries=2, limit=float("inf")), threading.Barrier(8)

    def ask(_):
        together.wait()
        return cache.get("key", make)

    def make():
        time.sleep(0.05)
        made.append(object())
        return made[-1]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        values = list(pool.map(ask, range(8)))
    assert len(made) == 1 and all(value is made[0] for value in values)


def test_a_failure_is_not_kept():
    cache = Cache(entries=2, limit=float("inf"))

    def fail():
        raise ValueError("no")

    for make, expected in ((fail, None), (lambda: 5, 5)):
        try:
            assert cache.get("key", make) == expected
        except ValueError:
            assert make is fail


SETTINGS = {
    "size": 48,
    "evaluations": 4,
    "precision": "float32",
    "style_layers": STYLE_LAYERS,
    "content_layers": CONTENT_LAYERS,
}


def test_runs_in_several_threads_make_the_pictures_of_one():
    engine.forget()
    jobs = [(photo(), stripes()), (checks(), stripes()), (photo(), checks())]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda job: tfstyle.stylize(*job, **SETTINGS).image, jobs))
    for job, image in zip(jobs, together):
        np.testing.assert_array_equal(image, tfstyle.stylize(*job, **SETTINGS).image)


def test_many_calls_of_different_sizes_keep_no_more_than_some():
    engine.forget()
    for number in range(styles.KEPT + 1):
        tfstyle.stylize(photo(), stripes(), **SETTINGS | {"size": 40 + number, "evaluations": 1})
    assert len(engine._engines) == 1
    (kept,) = engine._engines._values.values()
    assert len(kept.styles._kept) <= styles.KEPT and len(kept.optimizer._compiled) == 1


@pytest.fixture
def counted(monkeypatch):
    """Counts graphs that are traced, and pictures that are measured, from an empty memory."""
    engine.forget()
    counts = {"traced": 0, "styles": 0}
    real_trace, real_style = base.Optimizer._trace, targets.style

    def trace(*arguments):
        counts["traced"] += 1
        return real_trace(*arguments)

    def style(network, statistic, styles, *arguments):
        counts["styles"] += len(styles)
        return real_style(network, statistic, styles, *arguments)

    monkeypatch.setattr(base.Optimizer, "_trace", trace)
    monkeypatch.setattr(targets, "style", style)
    return counts


NAMED = {"size": 32, "evaluations": 3, "features": "vgg19_compact", "precision": "float32"}


def test_a_second_call_of_the_same_settings_traces_and_measures_nothing(counted):
    fresh = stylize(photo(60, 52), **NAMED | {"size": 40}).image
    assert counted == {"traced": 1, "styles": 1}
    stylize(checks(), **NAMED | {"size": 40})
    again = stylize(photo(60, 52), **NAMED | {"size": 40}).image
    assert counted == {"traced": 1, "styles": 1}
    np.testing.assert_array_equal(again, fresh)


OF_THE_SAME_GRAPH = {
    "nothing": {},
    "style": {"style": checks()},
    "part of a style": {"style": stripes()[:, :50]},
    "blend": {"style": [stripes(), checks()], "style_blend": [1, 3]},
    "style_size": {"style_size": 40},
    "size": {"size": 40},
}


def test_what_is_kept_is_not_taken_for_that_of_other_pictures(counted):
    """Made in two orders: what would be taken for an earlier one is wrong in one of them."""
    images = {}
    for names in (list(OF_THE_SAME_GRAPH), list(OF_THE_SAME_GRAPH)[::-1]):
        engine.forget()
        counted["traced"] = 0
        for name in names:
            image = stylize(**NAMED | OF_THE_SAME_GRAPH[name]).image
            np.testing.assert_array_equal(images.setdefault(name, image), image, name)
        assert counted["traced"] == 1
    different = {image.tobytes() for image in images.values()}
    assert len(different) == len(images)


OF_ANOTHER_GRAPH = [
    {"seed": 1, "statistic": "sliced_wasserstein"},
    {"content_weight": 7},
    {"style_layers": STYLE_LAYERS[::-1], "style_layer_weights": [1, 2]},
    {"pooling": "max", "optimizer": "adam"},
]


@pytest.mark.slow
def test_what_is_kept_is_not_taken_for_that_of_other_settings(counted):
    """Each is compared with all others, and is traced and measures its style for itself."""
    images = [stylize(**NAMED).image]
    for number, other in enumerate(OF_ANOTHER_GRAPH, 2):
        images.append(stylize(**NAMED | other).image)
        assert counted == {"traced": number, "styles": number}, other
        np.testing.assert_array_equal(stylize(**NAMED).image, images[0], str(other))  # still kept
        assert counted["traced"] == number, other
        assert all(np.abs(images[-1] - image).max() > 1e-4 for image in images[:-1]), other


KEYS = [
    *({}, {"statistic": "gram"}, {"statistic": "discriminator"}),
    {"statistic": "discriminator", "discriminator_hidden": (4,)},
    {"statistic": "discriminator", "discriminator_steps": 5},
    {"statistic": "sliced_wasserstein", "sliced_wasserstein_directions": 7},
    *({"style_weight": 7}, {"content_weight": 7}, {"tv_weight": 7}, {"strength": 0.5}),
    *({"style_layers": STYLE_LAYERS[:1]}, {"style_layers": STYLE_LAYERS}),
    *({"style_layer_weights": [1, 2, 3, 4, 5, 6]}, {"style_layer_weights": [6, 5, 4, 3, 2, 1]}),
    {"style_layers": STYLE_LAYERS[::-1], "style_layer_weights": [1, 2]},
    *({"content_layers": CONTENT_LAYERS}, {"features": "vgg19"}, {"pooling": "max"}),
    *({"padding": "zeros"}, {"tile": "x"}, {"color": "keep"}, {"weights": "file.npz"}),
    *({"optimizer": "adam"}, {"optimizer": "adam", "adam_learning_rate": 0.5}),
]


def test_settings_of_different_graphs_have_different_keys():
    keys = [engine._key(StylizeSettings(**changes)) for changes in KEYS]
    assert len({repr(key) for key in keys}) == len(keys)
    for changes in (
        {"size": 40},
        {"seed": 1},
        {"evaluations": 9},
        {"scales": 1},
        {"memory": "1GB"},
    ):
        assert engine._key(StylizeSettings(**changes)) == keys[0], changes


def test_objects_of_the_caller_are_taken_as_they_are_now(counted):
    optimizer = Adam(learning_rate=0.01)
    first = stylize(optimizer=optimizer, **NAMED).image
    optimizer.learning_rate = 0.1
    second = stylize(optimizer=optimizer, **NAMED).image
    assert np.abs(first - second).max() > 0.05
    assert len(engine._engines) == 0


def test_weights_that_were_written_anew_are_read_anew(counted, tmp_path):
    arrays = dict(np.load(weights.BUNDLED))
    path = tmp_path / "weights.npz"
    results = []
    for number, factor in enumerate((1, 0.5)):
        name = "block1_conv1/kernel"
        np.savez(path, **arrays | {name: arrays[name] * np.float16(factor)})
        os.utime(path, (number, number))
        results.append(stylize(weights=path, **NAMED).image)
    assert np.abs(results[0] - results[1]).max() > 0.01
