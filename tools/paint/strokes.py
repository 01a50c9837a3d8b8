"""Oil paint: brush strokes along swirls."""

import numpy as np

from tools.paint.fields import gaussian, noise, palette, ramp, relief

FINE = 4  # samples a pixel across the bristles: strokes turn, and coarse samples would show it


def strokes(size, rng):
    """Oil painting: layers of curved strokes along swirls, with bristles and relief."""
    scale = size / 512
    margin = int(40 * scale)
    side = size + 2 * margin
    stream, glow = swirls(side, scale, rng)
    flow = stroke_flow(stream)
    colours = palette(rng, chroma=(0.06, 0.15))
    bands = np.sin(stream * rng.uniform(2.0, 4.0))
    tone = 0.38 + rng.uniform(0.12, 0.24) * bands + 0.45 * glow
    tone += 0.10 * noise((side, side), 50 * scale, rng)
    canvas = np.empty((side, side, 4), np.float32)
    canvas[..., :3] = ramp(colours, tone)
    canvas[..., 3] = 0
    bristles = noise((1024, 512), (16 * scale, FINE * max(0.9 * scale, 0.6)), rng)
    coarse = rng.uniform(0.75, 1.4) * scale
    for width, length, cover in ((15, 50, 4.0), (10, 40, 2.2), (6.5, 27, 0.8), (4, 15, 0.15)):
        brush = (width * coarse, length * coarse)
        lay_strokes(canvas, flow, tone, colours, bristles, brush, cover, rng)
    painted = canvas[..., :3] * relief(gaussian(canvas[..., 3], 0.7 * scale), rng.uniform(1.1, 2.0))
    return np.clip(painted[margin:-margin, margin:-margin], 0, 1)


def swirls(side, scale, rng):
    """A stream function [side, side] whose contours are the strokes, and bright spots in it."""
    y, x = np.mgrid[:side, :side].astype(np.float32)
    stream = 1.6 * noise((side, side), rng.uniform(45, 80) * scale, rng) + y / (90 * scale)
    glow = np.zeros_like(stream)
    for _ in range(rng.integers(3, 8)):
        radius = rng.uniform(25, 75) * scale
        centre_y, centre_x = rng.uniform(0, side, 2)
        distance = np.hypot(y - centre_y, x - centre_x) / radius
        stream += rng.choice([-1, 1]) * 4.5 * np.exp(-0.5 * distance**2)
        glow = np.maximum(glow, np.exp(-0.5 * distance**2) * rng.uniform(0.5, 1.3))
    return stream, glow


def stroke_flow(stream):
    """Direction cosines and curvature [H, W] of the contours of `stream`."""
    dy, dx = np.gradient(stream)
    length = np.hypot(dx, dy) + 1e-6
    cos, sin = dy / length, -dx / length
    cos_y, cos_x = np.gradient(cos)
    sin_y, sin_x = np.gradient(sin)
    curvature = cos * (cos * sin_x - sin * cos_x) + sin * (cos * sin_y - sin * cos_y)
    return cos, sin, curvature


def lay_strokes(canvas, flow, tone, colours, bristles, brush, cover, rng):
    """Paints one layer of strokes that covers the canvas `cover` times."""
    side = len(canvas)
    width, length = brush
    count = int(cover * side * side / (4 * width * length))
    rows, columns = rng.integers(0, side, (2, count))
    at = tone[rows, columns]
    mains = ramp(colours, at + rng.normal(0, 0.11, count))
    seconds = ramp(colours, at + rng.normal(0, 0.18, count))
    # A stroke turns by a quarter at most, so that the middle of a swirl gets short ones.
    tightest = 0.8 / (np.abs(flow[2][rows, columns]) + 1e-6)
    lengths = np.clip(length * rng.uniform(0.6, 1.25, count), 0, np.maximum(tightest, width))
    widths = width * rng.uniform(0.7, 1.2, count)
    for i, (row, column) in enumerate(zip(rows, columns)):
        cos, sin, curvature = (field[row, column] for field in flow)
        bend = np.clip(curvature, -0.8 / lengths[i], 0.8 / lengths[i])
        shape = (cos, sin, bend, widths[i], lengths[i])
        offset = rng.integers(0, bristles.shape)
        stroke(canvas, (row, column), shape, bristles, offset, (mains[i], seconds[i]))


def stroke(canvas, centre, shape, bristles, offset, colours):
    """Paints one stroke: a bent ellipse of two pigments with bristle streaks and ragged ends."""
    cos, sin, bend, width, length = shape
    reach = int(length + width)
    top, left = max(centre[0] - reach, 0), max(centre[1] - reach, 0)
    patch = canvas[top : centre[0] + reach + 1, left : centre[1] + reach + 1]
    y = np.arange(top, top + patch.shape[0], dtype=np.float32)[:, None] - centre[0]
    x = np.arange(left, left + patch.shape[1], dtype=np.float32)[None, :] - centre[1]
    along = x * cos + y * sin
    across = (y * cos - x * sin - 0.5 * bend * along**2) / width
    inside = (np.abs(along) < length) & (np.abs(across) < 1)
    along, across = along[inside], across[inside]
    u = along / length
    rows, columns = along + length + offset[0], FINE * width * (across + 1) + offset[1]
    tall, wide = bristles.shape  # periodic
    streak = bristles[rows.astype(int) % tall, columns.astype(int) % wide]
    body = 1 - across**2 - u**4 + 0.22 * streak * u**2
    # The brush runs dry towards the end of the stroke: only some of the bristles still paint.
    dry = np.clip(1.2 + 0.8 * streak - 1.6 * np.clip(u - 0.35, 0, 1), 0, 1)
    alpha = (np.clip(body * width * 0.5, 0, 1) * dry)[:, None]
    mix = np.clip(0.35 + 0.35 * across + 0.25 * streak, 0, 1)[:, None]
    paint = np.empty((len(u), 4), np.float32)
    paint[:, :3] = (colours[0] * (1 - mix) + colours[1] * mix) * (1 + 0.05 * streak[:, None])
    paint[:, 3] = width * (0.25 + 0.12 * across**2 + 0.10 * u + 0.05 * streak)
    patch[inside] += alpha * (paint - patch[inside])
