"""A run as an object: its steps, how it is stopped, and how it is resumed to the bit."""

import dataclasses
import functools
import itertools
import os
import random
import threading

import numpy as np
import pytest
import slow
from test_api import CONTENT_LAYERS, STYLE_LAYERS, checks, photo, stripes

from tfstyle import Checkpoint, Outcome, Run, checkpoint, optimizers, workload
from tfstyle.optimizers import base
from tfstyle.settings import InvertSettings, StylizeSettings, TextureSettings

LAYERS = {"style_layers": STYLE_LAYERS, "content_layers": CONTENT_LAYERS}
FEW = StylizeSettings(size=64, evaluations=12, scales=2, precision="float32", **LAYERS)
TEXTURE = TextureSettings(
    size=64, evaluations=12, scales=2, precision="float32", style_layers=STYLE_LAYERS
)
LARGER = StylizeSettings(
    size=160,
    evaluations=12,
    precision="float32",
    content_layers=["block2_conv1"],
    style_layers=["block1_conv1", "block3_conv1"],
)


def start(settings=FEW, style=None, **options):
    """A run on a disc and stripes."""
    return Run(settings, photo(), stripes() if style is None else style, **options)


@pytest.fixture
def every_evaluation(monkeypatch):
    monkeypatch.setattr(base, "CHUNK_SECONDS", 1e-9)


# --- steps ---------------------------------------------------------------------------------------


def test_steps_tell_how_far_it_is(every_evaluation):
    begun = start()
    steps = list(begun)
    assert [step.evaluations for step in steps] == list(range(13))
    assert [step.level for step in steps] == 8 * [1] + 5 * [2] and steps[0].levels == 2
    assert np.isnan(steps[0].loss) and steps[0].losses == {}
    # An evaluation at twice the size is four times the work: 7 and 4 * 5 parts, by convolutions.
    expected = [*range(8), *(7 + 4 * n for n in range(1, 6))]
    np.testing.assert_allclose([s.fraction for s in steps], np.array(expected) / 27, atol=0.01)
    for step in steps[1:]:
        assert set(step.losses) == {"content", "style", "tv", "range"}
        assert step.loss == pytest.approx(sum(step.losses.values()), rel=1e-5)
        assert step.image.dtype == np.float32
        assert step.image.shape == ((1, 32, 32, 3) if step.level == 1 else (1, 64, 64, 3))
        assert step.image.min() >= 0 and step.image.max() <= 1
    result = begun.result
    assert result.outcome is Outcome.DONE
    np.testing.assert_array_equal(result.image, steps[-1].image)
    assert result.losses[-1, 1] >= steps[-1].loss * (1 - 1e-6)
    assert next(begun, None) is None  # it stays at its end


def test_news_come_often_enough():
    assert base.CHUNK_SECONDS <= 0.25


@pytest.mark.parametrize("looks", [1, 4, 9])
def test_a_callback_stops_it(looks, every_evaluation):
    result = start().complete(lambda step: step.evaluations < looks)
    assert result.outcome is Outcome.STOPPED and result.evaluations == looks
    assert result.image.shape == (1, 64, 64, 3)
    assert len(result.losses) == looks and not result.outcome.finished


def test_another_thread_stops_it(every_evaluation):
    begun = start(dataclasses.replace(FEW, evaluations=100_000))
    threading.Timer(1.0, begun.stop).start()
    *_, last = begun
    assert begun.result.outcome is Outcome.STOPPED and begun.evaluations < 100_000
    assert last.evaluations == begun.result.evaluations


def test_an_exception_in_a_callback_reaches_the_caller_and_leaves_nothing_broken():
    class Mine(Exception):
        pass

    def fail(step):
        if step.evaluations:
            raise Mine("as it is")

    before = start().complete()
    with pytest.raises(Mine, match="^as it is$"):
        start().complete(fail)
    np.testing.assert_array_equal(start().complete().image, before.image)


def test_a_bar_is_shown_where_it_is_asked_for(monkeypatch, capsys):
    import tqdm.auto

    shown = []

    class Bar(tqdm.auto.tqdm):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)

        def close(self):
            if not self.disable:  # it is closed again when it is deleted
                shown.append((self.n, self.total, self.postfix))
            super().close()

    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    start().complete()
    assert shown == []
    start().complete(progress=True)
    ((done, total, text),) = shown
    assert done == total and text.startswith("12 evaluations, loss ")


