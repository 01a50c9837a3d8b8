"""Statistics of Portilla & Simoncelli: NumPy written out, another program's numbers, textures."""

import numpy as np
import pytest
import tensorflow as tf
from test_steerable_pyramid import REFERENCE

import tfstyle
from tfstyle import pyramid, statistics
from tfstyle.settings import StylizeSettings, TextureSettings
from tfstyle.settings.choices import PORTILLA_FAMILIES
from tfstyle.statistics import portilla_simoncelli as joint

SMALL = {
    "size": 32,
    "scales": 1,
    "portilla_simoncelli_scales": 2,
    "portilla_simoncelli_angles": 2,
}
# Letters of the axes in which the paper's numbers repeat: of autocorrelations one half, without the
# centre; of correlations within a scale those above the diagonal.
HALVES = {"lowpass_correlation": 24, "magnitude_autocorrelation": 24, "magnitude_correlation": 6}


def texture(height=32, width=40, channels=3, seed=0):
    """Coloured noise, smooth along one direction."""
    noise = np.random.default_rng(seed).random((height, width, channels))
    noise = (noise + np.roll(noise, 1, axis=1) + np.roll(noise, 1, axis=0)) / 3
    return np.float32(noise @ np.linalg.qr(noise[0, :channels])[0] / 4 + 0.5).clip(0, 1)[None]


def summary(image, scales=4, orientations=4, reach=3):
    maps = tf.transpose(tf.constant(image, tf.float64), [2, 0, 1])
    found = joint.summary(maps, scales, orientations, reach)
    return {name: value.numpy() for name, value in found.items()}


def test_there_are_710_numbers_in_grey():
    measured = statistics.get("portilla_simoncelli").measure(texture(channels=1))
    counts = {name: int(tf.size(value)) for name, value in measured.items() if name != "axes"}
    counts["lowpass_correlation"] = 5 * HALVES["lowpass_correlation"]
    counts["magnitude_autocorrelation"] = 16 * HALVES["magnitude_autocorrelation"]
    counts["magnitude_correlation"] = 4 * HALVES["magnitude_correlation"]
    del counts["lowpass_colours"]  # of one colour with itself
    del counts["highpass_correlation"]  # which the paper leaves open
    assert sum(counts.values()) == 710
    assert counts["parent_phase"] == 96 and counts["parent_magnitude"] == 48


def test_numbers_are_those_of_numpy():
    """Of two colours at an odd size, from the pyramid on."""
    image = texture(37, 54, 2)[0].astype(np.float64)
    found, maps = summary(image, 2, 3, 1), np.moveaxis(image, -1, 0)
    high, bands, _ = pyramid.analyse(maps, 2, 3)
    low = pyramid.lowpasses(maps, 2)[1].numpy()
    low -= low.mean((1, 2), keepdims=True)
    deviation = low.std((1, 2))
    unit = low / deviation[:, None, None]
    shifted = [[np.roll(unit, (-y, -x), (1, 2)) for x in (-1, 0, 1)] for y in (-1, 0, 1)]
    magnitudes = np.abs(bands[0]) - np.abs(bands[0]).mean((2, 3), keepdims=True)
    rows = magnitudes.reshape(6, -1) / magnitudes.std((2, 3)).reshape(6, 1)
    parents = pyramid.enlarged(bands[1], tf.constant([37, 54])).numpy()
    doubled = np.abs(parents) * np.exp(2j * np.angle(parents))
    doubled = np.stack([doubled.real, doubled.imag], axis=1).reshape(12, -1)
    real = bands[0].numpy().real.reshape(6, -1)
    doubled, real = (x / np.sqrt(np.square(x).mean(1, keepdims=True)) for x in (doubled, real))
    expected = {
        "lowpass_deviation": deviation,
        "lowpass_skewness": (unit**3).mean((1, 2)),
        "lowpass_kurtosis": (unit**4).mean((1, 2)),
        "lowpass_correlation": np.einsum("lhw,yxlhw->lyx", unit, shifted) / unit[0].size,
        "lowpass_colours": np.corrcoef(low.reshape(2, -1)),
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name][1], values, rtol=1e-5, atol=1e-7, err_msg=name)
    high = high.numpy() / np.sqrt(np.square(high).mean((1, 2), keepdims=True))
    shifted = [[np.roll(high, (-y, -x), (1, 2)) for x in (-1, 0, 1)] for y in (-1, 0, 1)]
    values = np.einsum("lhw,yxlhw->lyx", high, shifted) / high[0].size
    np.testing.assert_allclose(found["highpass_correlation"][0], values, atol=1e-4)
    np.testing.assert_allclose(
        found["magnitude_correlation"][0].reshape(6, 6), rows @ rows.T / rows.shape[1], atol=1e-6
    )
    np.testing.assert_allclose(
        found["parent_phase"][0].reshape(6, 12), real @ doubled.T / real.shape[1], atol=1e-6
    )
    np.testing.assert_allclose(found["magnitude_deviation"][0], magnitudes.std((2, 3)), rtol=1e-6)


