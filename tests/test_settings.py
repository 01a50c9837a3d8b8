"""Settings: declared once; keywords, flags, messages, help, records and keys follow."""

import dataclasses
import inspect
import json
import pathlib

import numpy as np
import pytest

import tfstyle
from tfstyle import cli, discriminator, optimizers, registry, statistics
from tfstyle.batch import BatchSettings
from tfstyle.cli import apply, batch, compare, export, frame, options, train
from tfstyle.server import ServeSettings
from tfstyle.settings import (
    JOBS,
    InvertSettings,
    StylizerSettings,
    StylizeSettings,
    TextureSettings,
    base,
    choices,
    kinds,
)
from tfstyle.web import WebSettings
from tools import settings_table

COMMANDS = (
    apply.Pictures,
    batch.Contents,
    compare.Compared,
    export.Model,
    frame.Files,
    options.Content,
    options.Output,
    options.Style,
    ServeSettings,
    WebSettings,
    train.Model,
)
every_job = pytest.mark.parametrize("job", JOBS, ids=lambda job: job.__name__)
# A value of each kind that is not the default of any setting.
OTHERS = {
    kinds.Number: 0.375,
    kinds.Integer: 96,  # a multiple of 32, as sides of training pictures have to be
    kinds.Numbers: (0.5, 2.0, 3.0),
    kinds.Integers: (5, 7),
    kinds.Size: (640, 480),
    kinds.Bytes: "3GB",
    kinds.Colour: "#112233",
    kinds.Path: "some, file.png",
}


def other(field):
    """A value that the field allows and that is not its default."""
    kind = field.metadata["kind"]
    if isinstance(kind, kinds.Choice):
        return next(name for name in kind.names[::-1] if name != field.default)
    if isinstance(kind, kinds.Texts):
        return ("block1_conv2", "block2_conv2", "block3_conv3")
    if isinstance(kind, kinds.Number):
        return max(kind.lowest, min(kind.highest, OTHERS[kinds.Number])) or 0.25
    if isinstance(kind, kinds.Integer):
        return min(kind.highest, OTHERS[kinds.Integer])
    return OTHERS[type(kind)]


def changed(job):
    return job(**{name: other(field) for name, field in job.fields().items()})


@every_job
def test_json_and_back(job):
    for settings in (job(), changed(job)):
        again = job.of(json.loads(json.dumps(settings.as_json())))
        assert again == settings and hash(again) == hash(settings)
    assert changed(job) != job() and len({changed(job), job(), job()}) == 2


@every_job
def test_what_is_written_is_read(job):
    for name, field in job.fields().items():
        kind = field.metadata["kind"]
        for value in (other(field), field.default):
            if value is not None:
                assert kind.read(kind.write(value)) == value, name


@every_job
def test_every_field_says_everything(job):
    for name, field in job.fields().items():
        assert field.metadata["group"] in choices.GROUPS, name
        assert field.metadata["help"] and not field.metadata["help"].endswith("."), name
        of = field.metadata["of"]
        assert of is None or name.startswith(f"{of[1]}_"), name


@pytest.mark.parametrize(
    "function, job",
    [
        (tfstyle.stylize, StylizeSettings),
        (tfstyle.synthesize_texture, TextureSettings),
        (tfstyle.invert, InvertSettings),
        (tfstyle.Stylizer.__init__, StylizerSettings),
    ],
)
def test_keywords_are_the_settings(function, job):
    parameters = inspect.signature(function).parameters
    for name, field in job.fields().items():
        assert parameters[name].default == field.default
        assert f"    {name} ({field.default!r}): {field.metadata['help']}" in function.__doc__


@pytest.mark.parametrize(
    "command, job", [("stylize", StylizeSettings), ("texture", TextureSettings)]
)
def test_flags_are_the_settings(command, job, capsys):
    assert cli.main([command, "--helpfull"]) == 0
    shown = capsys.readouterr().out
    for name, field in job.fields().items():
        assert f"  --{name} " in shown
        if field.default is not None and not isinstance(field.metadata["kind"], kinds.Texts):
            assert field.metadata["kind"].write(field.default) in shown
    settings = changed(job)
    flags = [f"--{name}={text}" for name, text in _texts(settings).items()]
    pictures = (options.Style,) if job is TextureSettings else (options.Content, options.Style)
    files = [f"--{each.__name__.lower()}=a.png" for each in pictures]
    given = options.parse(command, (*pictures, job), [*files, *flags])
    assert options.make(job, given) == settings


