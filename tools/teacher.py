"""The networks that the compact one can be trained from and compared with.

VGG19 (`imagenet`, or its weights in a file), or a compressed VGG-19 in the layout of Wang et al.
2020, "Collaborative Distillation for Ultra-Resolution Universal Style Transfer" (arrays
`conv11/kernel`, ..., `conv51_aux/bias`).
"""

import dataclasses

import keras
import numpy as np

from tfstyle import features
from tfstyle.features import precision, vgg, weights
from tfstyle.features.architectures import VGG19_COMPACT

LAYERS = tuple(VGG19_COMPACT.heads)


def load(identifier: str, arithmetic: str) -> keras.Model:
    """The network whose features are to be matched, `{layer: [batch, h, w, C]}` for `LAYERS`."""
    if not identifier.endswith(".npz") or "conv0/kernel" not in np.load(identifier):
        return features.get("vgg19", LAYERS, weights=identifier, precision=arithmetic)
    arrays = dict(np.load(identifier))
    kernel, bias = arrays["conv11/kernel"], arrays["conv11/bias"]
    # Its colour preprocessing is linear and commutes with reflection: fold it into conv11.
    colour, offset = arrays["conv0/kernel"][0, 0], arrays["conv0/bias"]
    arrays["conv11/kernel"] = np.einsum("ij,hwjo->hwio", colour, kernel)
    arrays["conv11/bias"] = bias + np.einsum("j,hwjo->o", offset, kernel)
    heads = {
        layer: width for layer, width in VGG19_COMPACT.heads.items() if layer != "block4_conv2"
    }
    table = dataclasses.replace(VGG19_COMPACT, heads=heads, mean=(0, 0, 0), scale=1 / 255)
    model = vgg.build(table, LAYERS, dtype=precision.policy(arithmetic))
    names = {layer.name: _published_name(layer.name) for layer in model.layers if layer.weights}
    found = {ours: (arrays[f"{its}/kernel"], arrays[f"{its}/bias"]) for ours, its in names.items()}
    weights.assign(model, found, identifier)
    return model


def _published_name(layer):
    return f"conv{layer[5]}{layer[11]}" + ("_aux" if layer.endswith("_head") else "")
