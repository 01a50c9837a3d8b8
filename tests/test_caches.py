"""What is kept from one call to the next: bounded, and safe between threads."""

import concurrent.futures
import threading
import time

import numpy as np
from test_api import CONTENT_LAYERS, STYLE_LAYERS, checks, photo, stripes

import tfstyle
from tfstyle import engine
from tfstyle.caches import Cache


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
    for number in range(12):
        tfstyle.stylize(photo(), stripes(), **SETTINGS | {"size": 40 + number})
    assert len(engine._engines) == 1
    (kept,) = engine._engines._values.values()
    assert len(kept._styles) <= engine.STYLES and len(kept.optimizer._compiled) == 1
