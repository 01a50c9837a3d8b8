"""The comparison: what it makes, what it measures, how it judges, and its command."""

import csv
import json
import os
import pathlib
import shlex
import signal

import numpy as np
import pytest
from PIL import Image

import tfstyle
from tfstyle import Run, cli, features, images, statistics
from tfstyle.evaluation import comparison, contact_sheet, judge, measures

LAYERS = ("block1_conv1", "block2_conv1")
TEXTURE = {"size": 48, "evaluations": 4, "precision": "float32", "style_layers": LAYERS}
FEW = TEXTURE | {"content_layers": LAYERS[1:]}
FLAGS = [
    "--size=48",
    "--evaluations=4",
    "--precision=float32",
    f"--style_layers={','.join(LAYERS)}",
    f"--content_layers={LAYERS[1]}",
]


def picture(seed, height=48, width=64):
    rng = np.random.default_rng(seed)
    return images.resize(rng.random((1, 12, 16, 3), np.float32), height, width)


# --- judge -------------------------------------------------------------------------------------


def exact_kernel_distance(x, y):
    def squared(a, b):
        return ((a[:, np.newaxis] - b) ** 2).sum(-1)

    bandwidth = np.median(squared(y, y))

    def without_diagonal(z):
        return (np.exp(-squared(z, z) / bandwidth).sum() - len(z)) / (len(z) * (len(z) - 1))

    across = np.exp(-squared(x, y) / bandwidth).mean()
    return without_diagonal(x) + without_diagonal(y) - 2 * across


def test_kernel_distance_against_its_definition():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((80, 3)), rng.standard_normal((70, 3)) + 0.5
    expected = exact_kernel_distance(x, y)
    assert expected > 0.05
    np.testing.assert_allclose(judge.kernel_distance(x, [(y, 1.0)]), expected, rtol=0.1)


