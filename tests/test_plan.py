"""The plan: what a run will do and cost, from settings, pictures and a device alone."""

import dataclasses
import math

import numpy as np
import pytest

import tfstyle
from tfstyle import Run, cli, device, engine, images, levels, registry, statistics, styles, workload
from tfstyle.device import Device
from tfstyle.features import table
from tfstyle.inputs import Inputs
from tfstyle.optimizers.adam import Adam
from tfstyle.optimizers.lbfgs import LBFGS
from tfstyle.plan import Plan
from tfstyle.settings import StylizerSettings, StylizeSettings, TextureSettings
from tfstyle.settings.choices import GATYS_LAYERS
from tfstyle.workload import Strategy, Workload

LARGE = Device("a machine", True, 64e9)
SMALL = Device("a machine", False, 8e9)
RNG = np.random.default_rng(0)
PICTURES = RNG.random((2, 96, 128, 3), np.float32)


def load(settings, content=PICTURES[0], style=PICTURES[1]):
    return Inputs.load(settings, content, style)


def work(settings, precision="bfloat16", optimizer=None):
    """What a run of such settings costs, without a network."""
    return Workload(
        table(settings.chosen("features")),
        settings.layers(),
        tuple(settings.layer_weights()),
        2 if precision == "bfloat16" else 4,
        statistics.get(settings.chosen("statistic"), settings),
        optimizer or LBFGS(),
        "lbfgs",
        settings,
    )


def plan(settings, here=LARGE, judged=False, style=PICTURES[1], **changes):
    settings = dataclasses.replace(settings, **changes)
    inputs = load(settings, style=style)
    load_ = work(settings, here.precision(settings.precision))
    return Plan.of(settings, inputs, here, load_, judged)


def test_levels_are_those_of_the_image_with_its_margin():
    planned = plan(StylizeSettings(size=512, evaluations=90))
    expected = levels.levels(*levels.with_margin(384, 512), 90, None)
    assert [each.level for each in planned.levels] == expected
    assert planned.size == (384, 512) and sum(planned.budgets) == 90


@pytest.mark.parametrize(
    "asked, here, expected",
    [
        ("auto", LARGE, "bfloat16"),
        ("auto", SMALL, "float32"),
        ("float32", LARGE, "float32"),
        ("bfloat16", SMALL, "bfloat16"),
    ],
)
def test_the_precision_is_resolved_once(asked, here, expected):
    assert plan(StylizeSettings(precision=asked), here).precision == expected


def test_the_command_line_and_the_library_have_the_same_plan(tmp_path, monkeypatch):
    """Once 1600 pixels at 2GB were refused by one and taken by the other."""
    monkeypatch.chdir(tmp_path)
    for name, picture in zip(("content", "style"), PICTURES):
        images.save(f"{name}.png", picture[None])
    seen = []
    real = Plan.of.__func__
    of = classmethod(lambda cls, *a, **o: seen.append(real(cls, *a, **o)) or seen[-1])
    monkeypatch.setattr(Plan, "of", of)
    monkeypatch.setattr(device, "find", lambda: LARGE)
    settings = StylizeSettings(size=1600, memory="2GB", evaluations=3)
    begun = Run(settings, "content.png", "style.png")
    from_library = begun.plan
    monkeypatch.setattr(Run, "__next__", lambda run: run.plan and (_ for _ in ()).throw(Seen))
    flags = ["--size=1600", "--memory=2GB", "--evaluations=3", "--output=out.png"]
    assert cli.main(["stylize", "--content=content.png", "--style=style.png", *flags]) == 1
    assert len(seen) == 2 and dataclasses.replace(seen[1], workload=None) == dataclasses.replace(
        from_library, workload=None
    )
    assert from_library.levels[-1].strategy.side  # in blocks


class Seen(Exception):
    pass


def test_the_budget_is_what_was_asked_for_or_most_of_the_machines():
    assert plan(StylizeSettings(memory="6.5GB")).budget == 6.5e9
    assert plan(StylizeSettings(memory="1500mb", size=64)).budget == 1500e6
    assert plan(StylizeSettings(), Device("", True, 10e9)).budget == 8e9


def test_styles_count_at_their_size():
    """96 pixels beside a style of 9000 took 24 GB; the plan had said 0.9."""
    settings = StylizeSettings(size=96, style_size=9000)
    whole, tight = plan(settings), plan(settings, memory="6GB")
    activations = table("vgg19_narrow").activations(settings.layer_weights(), 6750, 9000)
    assert whole.style_side is None and whole.memory > 2 * activations
    assert tight.style_side in workload.SIDES[1:] and tight.memory < 6e9
    with pytest.raises(ValueError, match="^style_size: .* a style of 9000x6750, which needs"):
        plan(settings, memory="1GB")
    with pytest.raises(ValueError, match="^style_size: expected one for which 6.0GB"):
        plan(settings, memory="6GB", statistic="sliced_wasserstein")


def test_several_styles_the_judge_and_large_pictures_count():
    one = plan(StylizeSettings(size=512, style_size=2000))
    several = plan(StylizeSettings(size=512, style_size=2000), style=[PICTURES[1]] * 3)
    assert several.memory > 1.05 * one.memory
    judged = plan(StylizeSettings(size=512, style_size=2000), judged=True)
    assert judged.memory > one.memory
    large = RNG.random((3000, 2000, 3), np.float32)
    with_large = plan(StylizeSettings(size=64), style=large)
    more = 12 * (3000 * 2000 - 96 * 128)
    assert with_large.memory >= plan(StylizeSettings(size=64)).memory + more