def test_a_run_that_has_not_begun_has_no_result():
    begun = start()
    for ask in (lambda: begun.result, begun.checkpoint):
        with pytest.raises(ValueError, match="^run: expected one that has made its first step"):
            ask()
    next(begun)
    assert begun.result.evaluations == 0 and begun.result.outcome is Outcome.STOPPED


def test_repr_says_what_came_of_it():
    result = start().complete()
    assert repr(result).startswith("<Result 64x64: done after 12 evaluations in ")


def test_outcomes():
    assert {outcome: outcome.exit_code for outcome in Outcome if outcome.finished} == {
        Outcome.DONE: 0,
        Outcome.CONVERGED: 0,
        Outcome.NO_PROGRESS: 0,
    }
    assert all(outcome.value.startswith("done") == outcome.finished for outcome in Outcome)
    assert Outcome("stopped").exit_code == 130 and Outcome("out of memory").exit_code == 1


def test_scales_that_are_too_many_are_known_without_tensorflow():
    with pytest.raises(ValueError, match="^scales: expected an integer from 1 to 2"):
        start(dataclasses.replace(FEW, scales=3))


# --- checkpoints ---------------------------------------------------------------------------------

RESUMED = {
    "lbfgs": lambda **o: start(**o),
    "adam": lambda **o: start(dataclasses.replace(FEW, optimizer="adam"), **o),
    "noise": lambda **o: start(TEXTURE, **o),
    "seeded": lambda **o: start(
        dataclasses.replace(TEXTURE, statistic="sliced_wasserstein", seed=3), **o
    ),
    "discriminator": lambda **o: start(
        dataclasses.replace(
            TEXTURE, statistic="discriminator", discriminator_hidden=(6,), style_blend=(3, 1)
        ),
        [stripes(), checks(40, 50)],
        **o,
    ),
    "discriminator by lbfgs": lambda **o: start(
        dataclasses.replace(TEXTURE, statistic="discriminator", optimizer="lbfgs"), **o
    ),
    "invert": lambda **o: start(
        InvertSettings(size=48, evaluations=12, precision="float32", layer=CONTENT_LAYERS), **o
    ),
    "blocks": lambda **o: start(LARGER, **o),
}


@pytest.fixture
def in_blocks(request, monkeypatch):
    if "blocks" in request.node.callspec.id:
        monkeypatch.setattr(workload, "SIDES", (64,))


@pytest.mark.parametrize("name", slow.but(("adam", "seeded", "invert"), RESUMED))
def test_resumed_runs_end_as_if_they_had_never_stopped(name, tmp_path, every_evaluation, in_blocks):
    make, path = RESUMED[name], tmp_path / "run.npz"
    whole = make().complete()
    moments = random.Random(name).sample(range(1, whole.evaluations), 2)
    for moment in moments if name == "blocks" else sorted({0, whole.evaluations, *moments}):
        begun = make()
        for step in begun:
            if step.evaluations >= moment:
                begun.checkpoint().save(path)
                break
        del begun
        resumed = make(checkpoint=path, resume=True)
        result = resumed.complete()
        np.testing.assert_array_equal(result.image, whole.image, f"{name} at {moment}")
        np.testing.assert_array_equal(result.losses, whole.losses)
        assert result.outcome == whole.outcome and result.parts == whole.parts
        path.unlink()


def test_a_run_can_be_resumed_again_and_again(tmp_path, every_evaluation):
    path, whole = tmp_path / "run.npz", start().complete()
    for count in itertools.count(1):
        result = start(checkpoint=path, resume=True).complete(
            lambda step, last=count: step.evaluations < last
        )
        if result.outcome.finished:
            break
    assert count == 12
    np.testing.assert_array_equal(result.image, whole.image)


@pytest.mark.parametrize("seconds, least, most", [(0.0, 12, 20), (1e9, 1, 1)])
def test_checkpoints_are_written_on_the_way_and_at_the_end(
    seconds, least, most, tmp_path, monkeypatch, every_evaluation
):
    monkeypatch.setattr(checkpoint.Saver, "SECONDS", seconds)
    monkeypatch.setattr(checkpoint.Saver, "SHARE", 1e9)
    save, written = Checkpoint.save, []

    def saved(self, path):
        save(self, path)
        written.append(len(self.losses))

    monkeypatch.setattr(Checkpoint, "save", saved)
    start(checkpoint=tmp_path / "run.npz").complete()
    assert least <= len(written) <= most and written[-1] == 12 and written == sorted(written)
    assert os.listdir(tmp_path) == ["run.npz"]