def test_kernel_distance_is_unbiased():
    """Samples of one distribution are 0 apart on average, also of a mixture."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(50):
        x, y, z = rng.standard_normal((3, 20, 2))
        found.append(judge.kernel_distance(x, [(y, 0.3), (z, 0.7)]))
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(50)
    assert np.min(found) < 0


def test_kernel_distance_sees_what_moments_do_not():
    """Same mean and variance, another shape: a Gaussian and two points."""
    rng = np.random.default_rng(0)
    gauss, again = rng.standard_normal((2, 1000, 1))
    coins = rng.choice([-1.0, 1.0], (1000, 1))
    assert abs(judge.kernel_distance(gauss, [(again, 1.0)])) < 0.005
    assert judge.kernel_distance(coins, [(gauss, 1.0)]) > 0.05


@pytest.mark.parametrize("constant", ["samples", "target", "both"])
def test_kernel_distance_of_constant_features_is_finite(constant):
    spread, flat = np.random.default_rng(0).random((6, 4)), np.ones((6, 4))
    samples = spread if constant == "target" else flat
    target = spread if constant == "samples" else flat
    assert np.isfinite(judge.kernel_distance(samples, [(target, 1.0)]))


def test_the_judge_knows_the_style():
    style = picture(0)
    noise = np.random.default_rng(0).random(style.shape, np.float32)
    far = [judge.judge(other, [(style, 1.0)]) for other in (noise, 0 * style)]
    assert abs(judge.judge(style, [(style, 1.0)])) < 0.01 < 0.1 < min(far)


def test_a_blend_is_judged_as_a_mixture():
    """Half of the positions of each: nearer to a picture that is half this, half that."""
    one, other = picture(0), np.ones((1, 48, 64, 3), np.float32)
    both = np.concatenate([one[:, :, :32], other[:, :, 32:]], axis=2)
    blend = [(one, 0.5), (other, 0.5)]
    distances = [judge.judge(image, blend) for image in (both, one, other)]
    assert distances[0] < min(distances[1:]) / 3


# --- distances ---------------------------------------------------------------------------------


def test_distances_against_numpy():
    network = features.get("vgg19_compact", LAYERS, precision="float32")
    image, style = picture(0), picture(1)
    found = judge.distances(image, [(style, 1.0)], network, {LAYERS[0]: 1.0, LAYERS[1]: 3.0})
    assert set(found) == set(statistics.STATISTICS)

    def rows(layer, x):
        values = np.asarray(network(x)[layer], np.float64)
        return values.reshape(-1, values.shape[-1])

    for name, measure in {
        "mean": lambda x: x.mean(0),
        "gram": lambda x: x.T @ x / len(x),
    }.items():
        errors = []
        for layer in LAYERS:
            here, there = measure(rows(layer, image)), measure(rows(layer, style))
            errors.append(np.sum((here - there) ** 2) / np.sum(there**2))
        np.testing.assert_allclose(found[name], (errors[0] + 3 * errors[1]) / 4, rtol=1e-4)


def test_content_distance_against_numpy():
    network = features.get("vgg19_compact", ["block4_conv2"], precision="float32")
    image, content = picture(0), picture(1)
    here, there = (np.asarray(network(x)["block4_conv2"], np.float64) for x in (image, content))
    expected = np.sum((here - there) ** 2) / np.sum(there**2)
    assert expected > 0.1
    np.testing.assert_allclose(judge.content_distance(image, content), expected, rtol=1e-4)
    large = images.resize(content, 96, 128)
    assert judge.content_distance(content, large) < 0.01 * expected


# --- compare -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compared():
    return tfstyle.compare(picture(0), picture(1, 40, 60), statistics=["mean", "gram"], **FEW)


def test_a_picture_for_every_statistic_and_kind(compared):
    assert [(row["kind"], row["statistic"]) for row in compared.rows] == [
        ("texture", "mean"),
        ("texture", "gram"),
        ("stylize", "mean"),
        ("stylize", "gram"),
    ]
    assert [image.shape for image in compared.images] == [(1, 48, 48, 3)] * 2 + [(1, 32, 48, 3)] * 2
    assert all(row["evaluations"] == 4 for row in compared.rows)


def test_a_cell_is_the_picture_of_its_function(compared):
    alone = tfstyle.stylize(picture(1, 40, 60), picture(0), statistic="gram", **FEW)
    np.testing.assert_array_equal(compared.images[3], alone.image)
    alone = tfstyle.synthesize_texture(picture(0), statistic="mean", **TEXTURE)
    np.testing.assert_array_equal(compared.images[0], alone.image)


def test_matching_the_means_does_not_match_the_covariance():
    options = FEW | {"evaluations": 60}
    rows = tfstyle.compare(picture(0), statistics=["mean", "mean_covariance"], **options).rows
    mean, both = (row["distance_mean_covariance"] for row in rows)
    assert both < 0.5 * mean
    assert max(row["distance_mean"] for row in rows) < 0.1 * mean


def test_the_rows_have_what_no_loss_looks_at(compared):
    """Beside the style at its size next to the picture; what a kind does not have is None."""
    for row, image in zip(compared.rows, compared.images):
        beside = [(images.resize(picture(0), 36, 48), 1.0)]
        grain = measures.grain(image, beside)
        assert {name: row[f"grain_{name}"] for name in grain._fields} == grain._asdict()
        assert row["palette"] == measures.palette(image, beside) > 0
        if row["kind"] == "texture":
            assert row["structure"] == measures.structure(image, beside) and row["content"] is None
        else:
            content = judge.content_distance(image, picture(1, 40, 60))
            assert row["content"] == pytest.approx(content, rel=1e-5) and row["structure"] is None


def test_ranks_follow_the_judge(compared):
    for kind in ("texture", "stylize"):
        rows = [row for row in compared.rows if row["kind"] == kind]
        by_rank = sorted(rows, key=lambda row: row["rank"])
        assert [row["judge"] for row in by_rank] == sorted(row["judge"] for row in rows)


def test_a_sweep_changes_that_setting_only():
    sweep = ("style_weight", [0.0, 1e3])
    found = tfstyle.compare(picture(0), picture(1), sweep=sweep, tv_weight=0, **FEW)
    assert [row["kind"] for row in found.rows] == ["stylize"] * 2  # textures have no style weight
    photo = images.resize(picture(1), *found.images[0].shape[1:3])
    changes = [np.abs(image - photo).mean() for image in found.images]
    assert changes[0] < 1e-3 < changes[1] / 5


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"sweep": ("colour", [1])}, "^sweep: expected a setting of stylize, received 'colour'"),
        ({"sweep": ("seed", [])}, "^sweep: expected at least one value"),
        ({"sweep": ("style_weight", [1])}, "^content: expected a picture"),
        ({"colour": "red"}, "^colour: unknown setting"),
        (
            {"statistics": ["grammar"]},
            "^statistic: expected one of .*received 'grammar'; did you mean",
        ),
        ({"statistics": []}, "^statistics: expected one or several different names"),
        ({"statistics": ["gram", "gram"]}, "^statistics: expected one or several different names"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        tfstyle.compare(picture(0), **arguments)


def test_every_setting_of_a_texture_is_one_of_stylize():
    """Textures are given what `stylize` takes."""
    taken = [comparison.JOBS[kind].fields() for kind in ("texture", "stylize")]
    assert set(taken[0]) < set(taken[1])


# --- sheet -------------------------------------------------------------------------------------


def test_a_sheet_shows_its_pictures_and_labels():
    red, blue = (np.zeros((1, 20, 30, 3), np.float32) for _ in range(2))
    red[..., 0], blue[..., 2] = 1, 1
    plain = contact_sheet.draw([[(red, "")], [(red, ""), (blue, "")]])
    labelled = contact_sheet.draw([[(red, "")], [(red, ""), (blue, "a label")]])
    for colour, count in (((1, 0, 0), 2), ((0, 0, 1), 1)):
        assert (plain == np.float32(colour)).all(-1).sum() == count * 20 * 30
        assert (labelled == np.float32(colour)).all(-1).sum() == count * 20 * 30
    assert (labelled < 0.4).all(-1).sum() > 20  # ink
    assert (plain < 0.4).all(-1).sum() == 0


def test_long_labels_are_wrapped_into_the_column():
    small = np.zeros((1, 20, 60, 3), np.float32)
    short, long = (
        contact_sheet.draw([[(small, text)]]) for text in ("a", "style_layers=block1_conv1," * 3)
    )
    assert long.shape[2] == short.shape[2] and long.shape[1] > short.shape[1]


def test_a_strip_keeps_shapes_and_fits():
    pictures = [np.full((1, 40, 80, 3), 0.2, np.float32), np.full((1, 90, 90, 3), 0.8, np.float32)]
    strip = contact_sheet.strip(pictures, 100, 120)
    assert strip.shape == (1, 40, 120, 3)
    np.testing.assert_allclose(strip[:, :, :80], 0.2, atol=1e-6)
    np.testing.assert_allclose(strip[:, :, 80:], 0.8, atol=1e-6)


# --- command -----------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, seed in (("style.png", 0), ("other.png", 1), ("content.png", 2)):
        Image.fromarray(np.uint8(255 * picture(seed)[0])).save(name)
    return tmp_path


COMPARE = ["compare", "--style=style.png", "--output=out", *FLAGS]


def test_the_command_writes_pictures_sheet_and_tables(folder, capsys):
    flags = ["--content=content.png", "--statistics=mean,gram", "--verbose"]
    assert cli.main([*COMPARE, *flags]) == 0
    with open("out/comparison.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    table = json.loads(pathlib.Path("out/comparison.json").read_text())
    assert [row["file"] for row in rows] == [row["file"] for row in table["pictures"]]
    assert sorted([*(row["file"] for row in rows), *("sheet.jpg", "comparison.csv")]) == sorted(
        set(os.listdir("out")) - {"comparison.json"}
    )
    for row, exact in zip(rows, table["pictures"]):
        settings = images.read_settings(f"out/{row['file']}")
        assert f"--statistic={row['statistic']}" in settings["command"]
        for name in statistics.STATISTICS:
            assert float(row[f"distance_{name}"]) == exact[f"distance_{name}"] > 0
        for name in ("grain_luminance_25", "grain_chroma_50", "palette", "structure", "content"):
            assert row[name] == ("" if exact[name] is None else str(exact[name]))
        assert (exact["content"] is None) == (row["kind"] == "texture")
    assert "--statistics=mean,gram" in table["command"]
    printed = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "tfstyle texture --style=style.png" in printed[2] and "--size=512" in printed[2]
    assert sum(line.startswith("tfstyle stylize") for line in printed) == 2


@pytest.mark.slow
@pytest.mark.parametrize("begun", [False, True], ids=["before it begins", "in the middle"])
def test_the_same_command_continues_where_it_was_stopped(folder, capsys, monkeypatch, begun):
    flags = [*COMPARE, "--sweep=seed=1,2,3"]
    real, runs = Run.__next__, []

    def interrupted(run):
        if run not in runs:
            runs.append(run)
        if len(runs) == 2 and bool(run.evaluations) == begun:
            signal.raise_signal(signal.SIGINT)
        return real(run)

    monkeypatch.setattr(Run, "__next__", interrupted)
    assert cli.main(flags) == 130
    names = [f"texture_seed_{seed}.png" for seed in (1, 2, 3)]
    assert sorted(os.listdir("out")) == names[: 1 + begun]
    end = capsys.readouterr().err.splitlines()[-1]
    assert end == (
        "the same command continues from here"
        if begun
        else "tfstyle compare: interrupted before the picture was written"
    )
    kept = os.stat(f"out/{names[0]}").st_mtime_ns
    assert cli.main(flags) == 0
    assert len(runs) == 4 and os.stat(f"out/{names[0]}").st_mtime_ns == kept
    assert {images.read_settings(f"out/{name}")["outcome"] for name in names} == {"done"}
    assert cli.main([*flags, "--tv_weight=0.5"]) == 0  # another command: all are made anew
    assert len(runs) == 7


@pytest.mark.slow
def test_the_embedded_command_makes_the_same_picture_again(folder):
    assert cli.main([*COMPARE, "--content=content.png", "--sweep=style_weight=5,50"]) == 0
    path = "out/stylize_style_weight_5.png"
    made = images.load(path)
    program, *arguments = shlex.split(images.read_settings(path)["command"])
    os.remove(path)
    assert program == "tfstyle" and cli.main(arguments) == 0
    np.testing.assert_array_equal(images.load(path), made)


def test_a_sweep_over_values_that_hold_commas(folder):
    flags = ["--sweep=style_blend=1,0;0.5,0.5", "--style=style.png,other.png"]
    assert cli.main([*COMPARE, *flags]) == 0
    with open("out/comparison.csv", newline="") as file:
        assert [row["style_blend"] for row in csv.DictReader(file)] == ["1,0", "0.5,0.5"]


@pytest.mark.parametrize(
    "flags, expected",
    [
        (["--statistics=mean,grammar"], "different statistics out of gram, mean,"),
        (["--statistics="], "--statistics=: expected one or several different statistics"),
        (["--statistics=mean,mean"], "--statistics=mean,mean: expected one or several different"),
        (["--sweep=style_weight"], "--sweep: expected a flag of stylize and values"),
        (["--sweep=colour=1,2"], "--sweep: expected a flag of stylize and values"),
        (["--sweep=output=a,b"], "--sweep: expected a flag of stylize and values"),
        (
            ["--sweep=tv_weight=1,much"],
            "--tv_weight: expected a number of at least 0, received 'much'",
        ),
        (["--sweep=tv_weight=1,1"], "--sweep: expected different values"),
        (["--sweep=scales=1,9"], "--scales: expected an integer from 1 to"),
        (["--sweep=style=style.png,none.png"], "--style=none.png: file not found"),
        (["--sweep=content_weight=1,2"], "--content: expected a picture"),
        (["--content=none.png"], "--content=none.png: file not found"),
        (["--output=style.png"], "--output: expected a folder"),
        (["--sweep=memory=8GB,0.5GB"], "--memory: expected at least"),
        (["--sweep=weights=none.npz"], "--weights: file none.npz not found"),
        (["--size=5"], "--size=5: expected PIXELS or WIDTHxHEIGHT"),
        (["--maps=style.png"], "--maps: expected in texture, which makes the maps of a material"),
        (["--checkpoint=run.npz"], "--checkpoint: expected in commands that paint one picture"),
        (["--evaluations=0"], "--evaluations=0: expected an integer from 1 to 1000000"),
    ],
)
def test_bad_flags_write_nothing(folder, capsys, flags, expected):
    before = sorted(os.listdir())
    assert cli.main([*COMPARE, *flags]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert expected in line
    assert sorted(os.listdir()) == before
