"""Stained glass."""

import numpy as np

from tools.paint.fields import (
    gaussian,
    grid,
    noise,
    oklch,
    palette,
    ramp,
    relief,
    smoothstep,
    warped_grid,
)


def mosaic(size, rng):
    """Stained glass: a rose of panes or scattered ones, two widths of lead, bubbles and streaks."""
    scale = size / 512
    x, y = warped_grid(size, rng.uniform(0.0, 0.013), rng)
    centre = rng.uniform(0.25, 0.75, 2)
    radius = np.hypot(x - centre[0], y - centre[1])
    design = 0.6 * noise((size, size), rng.uniform(60, 110) * scale, rng)
    design += np.cos(radius * rng.uniform(8, 20) + rng.uniform(0, 6))
    sites = rose(centre, rng) if rng.random() < 0.5 else scattered(design, rng)
    groups = rng.integers(0, 9, len(sites)) if rng.random() < 0.3 else parents(sites, 16, rng)
    cell, border = voronoi(x, y, sites, groups, rng.uniform(1.6, 2.4) / 512)
    column, row = (sites * size).astype(int).clip(0, size - 1).T
    tone = 0.5 + 0.33 * design[row, column] + rng.normal(0, 0.10, len(sites))
    colours = palette(rng, dark=(0.34, 0.46), light=(0.86, 0.95), chroma=(0.12, 0.20))
    panes = ramp(colours, tone)
    accent = oklch(rng.uniform(0.55, 0.78), 0.20, rng.uniform(0, 360))
    panes[rng.random(len(sites)) < rng.uniform(0.03, 0.15)] = accent
    glass = panes[cell] * glass_light(cell, border, scale, len(sites), rng)
    return set_in_lead(glass, border, scale, rng)


def rose(centre, rng):
    """Sites [n, 2] on rings around `centre`, like the petals of a rose window."""
    step, looseness = rng.uniform(0.05, 0.10), rng.uniform(0.0, 0.12)
    petals = rng.integers(5, 11)
    rings = []
    for radius in np.arange(0.6, 1.4 / step) * step:
        # Only doublings: the panes of neighbouring rings line up, as in tracery.
        count = petals * 2 ** int(np.log2(max(1, 5 * radius / step / petals)))
        turn = 2 * np.pi * (np.arange(count) + rng.choice([0.0, 0.5])) / count
        around = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
        rings.append(centre + radius * around)
    sites = np.concatenate(rings)
    sites += step * looseness * rng.standard_normal(sites.shape)
    near = np.all((sites > -0.12) & (sites < 1.12), axis=1)
    return sites[near].astype(np.float32)


def scattered(design, rng):
    """Evenly spread sites [n, 2] in and around the unit square, denser where `design` is high.

    Mitchell's best candidate: of some random points, keep the one farthest from those before it.
    """
    size = len(design)
    density = np.exp(0.35 * design)
    points = rng.uniform(-0.08, 1.08, (1, 2))
    for _ in range(int(rng.uniform(150, 450))):
        candidates = rng.uniform(-0.08, 1.08, (12, 2))
        column, row = (candidates * size).astype(int).clip(0, size - 1).T
        distance = ((candidates[:, None] - points) ** 2).sum(-1).min(1)
        best = np.argmax(distance * density[row, column] ** 2)
        points = np.concatenate([points, candidates[best : best + 1]])
    return points.astype(np.float32)


def parents(sites, count, rng):
    """Number of the large pane [n] that each site belongs to."""
    large = rng.uniform(0, 1, (count, 2))
    return ((sites[:, None] - large) ** 2).sum(-1).argmin(1)


def voronoi(x, y, sites, groups, lead):
    """Nearest site of each pixel, and its distance to the border in units of the lead's width.

    Lead between cells of different groups is twice as wide.
    """
    cell = np.zeros(x.shape, np.int32)
    near = np.full(x.shape, np.inf, np.float32)
    for i, site in enumerate(sites):
        square = (x - site[0]) ** 2 + (y - site[1]) ** 2
        cell = np.where(square < near, i, cell)
        near = np.minimum(near, square)
    border = np.full(x.shape, np.inf, np.float32)
    for i, site in enumerate(sites):
        square = (x - site[0]) ** 2 + (y - site[1]) ** 2
        gap = np.hypot(*(site - sites).T)
        width = np.where(groups == groups[i], lead, 2 * lead).astype(np.float32)
        factor = 0.5 / (np.maximum(gap, 1e-6) * width)
        candidate = (square - near) * factor[cell]
        border = np.minimum(border, np.where(cell == i, np.inf, candidate))
    return cell, border


def glass_light(cell, border, scale, count, rng):
    """Brightness [H, W, 1] of hand-made glass: streaks, bubbles, a light side in each cell."""
    shape = cell.shape
    x, y = grid(shape[0])
    slope = rng.normal(0, 2.0, (2, count))
    level = slope[0][cell] * x + slope[1][cell] * y
    pixels = np.bincount(cell.ravel(), minlength=count).clip(1)
    mean = np.bincount(cell.ravel(), level.ravel(), count) / pixels
    streaks = noise(shape, (2.5 * scale, 16 * scale), rng)
    bubbles = relief(noise(shape, 1.8 * scale, rng), 0.6 * scale)[..., 0] - 1
    depth = np.tanh(border / 5)
    light = 0.80 + 0.40 * depth + np.clip(level - mean[cell], -0.25, 0.25)
    return (light + 0.08 * streaks + 0.26 * bubbles)[..., None]


def set_in_lead(glass, border, scale, rng):
    """Lays rounded strips of lead, whose edges are where `border` is one, between the panes."""
    shape = border.shape
    border = border * (1 + 0.08 * noise(shape, 10 * scale, rng))
    height = np.sqrt(1 - np.clip(border, 0, 1) ** 2) * 3 * scale
    height += 0.2 * scale * noise(shape, 1.5 * scale, rng)
    metal = np.array([0.13, 0.13, 0.15]) * relief(gaussian(height, 0.6 * scale), 1.8 / scale)
    shadow = 0.6 + 0.4 * smoothstep(0.9, 2.2, border)
    cover = smoothstep(1.25, 0.75, border)[..., None]
    return np.clip(glass * shadow[..., None] * (1 - cover) + metal * cover, 0, 1).astype(np.float32)
