"""FRAME: sampler, learning and the theorem, on lattices that can be enumerated; then real runs."""

import itertools
import os
import shlex
import signal

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy import stats

import tfstyle
from tfstyle import cli, progress
from tfstyle.random_field import fields, filters, gibbs, learning
from tfstyle.random_field.energy import BINS, Energy, Feature
from tfstyle.random_field.gibbs import Gibbs
from tfstyle.random_field.run import start
from tfstyle.settings import FrameSettings

ACROSS = filters.Filter("across", np.array([[1, -1]], np.int32))
CORNER = filters.Filter("corner", np.array([[1, 2], [0, -2]], np.int32))


def energy_of(levels, side, kernels=(ACROSS, CORNER)):
    features = [Feature.of(each, levels, np.zeros((8, 8), int)) for each in kernels]
    return Energy(features, levels, side, side)


def all_pictures(levels, side):
    return np.array(list(itertools.product(range(levels), repeat=side**2))).reshape(-1, side, side)


def written_out(pictures, kernels, levels):
    """Histograms by loops over the pixels of a kernel, `[pictures, K, BINS]`."""
    histograms = []
    for each in kernels:
        height, width = each.kernel.shape
        response = sum(
            each.kernel[i, j] * np.roll(pictures, (height // 2 - i, width // 2 - j), (1, 2))
            for i in range(height)
            for j in range(width)
        )
        least = (levels - 1) * np.minimum(each.kernel, 0).sum()
        histograms.append([(response - least == n).mean((1, 2)) for n in range(BINS)])
    return np.transpose(histograms, (2, 0, 1))


def some_multipliers(seed, count=2):
    return np.random.default_rng(seed).normal(0, 0.7, (count, BINS)).astype(np.float32)


def probabilities(histograms, multipliers, pixels):
    energies = pixels * np.einsum("nkb,kb->n", histograms, multipliers)
    weights = np.exp(energies.min() - energies)
    return weights / weights.sum()


def drawn(energy, multipliers, chains, sweeps, seed=0):
    rng = np.random.default_rng(seed)
    shape = chains, energy.height, energy.width
    pictures = tf.constant(rng.integers(0, energy.levels, shape), tf.int32)
    gibbs = Gibbs(energy)
    for number in range(sweeps):
        pictures = gibbs.sweep(pictures, tf.constant(multipliers), tf.constant([seed, number]))
    return pictures.numpy()


@pytest.mark.parametrize("levels, side", [(2, 3), (3, 3)])
def test_histograms_and_energies_are_those_written_out(levels, side):
    energy, pictures = energy_of(levels, side), all_pictures(levels, side)
    expected = written_out(pictures, (ACROSS, CORNER), levels)
    np.testing.assert_allclose(energy.histograms(tf.constant(pictures, tf.int32)), expected, 1e-6)
    multipliers = some_multipliers(1)
    np.testing.assert_allclose(
        energy.value(tf.constant(pictures, tf.int32), multipliers),
        side**2 * np.einsum("nkb,kb->n", expected, multipliers),
        rtol=1e-4,
        atol=1e-4,
    )


# In the last two several pixels are drawn at once.
@pytest.mark.parametrize("levels, side, sweeps", [(2, 3, 12), (3, 3, 12), (2, 4, 12)])
def test_samples_have_the_enumerated_distribution(levels, side, sweeps):
    """Chi square over all pictures, those of little probability put together by their energy."""
    multipliers, pictures = some_multipliers(2), all_pictures(levels, side)
    expected = probabilities(written_out(pictures, (ACROSS, CORNER), levels), multipliers, side**2)
    chains = 30_000
    samples = drawn(energy_of(levels, side), multipliers, chains, sweeps)
    numbers = samples.reshape(chains, -1) @ levels ** np.arange(side**2)[::-1]
    order = np.argsort(-expected, kind="stable")
    cells = np.zeros(len(order), int)
    cells[order] = np.floor(np.cumsum(expected[order]) * chains / 40)  # 40 samples in each, or more
    cells = np.unique(cells, return_inverse=True)[1]
    observed = np.bincount(cells, np.bincount(numbers, minlength=len(cells)))
    wanted = np.bincount(cells, expected) * chains
    assert stats.chisquare(observed, wanted * chains / wanted.sum()).pvalue > 0.001
    uniform = np.bincount(cells) * chains / len(expected)
    assert stats.chisquare(observed, uniform).pvalue < 1e-12


def exact_match(histograms, observed, pixels):
    """Multipliers of the maximum likelihood, by Newton's method on the enumerated pictures."""
    values = histograms.reshape(len(histograms), -1)
    multipliers = np.zeros(values.shape[1])
    for _ in range(30):
        p = probabilities(histograms, multipliers.reshape(observed.shape), pixels)
        mean = p @ values
        covariance = pixels * (values.T * p) @ values - pixels * np.outer(mean, mean)
        multipliers += np.linalg.pinv(covariance) @ (mean - observed.ravel())
    return multipliers.reshape(observed.shape)


@pytest.fixture(scope="module")
def observed():
    """A distribution P of 3x3 pictures of 3 levels, their histograms, and the means under P."""
    histograms = written_out(all_pictures(3, 3), (ACROSS, CORNER), 3)
    truth = np.random.default_rng(3).dirichlet(np.full(len(histograms), 0.3))
    # Rare responses are not that rare: their multipliers would be known too badly.
    truth = 0.5 * truth + 0.5 * probabilities(histograms, 0.5 * some_multipliers(4), 9)
    return histograms, truth, np.einsum("n,nkb->kb", truth, histograms)


def test_learned_multipliers_are_those_of_the_maximum_likelihood(observed):
    """Compared by their model, as several multipliers make the same one."""
    histograms, _, means = observed
    learner = learning.Learner(fields.Levels(np.eye(8), (3, 3), levels=3), seed=1)
    for each, mean in zip((ACROSS, CORNER), means):
        learner.add(Feature.of(each, 3, np.zeros((8, 8), int)), np.float32(mean))
    pictures = tf.constant(np.random.default_rng(0).integers(0, 3, (3000, 3, 3)), tf.int32)
    kept = []
    for number in range(100):
        pictures = learner.advance(pictures, 0.2)
        kept += [learner.multipliers.numpy()] if number >= 50 else []
    learned = probabilities(histograms, np.mean(kept, axis=0), 9)
    exact = probabilities(histograms, exact_match(histograms, means, 9), 9)
    divergence = (exact * np.log(exact / learned)).sum()
    uniform = (exact * np.log(exact * len(exact))).sum()
    assert divergence < 1e-3 < 0.2 < uniform
    np.testing.assert_allclose(np.einsum("n,nkb->kb", learned, histograms), means, atol=4e-3)


def test_divergence_is_least_exactly_at_the_match(observed):
    """The theorem of docs/theory.md, by enumeration, and Pythagoras."""
    histograms, truth, means = observed
    match = exact_match(histograms, means, 9)
    best = probabilities(histograms, match, 9)
    np.testing.assert_allclose(np.einsum("n,nkb->kb", best, histograms), means, atol=1e-10)
    least = (truth * np.log(truth / best)).sum()
    for seed in range(20):
        for scale in (0.01, 0.3):
            direction = np.random.default_rng(seed).normal(0, scale, match.shape)
            other = probabilities(histograms, match + direction, 9)
            excess = (truth * np.log(truth / other)).sum() - least
            assert excess > 0
            np.testing.assert_allclose(excess, (best * np.log(best / other)).sum(), 1e-6)
            moved = np.einsum("n,nkb->kb", other, histograms)
            assert np.abs(moved - means).max() > 1e-4


def test_filters_are_whole_and_blind_to_brightness():
    bank = filters.bank(64)
    names = [each.name for each in bank]
    assert len(set(names)) == len(names) == 30
    assert {each.kernel.dtype for each in bank} == {np.dtype(np.int32)}
    assert [each.kernel.sum() for each in bank] == [1] + [0] * 29
    for each in bank[6:]:  # each sees most of a wave of its own length and direction
        kind, length, degrees = each.name.split()
        frequency = 2 * np.pi / float(length)
        y, x = np.mgrid[: each.side, : each.side] - each.side // 2
        turned = [np.radians(float(degrees) + more) for more in (0, 45, 90)]
        wave = np.cos if kind == "cosine" else np.sin
        waves = [wave(frequency * (x * np.cos(a) + y * np.sin(a))) for a in turned]
        own, *others = [abs((each.kernel * wave).sum()) for wave in waves]
        assert own > 1.5 * max(others)


def test_pixels_that_are_drawn_at_once_share_no_filter():
    for length, side in [(3, 2), (17, 5), (64, 17), (40, 17), (20, 20)]:
        classes = gibbs._classes(length, side).numpy()
        assert set(classes.ravel()) == set(range(length))
        for each in classes:
            gaps = np.diff([*sorted(each), min(each) + length])
            assert len(each) == length // side and gaps.min() >= side


SMALL = {"size": 48, "filters": 3, "sweeps": 15, "levels": 4}


def streaks():
    """Noise that is smooth from left to right, but not from top to bottom."""
    noise = np.random.default_rng(0).random((60, 64))
    return np.lib.stride_tricks.sliding_window_view(noise, 5, axis=1).mean(-1)


def correlations(image):
    """Of a pixel with the next one: to its right, and below."""
    return [np.corrcoef(image.ravel(), np.roll(image, 1, axis).ravel())[0, 1] for axis in (1, 0)]


@pytest.fixture(scope="module")
def painted():
    steps = []
    result = tfstyle.frame(streaks(), callback=steps.append, seed=1, **SMALL)
    return result, steps


def test_a_picture_has_the_histograms_and_the_streaks(painted):
    result, steps = painted
    assert result.outcome is tfstyle.Outcome.DONE and result.evaluations == 60
    assert steps[0].evaluations == 0 and steps[-1].fraction == 1 and steps[-1].level == 3
    assert all(error < 0.12 for error in list(result.parts.values())[:2])
    assert set(steps[-1].losses) == set(result.parts) and len(result.parts) == 4
    image = result.image[0, ..., 0]
    assert result.image.shape == (1, 48, 48, 3) and len(np.unique(image)) <= 4
    across, down = correlations(image)  # 4/5 and 0, less the rounding to four levels
    assert 0.5 < across < 0.8 and abs(down) < 0.2
    assert np.abs(correlations(steps[0].image[0, ..., 0])).max() < 0.1


def test_seeds_make_different_pictures_and_equal_ones_the_same(painted):
    stopped = [
        tfstyle.frame(streaks(), callback=lambda step: step.evaluations < 3, seed=n, **SMALL)
        for n in (1, 1, 2)
    ]
    assert [each.outcome for each in stopped] == [tfstyle.Outcome.STOPPED] * 3
    assert [each.evaluations for each in stopped] == [3] * 3
    images = [each.image for each in stopped]
    assert (images[0] == images[1]).all() and (images[0] == painted[1][3].image).all()
    assert (images[0] != images[2]).mean() > 0.3


def test_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    tfstyle.images.save("style.png", np.repeat(streaks()[np.newaxis, ..., np.newaxis], 3, -1))
    command = ["frame", "--style=style.png", "--output=out.png", "--size=40x32", "--filters=1"]
    assert cli.main([*command, "--sweeps=2", "-v"]) == 0
    assert "out.png: done after 4 sweeps" in capsys.readouterr().err
    with Image.open("out.png") as image:
        assert image.size == (40, 32) and image.mode == "L"
    record = tfstyle.images.read_settings("out.png")
    assert record["outcome"] == "done" and shlex.split(record["command"])[1] == "frame"
    tfstyle.images.save("flat.png", np.full((1, 40, 40, 3), 0.5))
    assert cli.main(["frame", "--style=flat.png", "--output=other.png"]) == 2
    assert "--style: expected a picture of several greys" in capsys.readouterr().err


def test_an_interrupted_command_keeps_the_last_picture(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    tfstyle.images.save("style.png", np.repeat(streaks()[np.newaxis, ..., np.newaxis], 3, -1))
    shown = []

    def show(bar, step):
        shown.append(step)
        if step.evaluations == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(progress.Bar, "show", show)
    command = ["frame", "--style=style.png", "--output=out.png", "--size=32", "--filters=2"]
    assert cli.main([*command, "--resume"]) == 2
    assert "--resume: expected a file in --checkpoint" in capsys.readouterr().err
    assert cli.main([*command, "--checkpoint=run.npz"]) == 130
    said = capsys.readouterr().err
    assert "out.png: stopped after 2 sweeps" in said
    assert "continue from there with --checkpoint=run.npz --resume" in said
    assert tfstyle.images.read_settings("out.png")["outcome"] == "stopped"
    written = tfstyle.images.load("out.png")
    np.testing.assert_allclose(written, shown[-1].image, atol=0.5 / 255 + 1e-6)


RUNS = {
    "gibbs": {"size": 40, "levels": 4, "filters": 2, "sweeps": 4},
    "langevin": {"size": 32, "sampler": "langevin", "filters": 2, "sweeps": 2},
    "network": {"size": 32, "features": "vgg19_narrow", "style_layers": ("pixels",), "sweeps": 5},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_resumed_runs_end_as_if_they_had_never_stopped(name, tmp_path):
    """Where the run is resumed last, in the second sweep of the last filter, say."""
    settings = FrameSettings(**RUNS[name])
    whole, made = tfstyle.frame(streaks(), settings), 0
    given = {"checkpoint": tmp_path / "run.npz", "resume": True}
    while made < whole.evaluations:
        run = start(settings, streaks(), **given)
        result = run.complete(lambda step, most=made + 2: step.evaluations < most)
        made = result.evaluations
        assert len(result.losses) == made
    result = tfstyle.frame(streaks(), settings, **given)
    assert result.outcome is tfstyle.Outcome.DONE and result.parts == whole.parts
    assert (result.image == whole.image).all() and (result.losses == whole.losses).all()
    for changed, style, message in (
        (settings.replace(seed=1), streaks(), "with seed=1, received one with seed=0"),
        (settings, streaks().T, "a run with these pictures"),
    ):
        with pytest.raises(ValueError, match=f"^checkpoint: expected one of .*{message}"):
            next(start(changed, style, **given))


def test_an_interrupted_call_has_its_last_picture_and_a_checkpoint(tmp_path):
    def interrupt(step):
        if step.evaluations == 2:
            raise KeyboardInterrupt

    path = tmp_path / "run.npz"
    result = tfstyle.frame(streaks(), callback=interrupt, checkpoint=path, **RUNS["gibbs"])
    assert result.outcome is tfstyle.Outcome.STOPPED and result.evaluations == 2
    again = next(start(FrameSettings(**RUNS["gibbs"]), streaks(), checkpoint=path, resume=True))
    assert again.evaluations == 2 and (again.image == result.image).all()


def test_a_callback_that_is_none_is_refused():
    with pytest.raises(ValueError, match="^callback: expected a function, received 3"):
        tfstyle.frame(np.eye(64, dtype=np.float32), callback=3)
