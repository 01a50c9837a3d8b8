"""A print from carved wood."""

import numpy as np

from tools.paint.fields import grid, halve, noise, oklch, palette, smoothstep


def woodcut(size, rng):
    """Woodcut of hills under a sun: carved lines follow each form, thick where it is dark."""
    size *= 2  # halved at the end: the lines are too fine to be drawn pixel by pixel
    scale = size / 512
    x, y = grid(size)
    sun = (rng.uniform(0.2, 0.8), rng.uniform(0.14, 0.32))
    radius = rng.uniform(0.06, 0.13)
    phase, tone = carved_sky(x, y, sun, scale, rng)
    away = np.hypot(x - sun[0], y - sun[1]) - radius
    block = np.where(away < 0, 1, 0)
    tone = np.where(away < 0, -0.2, np.where(away < 0.008, 1.4, tone))
    crests = np.linspace(rng.uniform(0.36, 0.55), 0.92, rng.integers(4, 8))
    for i, crest in enumerate(crests):
        depth = y - crest - rng.uniform(0.03, 0.07) * ridge_line(size, scale, rng)
        hill_phase, hill_tone = carved_hill(x, depth, size, scale, rng)
        inside = depth > 0
        block = np.where(inside, i + 2, block)
        phase = np.where(inside, hill_phase, phase)
        tone = np.where(inside, hill_tone, tone)
    return halve(print_on_paper(carve(phase, tone, scale, rng), block, scale, rng))


def ridge_line(size, scale, rng):
    """Height [1, size] of a rolling crest."""
    wide = (1, 2 * size)
    line = noise(wide, (0, 60 * scale), rng) + 0.12 * noise(wide, (0, 9 * scale), rng)
    return line[:, :size]


def carved_sky(x, y, sun, scale, rng):
    """Line phase and darkness of a sky of rings around the sun, rays from it, or drifting bands."""
    size = len(x)
    distance = np.hypot(x - sun[0], y - sun[1])
    wave = noise((size, size), (18 * scale, 50 * scale), rng)
    lines = size / (rng.uniform(7, 10) * scale)
    turn = np.arctan2(y - sun[1], x - sun[0]) / (2 * np.pi)
    phase = (
        distance * lines + 0.6 * wave,
        turn * rng.integers(60, 110) + 0.15 * wave,
        y * lines + 2.5 * wave,
    )[rng.integers(3)]
    tone = 0.12 + rng.uniform(0.7, 1.3) * distance + 0.16 * wave
    return phase, tone


def carved_hill(x, depth, size, scale, rng):
    """Line phase and darkness of one hill: light along its crest, dark in the valley behind it."""
    lines = size / (rng.uniform(6.5, 10) * scale)
    wave = noise((size, size), (30 * scale, 30 * scale), rng)
    lean = rng.uniform(-1.5, 1.5)
    phase = (
        depth * lines + 0.5 * wave,
        (0.7 * x + lean * depth + rng.uniform(-3, 3) * depth**2) * lines + 0.7 * wave,
    )[rng.integers(2)]
    tone = 0.10 + rng.uniform(4, 7) * depth + 0.22 * wave
    return phase, np.where(depth < 0.006, 1.4, tone)


def carve(phase, tone, scale, rng):
    """Ink [H, W] in [0, 1] left between the grooves: dark tones leave broad lines of it."""
    shape = phase.shape
    groove = np.abs(phase % 1 - 0.5) * 2
    uneven = rng.normal(0, 0.10, 4096)[np.floor(phase).astype(int) % 4096]
    ragged = 0.13 * noise(shape, 1.3 * scale, rng) + 0.14 * noise(shape, 6 * scale, rng)
    return smoothstep(-0.14, 0.14, tone + uneven + ragged - groove)


def print_on_paper(ink, block, scale, rng):
    """Prints flat spot colours and then the key block in black on grainy paper."""
    shape = ink.shape
    grain = noise(shape, 0.7 * scale, rng)
    mottle = noise(shape, (1.2 * scale, 9 * scale), rng)
    tints = palette(rng, count=6, dark=(0.55, 0.68), light=(0.84, 0.93), chroma=(0.06, 0.13))
    accent = oklch(rng.uniform(0.60, 0.72), 0.19, rng.uniform(15, 75))
    hills = tints[rng.permutation(np.arange(block.max()) % 5)]
    spot = np.concatenate([tints[5:6], accent[None], hills])
    # The colour blocks never meet the key block exactly.
    shift = int(2 * scale)
    colour = spot[np.pad(block, ((shift, 0), (shift, 0)), "edge")[: shape[0], : shape[1]]]
    paper = np.array([0.95, 0.92, 0.84]) * (1 + 0.018 * grain[..., None])
    cover = np.clip(0.80 + 0.10 * mottle + 0.05 * grain, 0, 1)[..., None]
    page = paper * (1 - cover + cover * colour)
    black = oklch(0.20, 0.03, rng.uniform(0, 360))
    worn = ink * smoothstep(-3.0, -1.9, grain + 0.4 * mottle)
    solid = (worn * np.clip(0.94 + 0.03 * mottle, 0, 1))[..., None]
    return np.clip(page * (1 - solid) + black * solid, 0, 1).astype(np.float32)
