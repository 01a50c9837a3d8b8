"""What the functions refuse, each in one sentence that begins with the argument's name."""

import numpy as np
import pytest
from test_api import CONTENT_LAYERS, STYLE_LAYERS, invert, network, photo, stripes, stylize, texture

import tfstyle
from tfstyle import api, settings
from tfstyle.settings import StylizerSettings, StylizeSettings
from tfstyle.settings.kinds import Choice

WRONG = [
    ("content_weight", -1),
    ("style_weight", float("nan")),
    ("style_weight", float("inf")),
    ("tv_weight", -0.1),
    ("style_layer_weights", [1.0]),
    ("style_layer_weights", [1.0, 2.0, 3.0]),
    ("style_layer_weights", [1.0, -1.0]),
    ("style_layer_weights", [1.0, float("nan")]),
    ("style_layer_weights", [0.0, 0.0]),
    ("statistic", "grammar"),
    ("optimizer", "newton"),
    ("features", "vgg16"),
    ("scales", 0),
    ("scales", 3),
    ("size", 0),
    ("size", -64),
    ("size", 20),
    ("size", "64"),
    ("size", (64,)),
    ("size", 64.5),
    ("size", (64, 31)),
    ("evaluations", 0),
    ("evaluations", -1),
    ("style_size", -1),
    ("style_size", 0),
    ("content", np.zeros((64, 64, 2), np.float32)),
    ("content", np.full((64, 64, 3), 200.0, np.float32)),
    ("content", "no/such/file.png"),
    ("style", np.full((64, 64, 3), float("nan"), np.float32)),
    ("style", np.zeros((8, 64, 3), np.uint8)),
    ("style", None),
    ("init", "somewhere.png"),
    ("init", np.zeros((5, 5), np.float32)),
]


@pytest.mark.parametrize(
    "name, value", WRONG, ids=lambda x: x if isinstance(x, str) else repr(x)[:20]
)
def test_wrong_arguments(name, value):
    arguments = {"content": photo(), "style": stripes(), name: value}
    options = {"size": 64, "evaluations": 2, "features": network()}
    options |= {"style_layers": STYLE_LAYERS, "content_layers": CONTENT_LAYERS}
    with pytest.raises(ValueError, match=f"^{name}[:=]"):
        api.stylize(**(options | arguments))
    texture_arguments = settings.TextureSettings.fields().keys() | {"style"}
    if name in texture_arguments:
        arguments.pop("content")
        options.pop("content_layers")
        with pytest.raises(ValueError, match=f"^{name}[:=]"):
            api.synthesize_texture(**(options | arguments))


def test_negative_seed():
    with pytest.raises(ValueError, match="^seed: .*-1"):
        texture(seed=-1)


@pytest.mark.parametrize("features", ["vgg19_compact", "vgg19"])
@pytest.mark.parametrize("name", ["content_layers", "style_layers"])
def test_unknown_layers(features, name):
    with pytest.raises(ValueError, match=f"^{name}: .*'block9_conv1'"):
        api.stylize(photo(), stripes(), features=features, **{name: ["block9_conv1"]})


@pytest.mark.parametrize("name", ["content_layers", "style_layers"])
def test_layers_that_a_ready_model_does_not_have(name):
    with pytest.raises(ValueError, match="^features: expected a network with block9_conv1"):
        stylize(features=network(), **{name: ["block9_conv1"]})


@pytest.mark.parametrize("name", ["content_layers", "style_layers"])
def test_no_layers(name):
    with pytest.raises(ValueError, match="^(content_layers|style_layers|style_layer_weights): "):
        stylize(**{name: ()})


@pytest.mark.parametrize(
    "name, value",
    [
        ("layer", "block9_conv1"),
        ("layer", ["block1_conv1", "block9_conv1"]),
        ("layer", ()),
        ("layer", ""),
        ("layer", ["block1_conv1"] * 2),
        ("tv_beta", 0.5),
        ("tv_beta", float("nan")),
        ("tv_weight", -1),
        ("init", "content"),
        ("content", None),
    ],
)
def test_wrong_arguments_of_an_inversion(name, value):
    arguments = {"content": photo(), "evaluations": 1} | {name: value}
    with pytest.raises(ValueError, match=f"^{name}[:=]"):
        api.invert(**arguments)


def test_inversion_of_a_layer_that_a_ready_model_does_not_have():
    with pytest.raises(ValueError, match="^features: expected a network with block9_conv1"):
        invert(features=network(), layer="block9_conv1")


@pytest.mark.parametrize("callback", [5, "print", []])
def test_a_callback_that_is_no_function(callback):
    with pytest.raises(ValueError, match="^callback: expected a function, received "):
        stylize(callback=callback)


def test_a_network_that_returns_no_layers():
    message = "^features: expected a network that returns {layer: activations}, received one that"
    with pytest.raises(ValueError, match=message):
        stylize(features=lambda image: image)


def test_messages_are_one_line_whatever_was_received():
    with pytest.raises(ValueError, match=r"^style_blend: .*received \[array\(.{1,80}\.\.\.$"):
        stylize(style_blend=[np.zeros((9, 9)), np.ones((9, 9))])


@pytest.mark.parametrize(
    "name, value",
    [
        ("init", "picture"),
        ("init", photo()),
        ("optimizer", "tfp_lbfgs"),
        ("optimizer", "sgd"),
        ("evaluations", 0),
        ("evaluations", 31),
        ("max_evaluations", 0),
        ("max_size", 31),
        ("max_size", 10**6),
        ("max_size", 64.5),
        ("scales", 0),
        ("scales", 4),
        ("style", "none.png"),
        ("style", []),
        ("style", np.zeros((8, 64, 3), np.uint8)),
        ("style_blend", [1, 2]),
        ("style_size", 0),
        ("style_weight", -1),
        ("content_weight", float("nan")),
        ("style_layers", ()),
        ("content_layers", ()),
        ("statistic", "grammar"),
        ("features", "vgg16"),
        ("background", "hot"),
    ],
    ids=lambda x: x if isinstance(x, str) else repr(x)[:20],
)
def test_wrong_arguments_of_a_stylizer(name, value):
    options = {"style": stripes(), "features": network(), "max_size": 128}
    options |= {"style_layers": STYLE_LAYERS, "content_layers": CONTENT_LAYERS}
    with pytest.raises(ValueError, match=f"^{name}[:=]"):
        tfstyle.Stylizer(**(options | {"evaluations": 3, "max_evaluations": 30, name: value}))


def test_what_the_library_can_and_a_stylizer_cannot():
    """Size and seed come with each picture, and blocks, for which memory is set, are not there."""
    ours, all_settings = StylizerSettings.fields(), StylizeSettings.fields()
    masks = {"style_mask", "content_mask"}
    assert all_settings.keys() - ours.keys() == {"size", "fit", "seed", "memory", *masks}
    assert ours.keys() - all_settings.keys() == {"max_size", "max_evaluations"}
    fewer = {
        name: set(all_settings[name].metadata["kind"].names) - set(field.metadata["kind"].names)
        for name, field in ours.items()
        if isinstance(field.metadata["kind"], Choice) and name in all_settings and name != "init"
    }
    # Its line search would be traced some twenty times into every export.
    assert fewer.pop("optimizer") == {"tfp_lbfgs"} and not any(fewer.values())
    with pytest.raises(ValueError, match="^init: expected one of content, noise"):
        StylizerSettings(init="picture.png")
