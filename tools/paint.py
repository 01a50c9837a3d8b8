"""A small program that paints the project's own style pictures and textures.

    python -m tools.paint --output=examples

Everything is drawn with NumPy from a seed. Each painter draws its palette and its proportions from
the generator it is given, so different seeds give different pictures of one kind; `EXAMPLES` holds
the seeds of the pictures shown in the documentation. A painter is `kind(size, rng)` and returns
float32 [size, size, 3], RGB in [0, 1]. Lengths are in pixels of a picture 512 wide, times `scale`.
"""

import os

import numpy as np
from absl import app, flags
from PIL import Image

# ------------------------------------------------------------------------------- fields


def gaussian(field, sigma):
    """Periodic Gaussian blur of [H, W] by `sigma` pixels, or by (sigma_y, sigma_x)."""
    sigma_y, sigma_x = np.broadcast_to(sigma, 2)
    fy = np.fft.fftfreq(field.shape[0])[:, None]
    fx = np.fft.rfftfreq(field.shape[1])
    response = np.exp(-2 * np.pi**2 * ((sigma_y * fy) ** 2 + (sigma_x * fx) ** 2))
    return np.fft.irfft2(np.fft.rfft2(field) * response, s=field.shape).astype(np.float32)


def noise(shape, sigma, rng):
    """Smooth noise with zero mean and unit variance."""
    field = gaussian(rng.standard_normal(shape, np.float32), sigma)
    field -= field.mean()
    return field / field.std()


def fractal(shape, sigma, rng, octaves=4, gain=0.5):
    """Sum of `octaves` noises, each half as large and `gain` times as strong as the one before."""
    total = sum(gain**i * noise(shape, sigma / 2**i, rng) for i in range(octaves))
    return total / total.std()


def smoothstep(low, high, x):
    """0 below `low`, 1 above `high`, smooth in between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def relief(height, strength):
    """Brightness factor [H, W, 1] of a surface of the given height, lit from the upper left."""
    dy, dx = np.gradient(height)
    slope = strength * (0.6 * dx + 0.8 * dy)
    shade = 1 + 0.5 * np.tanh(slope) + 0.25 * np.clip(slope - 0.5, 0, 1)
    return shade[..., None]


def grid(size):
    """Pixel coordinates (x, y) in units of the picture's width, each [size, size]."""
    y, x = np.mgrid[:size, :size].astype(np.float32) / size
    return x, y


def halve(picture):
    """Means of two by two pixels."""
    rows, columns, channels = picture.shape
    return picture.reshape(rows // 2, 2, columns // 2, 2, channels).mean(axis=(1, 3))


# ------------------------------------------------------------------------------- colour


def oklch(lightness, chroma, hue):
    """sRGB in [0, 1] of an OKLCh colour; `hue` in degrees.

    Equal steps of this space look equal, so random palettes keep their light and dark order.
    See Björn Ottosson, "A perceptual color space for image processing", 2020.
    """
    a = chroma * np.cos(np.radians(hue))
    b = chroma * np.sin(np.radians(hue))
    roots = np.stack(
        [
            lightness + 0.3963377774 * a + 0.2158037573 * b,
            lightness - 0.1055613458 * a - 0.0638541728 * b,
            lightness - 0.0894841775 * a - 1.2914855480 * b,
        ]
    )
    to_rgb = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = np.clip(to_rgb @ roots**3, 0, 1)
    curved = np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.moveaxis(curved, 0, -1).astype(np.float32)


def palette(rng, count=6, dark=(0.18, 0.34), light=(0.86, 0.95), chroma=(0.08, 0.15)):
    """Harmonised colours [count, 3] from dark to light, turning from one hue to its partner."""
    hue = rng.uniform(0, 360)
    partner = hue + rng.choice([180, 150, 120, 60]) * rng.choice([-1, 1]) + rng.normal(0, 10)
    t = np.linspace(0, 1, count)
    lightness = rng.uniform(*dark) * (1 - t) + rng.uniform(*light) * t
    # A quick turn in the middle: two families of colours, hardly any muddy mixture of them.
    hues = hue + (partner - hue) * smoothstep(0.4, 0.75, t) + rng.normal(0, 12, count)
    strength = rng.uniform(*chroma) * (0.55 + 0.9 * np.sin(np.pi * (0.15 + 0.75 * t)))
    return oklch(lightness, strength, hues)


def ramp(colours, t):
    """Colours at positions `t` in [0, 1] along the list `colours`; t [...] gives [..., 3]."""
    position = np.clip(t, 0, 1) * (len(colours) - 1)
    knots = np.arange(len(colours))
    channels = [np.interp(position, knots, colours[:, c]) for c in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


# ------------------------------------------------------------------------------ strokes


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


# ------------------------------------------------------------------------------- mosaic


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


def warped_grid(size, amount, rng):
    """Coordinates (x, y) shifted by smooth noise, so that straight edges become bent ones."""
    x, y = grid(size)
    sigma = 25 * size / 512
    shift_x, shift_y = (amount * noise((size, size), sigma, rng) for _ in range(2))
    return x + shift_x, y + shift_y


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


# ------------------------------------------------------------------------------ woodcut


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


# --------------------------------------------------------------------------- watercolour


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


# ----------------------------------------------------------------------------- textures


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


# ------------------------------------------------------------------------------- output

PAINTERS = {
    "strokes": strokes,
    "mosaic": mosaic,
    "woodcut": woodcut,
    "watercolour": watercolour,
    "pebbles": pebbles,
    "weave": weave,
}

# kind: (folder, seed, size)
EXAMPLES = {
    "strokes": ("styles", 23, 512),
    "mosaic": ("styles", 29, 512),
    "woodcut": ("styles", 14, 512),
    "watercolour": ("styles", 18, 512),
    "pebbles": ("textures", 4, 384),
    "weave": ("textures", 30, 384),
}


def paint(kind, size, seed):
    """The picture of the given kind and seed, float32 [size, size, 3] in [0, 1]."""
    return PAINTERS[kind](size, np.random.default_rng(seed))


def save(picture, path):
    """Writes a JPEG without chroma subsampling, which would blur the small strokes."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    pixels = Image.fromarray((picture * 255).round().astype(np.uint8))
    pixels.save(path, quality=92, subsampling=0)


def main(_):
    """Paints every example into the output folder."""
    for kind, (folder, seed, size) in EXAMPLES.items():
        chosen = seed if FLAGS.seed is None else FLAGS.seed
        picture = paint(kind, FLAGS.size or size, chosen)
        path = os.path.join(FLAGS.output, folder, f"{kind}.jpg")
        save(picture, path)
        print(path)


FLAGS = flags.FLAGS

if __name__ == "__main__":
    flags.DEFINE_string("output", "examples", "Folder to write to.")
    flags.DEFINE_integer("seed", None, "Seed of all the pictures. Default: hand-picked ones.")
    flags.DEFINE_integer("size", None, "Width and height in pixels. Default: by kind.")
    app.run(main)