def test_a_style_is_measured_in_blocks_where_it_must_be(monkeypatch):
    """The same targets, and never more than a block at once."""
    monkeypatch.setattr(workload, "SIDES", (None, 128))
    settings = StylizeSettings(
        size=64,
        style_size=400,
        evaluations=2,
        precision="float32",
        style_layers=["block1_conv1", "block2_conv1"],
        content_layers=["block2_conv1"],
    )
    whole = Run(settings, *PICTURES).complete()
    engine.forget()
    real, seen = Plan.of.__func__, []
    monkeypatch.setattr(
        Plan, "of", classmethod(lambda cls, *a: dataclasses.replace(real(cls, *a), style_side=128))
    )
    kept = styles.Styles.kept

    def watched(self, pictures, level, seed, grid, *options):
        seen.append(grid.side)
        return kept(self, pictures, level, seed, grid, *options)

    monkeypatch.setattr(styles.Styles, "kept", watched)
    blocked = Run(settings, *PICTURES).complete()
    assert seen == [128]
    np.testing.assert_allclose(blocked.losses, whole.losses, rtol=1e-4)


def test_fractions_are_parts_of_the_work():
    planned = plan(StylizeSettings(size=512, evaluations=90))
    fractions = [
        planned.fraction(number, made)
        for number, each in enumerate(planned.levels)
        for made in range(each.level.evaluations)
    ]
    assert fractions[0] == 0 and fractions == sorted(fractions)
    last = planned.levels[-1].level
    assert planned.fraction(2, last.evaluations) == pytest.approx(1)
    costs = [sum(each.work) * each.level.evaluations for each in planned.levels]
    assert planned.fraction(1, 0) == pytest.approx(costs[0] / sum(costs))


def test_seconds_are_work_over_speed():
    planned = plan(StylizeSettings(size=256, evaluations=30))
    fast, float32 = (sum(x.level.evaluations * x.work[n] for x in planned.levels) for n in (0, 1))
    assert planned.seconds(2e11, 1e11) == pytest.approx(fast / 2e11 + float32 / 1e11)


def test_flops_of_an_evaluation_against_the_sum_over_its_layers():
    """VGG19's table at 64 pixels, written out: convolutions and Gram matrices, there and back."""
    settings = StylizeSettings(
        features="vgg19",
        statistic="gram",
        style_layers=GATYS_LAYERS,
        content_layers=["block4_conv2"],
    )
    convolutions = 0
    sides = [64, 64, 32, 32, 16, 16, 16, 16, 8, 8, 8, 8, 4]
    widths = [64, 64, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512, 512]
    for side, inputs, outputs in zip(sides, [3, *widths], widths):
        convolutions += 2 * 9 * inputs * outputs * side**2
    grams = sum(2 * c**2 * s**2 for c, s in ((64, 64), (128, 32), (256, 16), (512, 8), (512, 4)))
    assert work(settings).flops(64, 64) == 2 * (convolutions + grams)


@pytest.mark.parametrize("name", registry.CRITERIA)
def test_every_statistic_tells_what_it_costs(name):
    criterion = statistics.get(name)
    small, large = (criterion.work(positions, 64) for positions in (1000, 4000))
    assert 0 < small < large <= 4 * small
    assert criterion.work(1000, 64) < criterion.work(1000, 128)
    assert criterion.numbers(1000, 64) >= 0


def test_statistics_differ_in_time():
    """Through the same network and layers, whatever the defaults of each."""
    settings = TextureSettings(size=256, features="vgg19_compact", style_layers=GATYS_LAYERS)
    seconds = {
        name: plan(settings, statistic=name).seconds(3e11, 2e11) for name in registry.CRITERIA
    }
    cheap = max(seconds[name] for name in ("gram", "mean"))
    assert all(seconds[name] > 1.3 * cheap for name in ("gaussian_w2", "sliced_wasserstein"))


def test_a_new_optimiser_is_one_class_and_one_line(monkeypatch):
    """What it says of its memory is optional; once the plan raised KeyError."""
    monkeypatch.setitem(registry.OPTIMIZERS, "mine", "test_plan:Mine")
    settings = object.__new__(StylizeSettings)
    for name, value in StylizeSettings(size=64, evaluations=3).as_json().items():
        object.__setattr__(settings, name, value)
    object.__setattr__(settings, "optimizer", "mine")
    begun = Run(settings, *PICTURES)
    assert begun.plan.memory > 0
    assert begun.complete().evaluations == 3 and isinstance(begun.engine.optimizer, Mine)


class Mine(Adam):
    """A new optimiser."""


def test_a_network_without_a_table_is_worked_on_whole():
    settings = StylizeSettings(size=64, evaluations=5)
    planned = Plan.of(settings, load(settings), LARGE, None)
    assert {each.strategy for each in planned.levels} == {Strategy()}
    assert planned.memory == 0 and planned.fraction(0, 5) == 1


def test_the_announcement_reads_the_plan():
    planned = plan(StylizeSettings(size=4096, style_size=512, memory="5.5GB"))
    line = planned.announcement("vgg19_compact", 12.2)
    side = planned.levels[-1].strategy.side
    assert line == (
        f"a machine, bfloat16 | vgg19_compact | 4096x3072, 6 scales, the last in blocks of {side} |"
        f" about {planned.memory / 1e9:.1f} GB, 13 s"
    )
    assert side and planned.memory < 5.5e9


def test_the_stylizer_has_the_engine_of_its_settings():
    stylizer = tfstyle.Stylizer(
        PICTURES[1], style_layers=["block1_conv1"], content_layers=["block1_conv2"]
    )
    assert stylizer.settings == StylizerSettings(
        style_layers=["block1_conv1"], content_layers=["block1_conv2"]
    )
    assert stylizer._engine.workload.layers == ("block1_conv2", "block1_conv1")
    assert not math.isnan(stylizer._engine.workload.memory(64, 64, Strategy()))
