"""Textures without a composition: stones, and a weave."""

import numpy as np

from tools.paint.fields import (
    gaussian,
    halve,
    noise,
    palette,
    ramp,
    relief,
    smoothstep,
    warped_grid,
)


def pebbles(size, rng):
    """Rounded stones lying over one another, with shadows, veins and speckles."""
    scale = size / 512
    margin = int(50 * scale)
    side = size + 2 * margin
    picture = np.full((side, side, 3), 0.08, np.float32)
    speckle = noise((side, side), 0.8 * scale, rng) + noise((side, side), 3 * scale, rng)
    colours = palette(rng, dark=(0.30, 0.42), light=(0.80, 0.90), chroma=(0.015, 0.07))
    typical = rng.uniform(14, 24) * scale
    count = int(4.5 * (side / typical) ** 2 / np.pi)
    for _ in range(count):
        radius = typical * np.exp(rng.normal(0, 0.35))
        colour = ramp(colours, rng.beta(1.2, 1.2)) + rng.normal(0, 0.015, 3)
        stone(picture, rng.uniform(0, side, 2), radius, colour, speckle, rng)
    return np.clip(picture[margin:-margin, margin:-margin], 0, 1)


def stone(picture, centre, radius, colour, speckle, rng):
    """Lays one stone onto the picture and its shadow onto those beneath it."""
    reach = int(1.7 * radius) + 1
    row, column = centre.astype(int)
    area = np.s_[max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1]
    patch = picture[area]
    y = (np.arange(area[0].start, area[0].start + patch.shape[0])[:, None] - centre[0]) / radius
    x = (np.arange(area[1].start, area[1].start + patch.shape[1])[None, :] - centre[1]) / radius
    outline = stone_outline(rng)
    patch *= 1 - 0.75 * smoothstep(1.35, 0.75, outline(x - 0.10, y - 0.14))[..., None]
    rho = outline(x, y)
    dome = np.clip(1 - rho**2, 0, 1) ** 0.45
    slope_y, slope_x = np.gradient(gaussian(dome, 0.06 * radius) * radius)
    steepness = np.sqrt(1 + 0.6 * (slope_x**2 + slope_y**2))
    light = (0.72 + 0.27 * slope_x + 0.36 * slope_y) / steepness
    tilt = rng.uniform(0, np.pi)
    vein = np.sin((x * np.cos(tilt) + y * np.sin(tilt)) * rng.uniform(3, 9) + speckle[area])
    material = 1 + rng.uniform(0, 0.10) * vein + rng.uniform(0.03, 0.12) * speckle[area]
    shade = np.clip(light * material + 0.2, 0, None)[..., None]
    cover = smoothstep(1 + 0.9 / radius, 1 - 0.9 / radius, rho)[..., None]
    patch += cover * (colour * shade - patch)


def stone_outline(rng):
    """A function of (x, y) that is 1 on the outline of a random rounded stone of radius one."""
    angle = rng.uniform(0, np.pi)
    stretch = rng.uniform(1.0, 1.35)
    power = rng.uniform(2.0, 2.8)
    waves = [(k, rng.normal(0, 0.12 / k), rng.uniform(0, 2 * np.pi)) for k in (2, 3, 4, 5)]

    def outline(x, y):
        a = (x * np.cos(angle) + y * np.sin(angle)) / stretch
        b = (y * np.cos(angle) - x * np.sin(angle)) * stretch
        turn = np.arctan2(b, a)
        bumps = 1 + sum(size * np.cos(k * turn + start) for k, size, start in waves)
        return (np.abs(a) ** power + np.abs(b) ** power) ** (1 / power) * bumps

    return outline


def weave(size, rng):
    """Woven cloth: twisted yarns of uneven width and colour in a plain or twill weave."""
    size *= 2  # halved at the end: yarns end abruptly
    scale = size / 512
    pitch = rng.uniform(15, 30) * scale
    x, y = warped_grid(size, 0.08 * pitch / size, rng)
    u, v = x * size / pitch, y * size / (pitch * rng.uniform(0.5, 0.9))
    repeat, start = ((2, -np.pi / 2), (4, 0.0))[rng.integers(2)]
    i, j = np.floor(u), np.floor(v)
    warp = 0.8 * np.cos(2 * np.pi * (v + i) / repeat + start)
    weft = -0.8 * np.cos(2 * np.pi * (u + j) / repeat + start)
    colours = palette(rng, dark=(0.30, 0.45), light=(0.82, 0.92), chroma=(0.04, 0.12))
    twist = rng.choice([-1, 1]) * rng.uniform(0.8, 2.0)
    pairs = (
        yarn(u, v, i, warp, ramp(colours, rng.uniform(0.0, 0.5)), twist, scale, rng),
        yarn(v, u, j, weft, ramp(colours, rng.uniform(0.5, 1.0)), twist, scale, rng),
    )
    (warp_height, warp_paint), (weft_height, weft_paint) = pairs
    above = smoothstep(-0.06, 0.06, warp_height - weft_height)
    paint = weft_paint + above[..., None] * (warp_paint - weft_paint)
    height = np.maximum(warp_height, weft_height)
    buried = smoothstep(-0.5, 1.1, 0.6 * height + 0.4 * gaussian(height, 0.12 * pitch))
    return halve(np.clip(paint * (0.15 + 0.95 * buried)[..., None], 0, 1).astype(np.float32))


def yarn(across, along, index, elevation, colour, twist, scale, rng):
    """Height [H, W] and colour [H, W, 3] of a set of parallel yarns, twisted from plies."""
    shape = across.shape
    number = index.astype(int) % 512
    width = (0.92 + rng.normal(0, 0.06, 512))[number]
    offset = 2 * (across - index) - 1
    round_off = np.clip(1 - (offset / width) ** 2, 0, 1) ** 0.5
    plies = np.sin(2 * np.pi * (along * twist + 0.45 * offset + rng.random(512)[number]))
    fibre = noise(shape, 0.8 * scale, rng)
    height = 0.7 * round_off + elevation + 0.06 * plies + 0.02 * fibre
    lit = relief(height / scale, 2.2 * scale**2)
    tint = 1 + rng.normal(0, 0.08, (512, 1)) + rng.normal(0, 0.025, (512, 3))
    detail = (0.5 + 0.55 * round_off) * (1 + 0.13 * plies + 0.07 * fibre)
    return height, colour * tint[number] * detail[..., None] * lit