def _texts(settings):
    """All flags, also of parts that are not chosen."""
    return {
        name: field.metadata["kind"].write(getattr(settings, name))
        for name, field in settings.fields().items()
    }


@dataclasses.dataclass(frozen=True)
class WithOneMore(StylizeSettings):
    grain: float = base.setting(0.5, kinds.Number(0, 1), "how much grain is kept", choices.LOSSES)


def test_a_new_field_is_all_that_a_new_setting_needs(capsys):
    """The flag, its help, keywords, the messages and the record follow."""
    files = ["--content=a.png", "--style=b.png"]
    classes = (options.Content, options.Style, WithOneMore)
    given = options.parse("stylize", classes, [*files, "--grain=0.25"])
    settings = options.make(WithOneMore, given)
    assert settings.grain == 0.25
    assert settings.texts()["grain"] == "0.25" and settings.as_json()["grain"] == 0.25
    with pytest.raises(Exception, match="flag --grain=2: expected a number from 0 to 1"):
        options.parse("stylize", classes, [*files, "--grain=2"])
    with pytest.raises(ValueError, match="^grain: expected a number from 0 to 1, received nan$"):
        WithOneMore(grain=float("nan"))
    assert options.parse("stylize", classes, ["--helpfull"]) is None
    line = next(x for x in capsys.readouterr().out.splitlines() if "--grain" in x)
    assert line.split(maxsplit=1) == ["--grain", "how much grain is kept (0.5)"]

    @base.keywords(WithOneMore)
    def paint(**changes):
        """Paints."""

    assert inspect.signature(paint).parameters["grain"].default == 0.5
    assert "grain (0.5): how much grain is kept" in paint.__doc__


def test_settings_reach_their_parts():
    settings = StylizeSettings(
        sliced_wasserstein_directions=3, discriminator_hidden=[5, 6], lbfgs_history=4
    )
    assert statistics.get("sliced_wasserstein", settings).directions == 3
    assert statistics.get("discriminator", settings).hidden == (5, 6)
    assert optimizers.get("lbfgs", settings).history == 4
    assert optimizers.get("lbfgs", settings, history=2).history == 2


@pytest.mark.parametrize("name", [*registry.CRITERIA, *registry.OPTIMIZERS])
def test_parts_have_the_defaults_of_the_settings(name):
    get = statistics.get if name in registry.CRITERIA else optimizers.get
    part = get(name)
    arguments = inspect.signature(type(part)).parameters
    for parameter, default in StylizeSettings().parameters(name).items():
        assert arguments[parameter].default == default
        assert getattr(part, parameter) == default


def test_only_what_applies_is_written():
    assert not any(
        name.startswith(("discriminator_", "adam_")) for name in StylizeSettings().texts()
    )
    settings = StylizeSettings(statistic="discriminator")
    assert settings.chosen("optimizer") == "adam"
    assert {"discriminator_hidden", "adam_learning_rate"} <= settings.texts().keys()
    assert "lbfgs_history" not in settings.texts()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: tfstyle.stylize(1, 2, style_weigth=3), "^style_weigth: .*mean style_weight"),
        (lambda: tfstyle.stylize(1, 2, zzz=3), "^zzz: unknown setting; the settings are .*size"),
        (lambda: tfstyle.invert(1, content_weight=3), "^content_weight: unknown setting"),
        (lambda: tfstyle.Stylizer(1, size=3), "^size: unknown setting"),
        (lambda: StylizeSettings(statistic="gramm"), "^statistic: .*; did you mean gram"),
        (lambda: StylizeSettings().replace(evaluation=3), "^evaluation: .*mean evaluations"),
    ],
)
def test_unknown_names(make, message):
    with pytest.raises(ValueError, match=message):
        make()


