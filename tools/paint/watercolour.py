"""Washes of watercolour."""

import numpy as np

from tools.paint.fields import fractal, noise, palette, relief, smoothstep


def watercolour(size, rng):
    """Watercolour: overlapping transparent washes with dark rims, blooms and granulation."""
    scale = size / 512
    shape = (size, size)
    tooth = noise(shape, 1.1 * scale, rng) + 0.6 * noise(shape, 2.5 * scale, rng)
    colours = palette(rng, dark=(0.42, 0.55), light=(0.80, 0.90), chroma=(0.10, 0.16))
    density = np.zeros((*shape, 3), np.float32)
    for reach in (130, 100, 75, 60, 60, 45, 45, 32, 24, 16):
        wash = washed_shape(shape, reach * rng.uniform(0.8, 1.2), scale, tooth, rng)
        absorbed = -np.log(np.clip(colours[rng.integers(len(colours))], 0.03, 0.98))
        density += rng.uniform(0.2, 0.65) * wash[..., None] * absorbed
    paper = np.array([0.985, 0.975, 0.95]) * relief(tooth, 0.10 * scale)
    return np.clip(paper * np.exp(-density), 0, 1).astype(np.float32)


def washed_shape(shape, reach, scale, tooth, rng):
    """Amount of pigment [H, W] of one wash: pools and flows inside, collects at its edge."""
    field = fractal(shape, reach * scale, rng, octaves=5, gain=0.42)
    edge = (field - rng.uniform(0.3, 1.2)) * reach * scale  # about in pixels
    wet = rng.random() < 0.35
    softness = rng.uniform(8, 20) if wet else 1.0
    inside = smoothstep(-softness * scale, softness * scale, edge)
    rim = 0.0 if wet else 0.9 * np.exp(-np.clip(edge, 0, None) / (2.2 * scale))
    pool = 0.75 + 0.30 * noise(shape, 0.5 * reach * scale, rng)
    granules = 1 + 0.10 * tooth
    return inside * np.clip(pool + rim, 0.1, None) * np.clip(granules, 0.2, None)
