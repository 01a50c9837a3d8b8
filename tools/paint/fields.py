"""What all painters share: smooth random fields, relief, and colours."""

import numpy as np


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


def warped_grid(size, amount, rng):
    """Coordinates (x, y) shifted by smooth noise, so that straight edges become bent ones."""
    x, y = grid(size)
    sigma = 25 * size / 512
    shift_x, shift_y = (amount * noise((size, size), sigma, rng) for _ in range(2))
    return x + shift_x, y + shift_y


def halve(picture):
    """Means of two by two pixels."""
    rows, columns, channels = picture.shape
    return picture.reshape(rows // 2, 2, columns // 2, 2, channels).mean(axis=(1, 3))


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
