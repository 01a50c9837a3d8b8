"""Training crops: photographs and procedural pictures, augmented."""

import concurrent.futures
import pathlib
import warnings

import keras
import numpy as np
from PIL import Image

from tools import paint


def read_folder(folder) -> list[np.ndarray]:
    """Every picture below `folder` as uint8 `[H, W, 3]`, in the order of the names."""
    paths = sorted(
        path
        for path in pathlib.Path(folder).rglob("*")
        if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp")
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [np.asarray(Image.open(path).convert("RGB")) for path in paths]


def procedural(count: int, size: int = 384, seed: int = 0) -> list[np.ndarray]:
    """`count` pictures of each procedural kind, uint8 `[size, size, 3]`, painted in parallel."""
    kinds = (*paint.PAINTERS, *_GENERATORS)
    jobs = [(kind, size, [seed + n, kinds.index(kind)]) for kind in kinds for n in range(count)]
    with concurrent.futures.ProcessPoolExecutor() as pool:
        return list(pool.map(_generate, *zip(*jobs)))


def _generate(kind, size, seed):
    painter = paint.PAINTERS.get(kind) or _GENERATORS[kind]
    image = painter(size, np.random.default_rng(seed))
    return np.uint8(np.clip(image, 0, 1) * 255 + 0.5)


def dead_leaves(size: int, rng: np.random.Generator) -> np.ndarray:
    """Discs that cover one another, radii by a power law (Lee, Mumford & Huang 2001), textured."""
    rows, columns = np.mgrid[:size, :size]
    image = np.tile(rng.random(3), (size, size, 1))
    for _ in range(600):
        radius = min(4 / np.sqrt(rng.uniform(4e-4, 1)), size / 3)
        y, x = rng.uniform(0, size, 2)
        inside = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
        phase = rng.uniform(0, 1) * rows + rng.uniform(0, 1) * columns
        ripple = rng.uniform(0, 0.3) * np.sin(phase[inside])[:, None] * rng.random(3)
        grain = rng.uniform(0, 0.15) * rng.standard_normal((int(inside.sum()), 1))
        image[inside] = rng.random(3) + ripple + grain
    return image


def gradients(size: int, rng: np.random.Generator) -> np.ndarray:
    """Smooth colour waves, some of them steep enough to be edges."""
    rows, columns = np.mgrid[:size, :size] / size
    image = np.zeros((size, size, 3))
    for _ in range(5):
        ky, kx = rng.normal(0, rng.choice([3, 12, 60]), 2)
        wave = np.sin(ky * rows + kx * columns + rng.uniform(0, 6.28))
        image += np.tanh(wave * rng.choice([1, 8]))[..., None] * rng.normal(0, 0.25, 3)
    return image + rng.random(3)


def coloured_noise(size: int, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise with a power spectrum of random slope, from white to cloudy."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None]) + 1 / size
    spectrum = np.fft.rfft2(rng.standard_normal((3, size, size))) / frequency ** rng.uniform(0, 2)
    noise = np.fft.irfft2(spectrum, s=(size, size)).transpose(1, 2, 0)
    mixed = (noise / noise.std()) @ (np.eye(3) + rng.normal(0, 0.5, (3, 3)))
    return 0.5 + rng.uniform(0.05, 0.3) * mixed


_GENERATORS = {"dead_leaves": dead_leaves, "gradients": gradients, "coloured_noise": coloured_noise}


def _noise(crop, rng):
    """White noise, or noise of one octave: detail of 2 pixels, of 4, ... of 32."""
    if rng.random() < 0.4:
        return rng.standard_normal(crop.shape)
    repeats = np.ones((2 ** rng.integers(5),) * 2 + (1,))
    side = len(crop) // len(repeats)
    fine = rng.standard_normal((side, side, 3))
    coarse = fine.reshape(side // 2, 2, side // 2, 2, 3).mean(axis=(1, 3))
    return np.kron(fine - np.kron(coarse, np.ones((2, 2, 1))), repeats)


def _mesh(crop, rng):
    """Pixels or lines of two opposite colours in turn, in patches: what syntheses like to leave."""
    rows, columns = np.indices(crop.shape[:2])
    down, across = ((1, 0), (0, 1), (1, 1))[rng.integers(3)]
    sign = 1 - 2.0 * ((down * rows + across * columns) % 2)
    patches = np.kron(rng.random((len(crop) // 16,) * 2) ** 2, np.ones((16, 16)))
    return (sign * patches)[..., None] * rng.standard_normal(3)


def _detail(crop, rng):
    """What sharpens a crop, or blurs it."""
    blurred = sum(np.roll(crop, shift, axis) for axis in (0, 1) for shift in (1, -1)) / 4
    return (crop - blurred) * rng.choice([1, -1])


class Crops(keras.utils.PyDataset):
    """Batches of augmented crops `[2 n, crop, crop, 3]`: n crops, then the same with a change.

    The pairs let the loss compare how two networks *react* to a change of the image. A batch
    depends on the seed and its index only, so that a resumed training sees what it would have seen.
    """

    def __init__(self, pictures, batch=16, crop=128, steps=500, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.pyramids = [pyramid(picture, crop) for picture in pictures]
        self.pairs, self.crop, self.steps, self.seed, self.epoch = batch // 2, crop, steps, seed, 0

    def __len__(self):
        return self.steps

    def begin(self, epoch, logs=None):
        """Keras tells a callback, not the data, with which epoch a resumed training continues."""
        self.epoch = epoch

    def __getitem__(self, index):
        rng = np.random.default_rng([self.seed, self.epoch, index])
        crops = np.stack([self._crop(rng) for _ in range(self.pairs)]).astype(np.float32) / 255
        crops = np.clip(_recolour(crops, rng), 0, 1)
        dirty = rng.random((self.pairs, 1, 1, 1)) < 0.25
        crops = np.clip(crops + dirty * _changes(crops, rng), 0, 1)
        noisy = crops + _changes(crops, rng)
        batch = np.concatenate([crops, np.clip(noisy, 0, 1)]).astype(np.float32)
        return batch, np.zeros(len(batch), np.float32)

    def _crop(self, rng):
        pyramid = self.pyramids[rng.integers(len(self.pyramids))]
        picture = pyramid[rng.integers(len(pyramid))]
        top, left = (rng.integers(side - self.crop + 1) for side in picture.shape[:2])
        crop = picture[top : top + self.crop, left : left + self.crop]
        crop = np.rot90(crop, rng.integers(4))
        return crop[:, ::-1] if rng.random() < 0.5 else crop


def _changes(crops, rng):
    """A change of each crop, small or large: noise, a mesh, sharpening, or a bit of another crop.

    Half of the noises and meshes change the colour and leave the brightness: pictures have little
    fine chroma, by which a network would not learn to see it.
    """
    changes = []
    for crop, other in zip(crops, np.roll(crops, 1, axis=0)):
        kind = rng.choice(["noise", "mesh", "detail", "other"], p=[0.5, 0.2, 0.1, 0.2])
        if kind == "other":
            change = other - crop
        else:
            change = {"noise": _noise, "mesh": _mesh, "detail": _detail}[kind](crop, rng)
        strength = rng.choice([0.03, 0.06, 0.12, 0.25])
        if kind in ("noise", "mesh") and rng.random() < 0.5:
            change = change - change.mean(axis=-1, keepdims=True)
            strength = max(strength, 0.1)  # in bfloat16 less of it would be lost
        changes.append(change * strength / (change.std() + 0.01))
    return np.float32(changes)


def pyramid(picture, crop):
    """The picture at full size, half, a quarter, ... as long as a crop fits."""
    levels = [picture]
    while min(levels[-1].shape[:2]) >= 2 * crop:
        height, width = (side // 2 * 2 for side in levels[-1].shape[:2])
        quads = levels[-1][:height, :width].reshape(height // 2, 2, width // 2, 2, 3)
        levels.append(np.uint8(quads.mean(axis=(1, 3)) + 0.5))
    return levels


def _recolour(crops, rng):
    """Random gamma, channel mixing, contrast and brightness, one of each per crop."""
    count = len(crops)
    crops = crops ** np.exp(rng.normal(0, 0.25, (count, 1, 1, 1))).astype(np.float32)
    mixing = np.eye(3) + rng.normal(0, 0.2, (count, 3, 3)) * (rng.random((count, 1, 1)) < 0.5)
    mixing = mixing[:, rng.permutation(3)] if rng.random() < 0.3 else mixing
    crops = np.einsum("nhwc,ncd->nhwd", crops, mixing.astype(np.float32))
    contrast = rng.uniform(0.4, 1.3, (count, 1, 1, 1)) * rng.choice([1, 1, 1, -1], (count, 1, 1, 1))
    mean = crops.mean(axis=(1, 2, 3), keepdims=True)
    shift = rng.normal(0, 0.1, (count, 1, 1, 1))
    return (crops - mean) * contrast.astype(np.float32) + mean + shift.astype(np.float32)