@pytest.mark.skipif(not REFERENCE.is_file(), reason=f"needs {REFERENCE.name}")
@pytest.mark.parametrize("name", ["gravel_64", "grass_128", "brick_256"])
def test_numbers_are_those_of_plenoptic(name):
    """There values of scale n are 4^n times as large."""
    stored = {key: value for key, value in np.load(REFERENCE).items() if key.startswith(name)}
    stored = {key.partition("/")[2]: value for key, value in stored.items()}
    scales, orientations, width = map(int, stored["settings"])
    found = summary(stored["image"][..., None] / 255, scales, orientations, width // 2)
    found = {key: np.moveaxis(value[:, 0], 0, -1) for key, value in found.items()}
    gains = 4.0 ** np.arange(scales + 1)
    phase = found["parent_phase"].reshape(orientations, 2 * orientations, scales - 1)
    pairs = {
        "std_reconstructed": gains * found["lowpass_deviation"],
        "skew_reconstructed": found["lowpass_skewness"],
        "kurtosis_reconstructed": found["lowpass_kurtosis"],
        "auto_correlation_reconstructed": found["lowpass_correlation"],
        "magnitude_std": gains[:-1] * found["magnitude_deviation"],
        "auto_correlation_magnitude": np.moveaxis(found["magnitude_autocorrelation"], 0, 2),
        "cross_orientation_correlation_magnitude": found["magnitude_correlation"][:, 0],
        "cross_scale_correlation_magnitude": found["parent_magnitude"][:, 0],
        "cross_scale_correlation_real": phase,
        "var_highpass_residual": found["highpass_variance"],
    }
    for key, values in pairs.items():
        known = ~np.isnan(stored[key])
        error = np.linalg.norm((values - stored[key])[known])
        assert error < 1e-4 * np.linalg.norm(stored[key][known]), key


def test_steps_are_along_the_deviations_of_colours_and_octaves():
    statistic, style = statistics.get("portilla_simoncelli"), texture(20, 27)
    target, colours = statistic.target([style], [1.0]), style.reshape(-1, 3)
    values, vectors = np.linalg.eigh(np.cov(colours.T, bias=True))
    root = vectors * np.sqrt(np.maximum(values / values[-1], joint.LIVE)) @ vectors.T
    y, x = np.meshgrid(np.fft.fftfreq(20), np.fft.fftfreq(27), indexing="ij")
    octaves = np.clip(-np.log2(np.maximum(2 * np.hypot(y, x), 1e-9)), 0, 5)
    strongest = target["lowpass_deviation"][:, 0], target["highpass_variance"][0, 0]
    gain = np.interp(octaves, range(6), pyramid.amplitudes(*strongest))
    gain[0, 0] = 1
    change = np.random.default_rng(1).normal(size=(1, 20, 27, 3)).astype(np.float32)
    expected = np.fft.ifft2(gain[..., None] * np.fft.fft2(change @ root, axes=(1, 2)), axes=(1, 2))
    scaled = statistic.scaled(tf.constant(change), target)
    np.testing.assert_allclose(scaled, expected.real, atol=1e-5)
    np.testing.assert_allclose(  # its own adjoint
        np.vdot(style, scaled), np.vdot(statistic.scaled(tf.constant(style), target), change), 1e-4
    )


@pytest.mark.parametrize("power", [0, 1])
def test_amplitudes_are_those_of_the_octaves(power):
    """Of noise whose waves are all as strong, or fall as 1 / frequency."""
    y, x = np.meshgrid(np.fft.fftfreq(128), np.fft.fftfreq(128), indexing="ij")
    wanted = 1 / np.maximum(2 * np.hypot(y, x), 1 / 32) ** power
    noise = np.fft.fft2(np.random.default_rng(0).normal(size=(128, 128)))
    found = summary(np.fft.ifft2(noise * wanted).real[..., None])
    amplitudes = pyramid.amplitudes(
        tf.constant(found["lowpass_deviation"][:, 0], tf.float32),
        tf.constant(found["highpass_variance"][0, 0], tf.float32),
    )
    expected = 2.0 ** ((power - 0.5) * np.arange(6))  # a quarter of the waves in each
    np.testing.assert_allclose(amplitudes / amplitudes[2], expected / expected[2], rtol=0.45)


def test_a_grey_picture_has_one_colour_and_a_coloured_one_has_three():
    statistic, image = statistics.get("portilla_simoncelli"), texture()
    for style, live in ((image, 3), (np.repeat(image[..., :1], 3, axis=3), 1)):
        target = statistic.target([style], [1.0])
        assert np.count_nonzero(target["magnitude_deviation"][0, :, 0]) == live
        assert statistic.loss(style, target) < 1e-9 < 1e-2 < statistic.loss(1 - style, target)


@pytest.mark.parametrize("value", [0.0, 0.7])
def test_flat_pictures_have_finite_gradients(value):
    statistic, flat = statistics.get("portilla_simoncelli"), tf.fill([1, 20, 24, 3], value)
    style = tf.constant(texture(20, 24))
    for here, there in ((flat, style), (style, flat), (flat, flat)):
        target = statistic.target([there], [1.0])
        with tf.GradientTape() as tape:
            tape.watch(here)
            loss = statistic.loss(here, target)
        assert np.isfinite(loss) and np.isfinite(tape.gradient(loss, here)).all()


def test_values_beyond_those_of_the_style_are_pulled_back():
    statistic, image = statistics.get("portilla_simoncelli"), texture()
    target, brighter = statistic.target([image], [1.0]), image.copy()
    brighter[0, 3, 4] = image.max((0, 1, 2)) + 0.3
    expected = 3 * 0.09 / brighter.size / np.trace(target["covariance"]) * 3
    maps = joint.channels_of(brighter)
    np.testing.assert_allclose(joint.outside(maps, target), expected, rtol=1e-4)


@pytest.mark.parametrize("family", PORTILLA_FAMILIES[1:])
def test_a_family_that_is_left_out_does_not_count(family):
    whole, part = (joint.PortillaSimoncelli(without=name) for name in ("nothing", family))
    target, measured = (whole.measure(texture(seed=seed)) for seed in (0, 1))
    changed = measured | {name: target[name] for name in joint.FAMILIES[family]}
    rest, everything = (float(whole.distance(each, target)) for each in (changed, measured))
    assert float(part.distance(measured, target)) == pytest.approx(rest)
    assert everything > 1.001 * rest


def test_defaults_of_the_pyramid():
    named, chosen = (
        TextureSettings(**given)
        for given in ({"features": "steerable_pyramid"}, {"statistic": "portilla_simoncelli"})
    )
    for settings in (named, chosen):
        assert settings.chosen("statistic") == "portilla_simoncelli"
        assert settings.chosen("features") == "steerable_pyramid"
        assert settings.layer_weights() == {"image": 1.0}
        assert settings.parameters("lbfgs")["history"] == 100
        assert settings.chosen("evaluations") == 1200 and settings.terms()["tv"] == 0
    assert named.replace(evaluations=20, tv_weight=0.1).terms() == {"style": 1, "tv": 0.1}
    assert TextureSettings().chosen("evaluations") == 300
    others = StylizeSettings(features="steerable_pyramid", statistic="gram")
    assert others.layers()[-1] == "lowpass" and others.parameters("lbfgs")["history"] == 10


def test_a_texture_has_the_style_s_numbers():
    """It is a tile: the pyramid continues at the other side, so nothing is cut off."""
    style = texture(64, 64)
    settings = SMALL | {"size": 64, "evaluations": 100}
    image = tfstyle.synthesize_texture(style, features="steerable_pyramid", **settings).image
    statistic = joint.PortillaSimoncelli(scales=2, angles=2)
    target = statistic.target([style], [1.0])
    assert statistic.loss(image, target) < 0.03
    np.testing.assert_allclose(image.mean((0, 1, 2)), target["mean"], atol=0.02)
    assert np.abs(np.corrcoef(image.ravel(), style.ravel())[0, 1]) < 0.9  # not the style itself


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"memory": "2GB", "size": 1024}, "features: expected a network .* in blocks only"),
        ({"style_region": [np.eye(32)]}, "features: expected a network .* style_region"),
        ({"weights": "imagenet"}, "weights: expected nothing for the steerable pyramid"),
        (
            {"features": "vgg19_narrow", "statistic": "portilla_simoncelli"},
            "statistic: .* portilla_simoncelli, such as image of features=steerable_pyramid",
        ),
        ({"style_layers": ["block1_conv1"]}, "style_layers: .* image, highpass, scale1"),
    ],
)
def test_what_cannot_work_is_refused(settings, message):
    settings = SMALL | {"features": "steerable_pyramid", "evaluations": 3} | settings
    with pytest.raises(ValueError, match=message):
        tfstyle.synthesize_texture(texture(), **settings)
