"""The maps of a material: pictures of one surface whose pixels belong together.

While they are made they are one picture of three channels each, the colour first.
"""

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfstyle import images

COLOR = "color"  # name of the map that is the style itself


class Material(NamedTuple):
    """What is known of its maps.

    Attributes:
        names: of all maps, the colour's first.
        grey: whether each was grey, and comes out so.
        depths: bits a channel of their files.
    """

    names: tuple[str, ...]
    grey: tuple[bool, ...]
    depths: tuple[int, ...]

    @property
    def forms(self) -> list[dict[str, Any]]:
        """How each is written, see `tfstyle.output.save`."""
        return [{"grey": grey, "depth": depth} for grey, depth in zip(self.grey, self.depths)]

    def separated(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """The maps `[1, H, W, 3]` in [0, 1], by name, of an image `[1, H, W, 3 n]`.

        Those that were grey are grey; in those with "normal" in their name, vectors have length 1.
        """
        parts = np.split(image, len(self.names), axis=3)
        return {
            name: _finished(part, "normal" in name.lower(), grey)
            for name, part, grey in zip(self.names, parts, self.grey)
        }


def combined(
    colour: np.ndarray, depth: int, maps: Mapping[str, tuple[np.ndarray, int]]
) -> tuple[np.ndarray, Material]:
    """The colour and the other maps as one picture `[1, H, W, 3 n]`, and what they are.

    Args:
        colour: `[1, H, W, 3]` in [0, 1].
        depth: bits a channel of its file.
        maps: the same of the others, see `load`.

    Raises:
        ValueError: a map that has another size than the colour, or its name.
    """
    height, width = colour.shape[1:3]
    for name, (picture, _) in maps.items():
        if name == COLOR:
            raise ValueError(f"maps: expected other names than {COLOR}, which is the style's")
        if picture.shape != colour.shape:
            raise ValueError(
                f"maps: expected pictures of the style's size, {width}x{height}, since their "
                f"pixels belong together, received {name} of {picture.shape[2]}x{picture.shape[1]}"
            )
    pictures, depths = zip((colour, depth), *maps.values())
    grey = tuple(bool(np.all(picture == picture[..., :1])) for picture in pictures)
    return np.concatenate(pictures, axis=3), Material((COLOR, *maps), grey, depths)


def named(paths: Sequence[str]) -> dict[str, str]:
    """Files by the last word of their names: `brick_height.png` is the height.

    Raises:
        ValueError: two of one name.
    """
    result: dict[str, str] = {}
    for path in paths:
        name = os.path.splitext(os.path.basename(path))[0].replace("-", "_").split("_")[-1]
        if name in result:
            raise ValueError(
                f"maps: expected files whose last words differ, received {result[name]} and {path}"
            )
        result[name] = path
    return result


def outputs(path: str, maps: Collection[str]) -> list[str]:
    """Where they are written: `out.png` -> `out_color.png`, `out_height.png`; alone as it is."""
    stem, extension = os.path.splitext(path)
    return [f"{stem}_{name}{extension}" for name in (COLOR, *maps)] if maps else [path]


def load(maps: Mapping[str, Any], background: Any) -> dict[str, tuple[np.ndarray, int]]:
    """The pictures, see `tfstyle.images.load`, and the bits a channel of their files."""
    if not isinstance(maps, Mapping):
        raise ValueError(
            "maps: expected a dict of pictures by name, such as {'height': ...}, received "
            f"{type(maps).__name__}"
        )
    pictures = {name: images.read(picture, "maps") for name, picture in maps.items()}
    return {name: (each.over(background), each.depth) for name, each in pictures.items()}


def _finished(picture, is_normal, is_grey):
    if is_normal:
        vectors = 2 * picture - 1
        lengths = np.linalg.norm(vectors, axis=3, keepdims=True)
        return (1 + vectors / np.maximum(lengths, 1e-6)) / 2
    return np.repeat(picture.mean(axis=3, keepdims=True), 3, axis=3) if is_grey else picture