WRONG = [
    ("precision", []),
    ("precision", None),
    ("background", (1, 1, 1)),
    ("background", "hot"),
    ("background", "rgb(999, 0, 0)"),
    ("weights", 5),
    ("weights", ""),
    ("style_weight", 1e39),
    ("style_weight", True),
    ("style_weight", "1"),
    ("style_blend", [1e38, 3e38]),
    ("style_blend", [[1], [2]]),
    ("style_blend", "1,2"),
    ("style_layers", [["a"], ["b"]]),
    ("style_layers", 5),
    ("style_layers", ["block1_conv1", "block1_conv1"]),
    ("evaluations", 10**12),
    ("evaluations", np.float32(3)),
    ("seed", -1),
    ("seed", 2**31),
    ("memory", 8),
    ("memory", "8"),
    ("memory", "８GB"),
    ("size", [64]),
    ("size", (64, 64, 64)),
    ("lbfgs_history", 0),
    ("adam_beta_1", 1.0),
    ("sliced_wasserstein_directions", 0),
    ("discriminator_hidden", 64),
    ("discriminator_hidden", ["x"]),
    ("discriminator_label_smoothing", 0.7),
]


@pytest.mark.parametrize("name, value", WRONG, ids=lambda x: repr(x)[:24])
def test_wrong_values(name, value):
    with pytest.raises(ValueError, match=f"^{name}: expected .*, received "):
        StylizeSettings(**{name: value})


@pytest.mark.parametrize(
    "name, given, plain",
    [
        ("size", np.int64(64), 64),
        ("size", [64, 48], (64, 48)),
        ("style_weight", np.float32(0.5), 0.5),
        ("style_blend", np.array([1, 2]), (1.0, 2.0)),
        ("weights", pathlib.PurePosixPath("a/b.npz"), "a/b.npz"),
        ("style_layers", ["block1_conv1"], ("block1_conv1",)),
    ],
)
def test_values_become_plain(name, given, plain):
    value = getattr(StylizeSettings(**{name: given}), name)
    assert value == plain and type(value) is type(plain)


def test_settings_that_belong_together():
    with pytest.raises(ValueError, match="^style_layer_weights: .* each of the 6 style layers"):
        StylizeSettings(style_layer_weights=[1, 2])
    with pytest.raises(ValueError, match="^style_weight: .*content_weight is 0 too"):
        StylizeSettings(style_weight=0, content_weight=0)
    with pytest.raises(ValueError, match="^evaluations: expected an integer from 1 to 9"):
        StylizerSettings(max_evaluations=9, evaluations=10)


def test_the_table_of_the_documentation_is_that_of_the_settings():
    page = pathlib.Path(__file__).parent.parent / "docs/settings.md"
    assert page.read_text("utf-8") == settings_table.page(), "run: python -m tools.settings_table"


def test_batches_have_settings_too():
    with pytest.raises(ValueError, match="^workers: expected an integer"):
        BatchSettings(workers=0)
    assert discriminator.Discriminator().hidden == StylizeSettings().discriminator_hidden


def test_home_is_expanded_in_every_path_of_every_command(monkeypatch):
    monkeypatch.setenv("HOME", "/somewhere")
    seen = set()
    for owner in (*JOBS, BatchSettings, *COMMANDS):
        for name, field in owner.fields().items():
            kind = field.metadata["kind"]
            if isinstance(kind, (kinds.Path, kinds.Files)):
                value = kind.read("~/a.png")
                assert value in ("/somewhere/a.png", ("/somewhere/a.png",))
                assert kind.read(kind.write(value)) == value
                seen.add(name)
    masks = {"style_mask", "style_region", "content_mask"}
    pictures = {"content", "style", "init", "output", "animation", "photos", "samples"}
    others = {"weights", "model", "output_dir", "report", "checkpoint", "token_file"}
    assert seen == others | pictures | masks


def test_a_file_may_have_a_comma_in_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a, b.png").touch()
    files = kinds.Files()
    assert files.read("a, b.png") == files.read('"a, b.png"') == ("a, b.png",)
    assert files.read("a,b.png") == ("a", "b.png")
    assert files.read('a,"a, b.png"') == ("a", "a, b.png")


def test_pixels_weigh_more_beside_a_content():
    """A photograph has grain of its own; a texture has none, and rows that need deeper layers."""
    weights = {job: job().layer_weights()["pixels"] for job in (StylizeSettings, TextureSettings)}
    assert weights == {StylizeSettings: 0.5, TextureSettings: 0.05}
    assert StylizerSettings(content_weight=0).layer_weights()["pixels"] == 0.05
    assert StylizeSettings(style_layer_weights=[1, 2, 3, 4, 5, 6]).layer_weights()["pixels"] == 1
