"""Feature networks: image -> {layer: activations}."""

import pathlib

from tfstyle import registry
from tfstyle.features import vgg
from tfstyle.features import weights as weight_files

BUNDLED = pathlib.Path(__file__).with_name("data") / "vgg19_compact.npz"


def vgg19_compact(layers, *, weights="bundled", pooling="average", padding="reflect", dtype=None):
    """Our own network, which comes with the package: VGG19's topology at a quarter of the width."""
    model = vgg.build(vgg.VGG19_COMPACT, layers, pooling, padding, dtype)
    source = BUNDLED if weights == "bundled" else weights
    weight_files.assign(model, weight_files.read(source), source)
    return model


def vgg19(layers, *, weights="imagenet", pooling="average", padding="reflect", dtype=None):
    """VGG19 (Simonyan & Zisserman 2014)."""
    model = vgg.build(vgg.VGG19, layers, pooling, padding, dtype)
    weight_files.assign(model, weight_files.read(weights), weights)
    return model


FEATURES = {"vgg19_compact": vgg19_compact, "vgg19": vgg19}


def get(identifier):
    return registry.get(FEATURES, identifier, "feature network")