def test_more_evaluations_are_spent_at_the_full_size(tmp_path, every_evaluation):
    path = tmp_path / "run.npz"
    first = start(checkpoint=path).complete()
    more = start(dataclasses.replace(FEW, evaluations=20), checkpoint=path, resume=True)
    steps = list(more)
    assert [step.evaluations for step in steps] == list(range(12, 21))
    assert {step.level for step in steps} == {2}
    assert more.result.evaluations == 20 and more.result.outcome is Outcome.DONE
    np.testing.assert_array_equal(more.result.losses[:12], first.losses)
    assert more.result.losses[-1, 1] < first.losses[-1, 1]
    with pytest.raises(
        ValueError, match="^evaluations: expected at least the 20 of the checkpoint"
    ):
        start(checkpoint=path, resume=True).complete()


def test_a_finished_run_is_not_done_again(tmp_path):
    path = tmp_path / "run.npz"
    first = start(checkpoint=path).complete()
    again = start(checkpoint=path, resume=True)
    (step,) = again
    assert step.fraction == 1 and step.evaluations == 12
    np.testing.assert_array_equal(again.result.image, first.image)
    assert again.result.outcome is first.outcome


def test_a_checkpoint_that_cannot_be_written_does_not_cost_the_picture(
    tmp_path, monkeypatch, caplog
):
    def full(self, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Checkpoint, "save", full)
    result = start(checkpoint=tmp_path / "run.npz").complete()
    assert result.outcome is Outcome.DONE
    assert "run.npz: not written: [Errno 28] No space left on device" in caplog.text


def test_without_a_file_it_begins_at_the_start(tmp_path):
    result = start(checkpoint=tmp_path / "new.npz", resume=True).complete()
    np.testing.assert_array_equal(result.image, start().complete().image)


@functools.cache
def saved():
    begun = start()
    next(begun), next(begun)
    return begun.checkpoint()


@pytest.mark.parametrize(
    "other, message",
    [
        (
            lambda: start(dataclasses.replace(FEW, style_weight=7)),
            "with style_weight=7.0, received",
        ),
        (lambda: start(dataclasses.replace(FEW, seed=1)), "with seed=1, received one with seed=0"),
        (lambda: start(style=checks()), "with these pictures, received one with others"),
        (lambda: start(init=checks()), "with these pictures, received one with others"),
        (lambda: start(optimizer=optimizers.get("lbfgs")), "with these pictures"),
        (lambda: start(TEXTURE), "with "),
    ],
)
def test_a_checkpoint_of_another_run(other, message):
    resumed = other()
    resumed._resume = saved()
    with pytest.raises(ValueError, match=f"^checkpoint: expected one of a run.*{message}"):
        resumed.complete()


def test_a_file_that_is_no_checkpoint_is_neither_read_nor_replaced(tmp_path):
    path = tmp_path / "run.npz"
    saved().save(path)
    whole = path.read_bytes()
    np.savez(tmp_path / "other.npz", other=np.zeros(3))
    for data in (b"", b"none", whole[: len(whole) // 2], (tmp_path / "other.npz").read_bytes()):
        path.write_bytes(data)
        for resume in (False, True):
            with pytest.raises(ValueError, match=f"^checkpoint={path}: expected a new file or a"):
                start(checkpoint=path, resume=resume)
        assert path.read_bytes() == data
    for place in (tmp_path, tmp_path / "none/run.npz"):
        with pytest.raises(ValueError, match=f"^checkpoint={place}: .*expected a file that can be"):
            start(checkpoint=place)


def test_a_damaged_checkpoint_and_one_of_another_version(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    saved().save(path)
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 255
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match=f"^checkpoint={path}: expected a checkpoint of tfstyle"):
        start(checkpoint=path, resume=True).complete()
    monkeypatch.setattr(checkpoint, "_version", lambda: "0.0.9")
    saved().save(path)
    monkeypatch.undo()
    message = f"^checkpoint={path}: expected one of tfstyle .*received one of 0.0.9"
    with pytest.raises(ValueError, match=message):
        start(checkpoint=path, resume=True).complete()
