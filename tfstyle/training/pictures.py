"""What a style network is trained on: crops of photographs, by `tf.data`; some are held out."""

import glob
import logging
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfstyle import images

log = logging.getLogger("tfstyle")

HELD_OUT = 8  # at most, and at most one of so many
TRIES = 20  # to find a picture that can be read
CROPS = 4  # of each picture that is decoded
PICTURES = (*images.EXTENSIONS, ".jpeg", ".tif", ".heic")  # as names of files end
BUFFER = 64  # crops among which the next one is drawn
GAMMA, TINT, CONTRAST = 0.2, 0.2, 0.15  # deviations of their logarithms, TINT of each channel's


def found(photos: Any) -> list[Any]:
    """The pictures that are meant: those in folders, of patterns, files, or given as arrays.

    Raises:
        ValueError: fewer than two; the message begins with "photos".
    """
    given = photos if isinstance(photos, (list, tuple)) else [photos]
    pictures = listed([each for each in given if each is not None], "photos")
    if len(pictures) < 2:
        raise ValueError(
            "photos: expected a folder or a list of at least 2 pictures, one of which is held out "
            f"from training, received {len(pictures)}"
        )
    return pictures


def listed(given: Sequence[Any], name: str) -> list[Any]:
    """Pictures below folders, those that patterns mean, and those that are given themselves.

    Raises:
        ValueError: nothing is found under a path; the message begins with `name`.
    """
    pictures: list[Any] = []
    for each in given:
        here = [each]
        if isinstance(each, (str, os.PathLike)) and not os.path.isfile(each):
            path = os.path.expanduser(each)
            pattern = os.path.join(glob.escape(path), "**") if os.path.isdir(path) else path
            names = sorted(glob.glob(pattern, recursive=True))
            here = [path for path in names if path.lower().endswith(PICTURES)]
        if not here:
            raise ValueError(f"{name}: expected pictures, received {str(each)!r}, which has none")
        pictures += here
    return pictures


class Photographs:
    """Photographs, of which some are held out.

    Args:
        pictures: paths or arrays, see `tfstyle.images.load`.
        side: of the crops, in pixels.
        seed: integer, which decides what is held out and how crops are taken.
    """

    def __init__(self, pictures: Sequence[Any], side: int, seed: int):
        order = np.random.default_rng(seed).permutation(len(pictures))
        kept_out = min(HELD_OUT, -(-len(pictures) // HELD_OUT))
        self.side, self.seed = side, seed
        self.pictures = [pictures[number] for number in order[kept_out:]]
        out = [images.load(pictures[number], "photos") for number in order[:kept_out]]
        middles = [images.fitted(each, side, side, "crop", ()) for each in out]
        self.held_out = np.concatenate([images.resize(each, side, side) for each in middles])

    def batches(self, batch: int, first: int = 0) -> Any:
        """An endless `tf.data.Dataset` of crops, float32 `[batch, side, side, 3]` in [0, 1].

        Args:
            batch: crops of each.
            first: number of the batch with which it begins, so that a training can be resumed.
        """
        import tensorflow as tf

        def crops(number):
            taken = tf.numpy_function(self._crops, [number], tf.float32, stateful=False)
            return tf.ensure_shape(taken, [CROPS, self.side, self.side, 3])

        begin = first * batch // CROPS
        numbers = tf.data.Dataset.range(begin, begin + 2**40)
        taken = numbers.map(crops, num_parallel_calls=tf.data.AUTOTUNE).unbatch()
        shuffled = taken.shuffle(BUFFER, seed=self.seed + first)
        return shuffled.batch(batch, drop_remainder=True).prefetch(tf.data.AUTOTUNE)

    def _crops(self, number):
        """Crops of one picture, mirrored or not, in other colours; the same for the same number."""
        rng = np.random.default_rng([self.seed, int(number)])
        picture = self._picture(rng)
        return np.stack([self._crop(picture, rng) for _ in range(CROPS)])

    def _picture(self, rng):
        """One that can be read: a damaged file among thousands must not end a training."""
        for number in rng.integers(len(self.pictures), size=TRIES):
            try:
                return images.load(self.pictures[number], "photos")[0]
            except images.ImageError as error:
                log.warning("left out: %s", error)
        raise images.ImageError(f"photos: expected pictures, received {TRIES} damaged ones in turn")

    def _crop(self, picture, rng):
        height, width = picture.shape[:2]
        shortest = min(height, width)
        side = int(np.exp(rng.uniform(np.log(min(self.side, shortest)), np.log(shortest))))
        top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
        crop = picture[top : top + side, left : left + side]
        if side != self.side:
            crop = images.resize(crop[None], self.side, self.side)[0]
        crop = crop[:, ::-1] if rng.random() < 0.5 else crop
        toned = np.clip(crop, 0, 1) ** np.exp(rng.normal(0, GAMMA) + rng.normal(0, TINT, 3))
        mean = toned.mean(axis=(0, 1))
        return np.float32(np.clip(mean + (toned - mean) * np.exp(rng.normal(0, CONTRAST)), 0, 1))
