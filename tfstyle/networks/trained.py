"""A trained network as a file: weights, settings and the record of its training."""

import json
import os
import zipfile
from typing import Any

import numpy as np
import tensorflow as tf

from tfstyle import images
from tfstyle.networks import files, style_network, texture_network

FORMAT = 1
NETWORKS: dict[str, Any] = {
    "style": style_network.StyleNetwork,
    "texture": texture_network.TextureNetwork,
}


def build(kind: str, dtype: str | None = None) -> Any:
    """A network with new weights.

    Args:
        kind: "style" or "texture".
        dtype: Keras dtype policy, e.g. "float32" or "mixed_bfloat16".
    """
    network = NETWORKS[kind](dtype=dtype)
    side = network.stride * 2
    is_texture = kind == "texture"
    network(texture_network.noise(1, side, side, 0) if is_texture else tf.zeros([1, side, side, 3]))
    return network


class Trained:
    """A network that was trained.

    Args:
        network: a `StyleNetwork` or `TextureNetwork`.
        settings: those of its training, `TrainSettings` as JSON.
        record: how the training went, and whatever else is to be kept with it, as JSON.
    """

    def __init__(self, network: Any, settings: dict[str, Any], record: dict[str, Any]):
        self.network, self.settings, self.record = network, settings, record

    @property
    def kind(self) -> str:
        """Of the network, "style" or "texture"."""
        return self.settings["kind"]

    def save(self, path: str | os.PathLike) -> None:
        """Writes a file, whole or not at all; weights in half precision. Raises `OSError`."""
        header = {"format": FORMAT, "settings": self.settings, "record": self.record}
        arrays: dict[str, Any] = {
            f"weight_{number}": np.float16(weight)
            for number, weight in enumerate(self.network.get_weights())
        }
        path = os.path.realpath(os.path.expanduser(path))
        with images.temporary(path) as beside:
            with open(beside, "xb") as file:
                arrays["header"] = np.array(json.dumps(header))
                np.savez_compressed(file, **arrays)
            os.replace(beside, path)


def load(name: str | os.PathLike, dtype: str | None = "float32") -> Trained:
    """Reads a file that `Trained.save` wrote; nothing in it is executed.

    Args:
        name: see `tfstyle.networks.files.find`.
        dtype: see `build`.

    Raises:
        ValueError: no such file, or another one; the message begins with "model".
    """
    path = files.find(name)
    try:
        with open(path, "rb") as file:
            arrays = dict(np.load(file, allow_pickle=False))
        header = json.loads(str(arrays.pop("header")))
        if header["format"] != FORMAT:
            raise ValueError(f"format {header['format']}")
        network = build(header["settings"]["kind"], dtype)
        network.set_weights([np.float32(arrays[f"weight_{n}"]) for n in range(len(arrays))])
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"model={name}: expected a network of tfstyle train, received another or a damaged "
            f"file ({error})"
        ) from None
    return Trained(network, header["settings"], header["record"])
