"""The whole run in a graph: the pictures of `tfstyle.stylize`, at any size, and what is refused."""

import functools

import numpy as np
import pytest
import slow
import tensorflow as tf
from test_api import CONTENT_LAYERS, NARROW, STYLE_LAYERS, assert_picture, photo
from test_api import checks as board
from test_api import stripes as exact_stripes

import tfstyle
from tfstyle import images, levels, statistics
from tfstyle.serving import packing

OPTIONS = {"style_layers": STYLE_LAYERS[1:], "content_layers": CONTENT_LAYERS} | NARROW


def eight_bits(picture):
    return np.asarray(images.to_pil(picture[None]))


def stripes(height=64, width=64):
    return eight_bits(exact_stripes(height, width))  # as a stylizer keeps its styles


@pytest.fixture(autouse=True, scope="module")
def two_scales():
    """Pictures of 64 pixels have two scales, as those of 256 have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(levels, "MIN_LONG_SIDE", 32)
        yield


def styles(statistic):
    """A blend for the discriminator, which draws from each."""
    return stripes() if statistic != "discriminator" else [stripes(), eight_bits(board())]


@functools.cache
def make(statistic="gram", optimizer="lbfgs", **options):
    options = {"evaluations": 3, "max_size": 128, "max_evaluations": 30} | options
    return tfstyle.Stylizer(
        styles(statistic),
        statistic=statistic,
        optimizer=optimizer,
        **(OPTIONS | options),
    )


def content(height=64, width=72):
    """Nowhere flat: where a gradient is all but 0 Adam's steps are as long, of either sign."""
    rough = np.random.default_rng(0).random((height, width, 3), np.float32)
    return (0.9 * photo(height, width) + 0.1 * rough)[None]


def assert_same_picture(image, wanted):
    """To rounding, but for a few values."""
    assert image.shape == wanted.shape
    assert np.quantile(np.abs(image - wanted), 0.995) < 1e-4


def paint(stylizer, image=None, num_steps=4, seed=3):
    image = content() if image is None else image
    return [x.numpy() for x in stylizer.stylize(image, num_steps, seed).values()]  # image, losses


def eagerly(statistic="gram", optimizer="lbfgs", image=None, **options):
    image = content() if image is None else image
    options = {"size": image.shape[2:0:-1], "evaluations": 4, "seed": 3} | OPTIONS | options
    return tfstyle.stylize(
        image,
        options.pop("style", styles(statistic)),
        statistic=statistic,
        optimizer=optimizer,
        **options,
    )


def step(stylizer, num_steps, state=b"", image=None, seed=3):
    image = content() if image is None else image
    result = stylizer.step(content(), image, state, num_steps, seed)
    return result["image"].numpy(), result["state_bytes"].numpy(), result["losses"].numpy()


def describe(stylizer, image=None, seed=3):
    image = stripes()[None] / np.float32(255) if image is None else image
    return stylizer.describe(image, seed)["descriptor_bytes"]


@pytest.mark.parametrize(
    "statistic", slow.but(("gram",), [*statistics.STATISTICS, *statistics.LEARNERS])
)
def test_adam_paints_what_stylize_paints(statistic):
    image, losses = paint(make(statistic, "adam"))
    wanted = eagerly(statistic, "adam")
    assert_same_picture(image, wanted.image)
    np.testing.assert_allclose(losses, wanted.losses, rtol=1e-3)
    assert len(losses) == 4 and np.abs(image - content()).max() > 0.01


@pytest.mark.parametrize("statistic", ["gram", "sliced_wasserstein"])
def test_lbfgs_begins_as_stylize_does(statistic):
    """Its line search amplifies rounding with every evaluation."""
    image, losses = paint(make(statistic), num_steps=8)
    wanted = eagerly(statistic, evaluations=8)
    np.testing.assert_array_equal(losses[:, 0], wanted.losses[:, 0])
    np.testing.assert_allclose(losses[:4], wanted.losses[:4], rtol=1e-3)
    assert_picture(image, 64, 72)


TWO_SCALES = {"style_size": 40, "style_weight": 7.0, "scales": 2, "tv_weight": 0.1}
TWO_SCALES |= {"style_layers": STYLE_LAYERS, "style_layer_weights": (1, 3)}


def test_settings_are_those_of_stylize():
    image, _ = paint(make(optimizer="adam", **TWO_SCALES), content(66, 70))
    wanted = eagerly(optimizer="adam", image=content(66, 70), **TWO_SCALES)
    assert_same_picture(image, wanted.image)


@pytest.mark.parametrize("height, width", [(33, 70), (128, 100)])
def test_one_graph_for_all_sizes(height, width):
    stylizer = make(optimizer="adam")
    image, losses = paint(stylizer, content(height, width), num_steps=3)
    wanted = eagerly(optimizer="adam", image=content(height, width), evaluations=3)
    assert_same_picture(image, wanted.image)
    assert stylizer.stylize.experimental_get_tracing_count() == 1


def test_a_budget_that_leaves_scales_without_evaluations():
    image, losses = paint(make(optimizer="adam"), content(128, 128), num_steps=1)
    wanted = eagerly(optimizer="adam", image=content(128, 128), evaluations=1)
    np.testing.assert_allclose(losses, wanted.losses, rtol=1e-3)
    # At the start, shrunk and enlarged again: one evaluation is at the middle one of three scales.
    assert_same_picture(image, wanted.image)
    assert 0.01 < np.abs(image - content(128, 128)).max()


STEPPERS = [("gram", "lbfgs"), ("discriminator", "adam")]


@pytest.mark.parametrize("statistic, optimizer", STEPPERS)
def test_two_calls_are_one_to_the_bit(statistic, optimizer):
    stylizer = make(statistic, optimizer)
    whole, last, losses = step(stylizer, 5)
    _, state, first = step(stylizer, 2)
    image, state, second = step(stylizer, 3, state, image=content() * 0)
    np.testing.assert_array_equal(image, whole)
    np.testing.assert_array_equal(np.concatenate([first, second]), losses)
    assert state == last and np.array(state).item() == state


@pytest.mark.parametrize("statistic, optimizer", STEPPERS)
def test_steps_are_those_of_a_run_on_one_scale(statistic, optimizer):
    image, _, losses = step(make(statistic, optimizer), 4)
    wanted = eagerly(statistic, optimizer, evaluations=4, scales=1)
    np.testing.assert_allclose(losses, wanted.losses, rtol=1e-3)
    assert_same_picture(image, wanted.image)


def test_steps_start_at_the_image():
    image, _, losses = step(make(), 1, image=content() * 0 + 0.25)
    np.testing.assert_array_equal(image, content() * 0 + 0.25)  # the first evaluation is there
    assert losses[0, 1] != step(make(), 1)[2][0, 1]


@pytest.mark.parametrize(
    "statistic, options",
    slow.but(
        [("gram", {})],
        [("gram", {}), ("sliced_wasserstein", {}), ("sliced_wasserstein", {"strength": 0.6})],
    ),
)
def test_its_own_style_described_paints_the_same(statistic, options):
    stylizer = make(statistic, "adam", **options)
    image = content(64, 64)  # as large as the style
    one = paint(stylizer, image)
    two = stylizer.stylize_with(image, describe(stylizer), 4, 9)  # draws as when it was described
    assert_same_picture(two["image"], one[0])
    np.testing.assert_allclose(two["losses"], one[1], rtol=1e-3)


def test_another_style_described_paints_in_that_style():
    stylizer, style = make(optimizer="adam"), eight_bits(board())
    described = describe(stylizer, style[None] / np.float32(255))
    image = stylizer.stylize_with(content(64, 64), described, 4, 3)["image"]
    wanted = eagerly(optimizer="adam", image=content(64, 64), style=style)
    assert_same_picture(image, wanted.image)


def test_a_descriptor_has_all_scales_however_few_evaluations_are_allowed():
    few = make(optimizer="adam", evaluations=1, max_evaluations=1)
    assert describe(few).numpy() == describe(make(optimizer="adam")).numpy()


def test_a_large_style_is_shrunk_for_a_small_picture():
    stylizer = make(optimizer="adam")
    large = images.resize(exact_stripes(32, 32)[None], 64, 64)
    described = describe(stylizer, large)
    image = photo(32, 32)[None]
    small = describe(stylizer, images.resize(large, 32, 32))
    losses = [stylizer.stylize_with(image, x, 3, 3)["losses"] for x in (described, small)]
    np.testing.assert_allclose(*losses, rtol=1e-3)


@functools.cache
def texture():
    return make(content_weight=0.0, tv_weight=0.001, init="noise")


def test_textures_begin_with_noise_by_the_seed():
    first, again, other = (paint(texture(), content(), 1, seed)[0] for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 0.05
    # Shrunk noise, enlarged: the middle is that of clip(0.5 + 0.15 N(0, 1)).
    np.testing.assert_allclose([first.mean(), other.mean()], 0.5, atol=0.02)


def test_textures_do_not_see_the_content_and_come_nearer_to_the_style():
    image, losses = paint(texture(), content(), 20)
    np.testing.assert_array_equal(image, paint(texture(), 0 * content() + 0.3, 20)[0])
    assert losses[-1, 1] < 0.6 * losses[0, 1]


def call(pictures, **options):
    return make(optimizer="adam")(pictures, **options)


def wanted(picture, seed=0):
    unit = (picture / 255 if picture.dtype == np.uint8 else picture).astype(np.float32)
    return paint(make(optimizer="adam"), unit[None], 3, seed)[0][0]  # evaluations=3


def test_a_call_on_one_picture_of_8_bits():
    picture = eight_bits(content(40, 50)[0])
    result = call(picture)
    assert result.shape == (40, 50, 3) and result.dtype == tf.float32
    np.testing.assert_allclose(result, wanted(picture), atol=1e-5)


def test_a_call_on_a_batch():
    batch = np.stack([photo(40, 36), board(40, 36), photo(40, 36)[:, ::-1]])
    result = call(batch, seed=2)
    assert result.shape == batch.shape
    for one, picture in zip(result, batch):
        np.testing.assert_allclose(one, wanted(picture, 2), atol=1e-5)


def test_a_dataset_of_pictures_of_any_size():
    pictures = [eight_bits(photo(40, 50)), eight_bits(board(45, 33))]
    spec = tf.TensorSpec([None, None, 3], tf.uint8)
    dataset = tf.data.Dataset.from_generator(lambda: iter(pictures), output_signature=spec)
    painted = list(dataset.map(make(optimizer="adam")))
    for one, picture in zip(painted, pictures):
        np.testing.assert_allclose(one, wanted(picture), atol=1e-5)
    assert len(painted) == 2
    assert make(optimizer="adam")._batch.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("shape", [(40, 40), (1, 1, 40, 40, 3), (3,)], ids=str)
def test_a_call_on_another_shape(shape):
    with pytest.raises(ValueError, match=r"^pictures: expected the shape \[H, W, 3\]"):
        call(np.zeros(shape, np.float32))


def test_a_blend_is_that_of_stylize():
    style = [stripes(), eight_bits(board(40, 48)), stripes(33, 70)]
    options = {"style_blend": [3, 2, 0], "optimizer": "adam"} | OPTIONS
    image, _ = paint(tfstyle.Stylizer(style, max_size=128, **options))
    result = tfstyle.stylize(content(), style, size=(72, 64), evaluations=4, seed=3, **options)
    assert_same_picture(image, result.image)


def without_numbers():
    image = content(40, 40)
    image[0, 5, 5, 1] = np.nan
    return image


BAD = [
    (lambda: content(40, 40) * 255, r"expected values in \[0, 1\], received"),
    (lambda: content(40, 40) - 1, r"expected values in \[0, 1\], received"),
    (without_numbers, r"expected values in \[0, 1\], received"),
    (lambda: content(31, 40), "expected sides from 32 to 128, received"),
    (lambda: content(40, 129), "expected sides from 32 to 128, received"),
]
IDS = ["above 1", "below 0", "NaN", "too small", "too large"]
refused = functools.partial(pytest.raises, tf.errors.InvalidArgumentError)


@pytest.mark.parametrize("picture, sentence", BAD, ids=IDS)
def test_bad_pictures(picture, sentence):
    stylizer, bad = make(), picture()
    with refused(match=f"image: {sentence}"):
        stylizer.stylize(bad, 3, 0)
    with refused(match=f"content: {sentence}"):
        stylizer.step(bad, content(40, 40), b"", 3, 0)
    with refused(match=f"image: {sentence}"):
        stylizer.step(content(40, 40), bad, b"", 3, 0)


@pytest.mark.parametrize("picture, sentence", BAD, ids=IDS)
def test_bad_pictures_of_a_style(picture, sentence):
    with refused(match=f"image: {sentence}"):
        make(optimizer="adam").describe(picture(), 0)


def test_an_image_of_another_size_than_the_content():
    with refused(match="image: expected the size of content, received"):
        step(make(), 3, image=content(72, 64))


@pytest.mark.parametrize("num_steps", [0, -1, 31, 2**31 - 1])
def test_bad_numbers_of_steps(num_steps):
    sentence = "num_steps: expected from 1 to 30, received"
    with refused(match=sentence):
        paint(make(), num_steps=num_steps)
    with refused(match=sentence):
        step(make(), num_steps)


def test_more_scales_than_a_picture_allows():
    with refused(match="image: expected a size that allows 2 scales, received"):
        paint(make(optimizer="adam", **TWO_SCALES), content(40, 40))


def test_a_state_of_a_picture_of_another_size():
    _, state, _ = step(make(), 1)
    with refused(match="state_bytes: expected all bytes of a picture of this size"):
        make().step(content(40, 40), content(40, 40), state, 1, 3)


def test_bytes_of_another_statistic():
    described = describe(make("sliced_wasserstein", "adam")).numpy()
    assert described.startswith(b"tfstyle descriptor, ")
    for bad in (described, b"none", b"\0" * 5000, step(make(optimizer="lbfgs"), 1)[1]):
        with refused(match="descriptor_bytes: expected bytes that begin with"):
            make(optimizer="adam").stylize_with(content(64, 64), bad, 3, 0)
    with refused(match="state_bytes: expected bytes that begin with"):
        step(make(), 1, b"none")


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e30], ids=str)
def test_bytes_that_changed(value):
    def changed(data, at):
        return data[:at] + np.float32(value).tobytes() + data[at + 4 :]

    stylizer = make(optimizer="adam")
    described, (_, state, _) = describe(stylizer).numpy(), step(stylizer, 1)
    for at in (described.index(b"\n") + 100, len(described) - 100):
        with refused(match="descriptor_bytes: expected bytes as they were"):
            stylizer.stylize_with(content(64, 64), changed(described, at), 3, 0)
    for at in (state.index(b"\n") + 100, len(state) - 100):
        with refused(match="state_bytes: expected bytes as they were"):
            step(stylizer, 1, changed(state, at))


def test_a_made_up_state_is_no_picture():
    """The hash is right, but its image is none."""
    stylizer = make(optimizer="adam")
    _, state, _ = step(stylizer, 1)
    begin = state.index(b"\n") + 1
    numbers = np.frombuffer(state[begin : -packing.TAIL], np.int32)  # the last two are integers
    numbers = np.append(np.full(len(numbers) - 2, np.float32(np.nan)).view(np.int32), numbers[-2:])
    with refused(match="state_bytes: expected what leads to a picture"):
        step(stylizer, 1, packing.pack(state[:begin].decode(), tf.constant(numbers)).numpy())


def test_a_descriptor_that_is_cut():
    described = describe(make(optimizer="adam")).numpy()
    for bad in (described[:-1], described + b".", described[: len(described) // 2], b""):
        with refused(match="descriptor_bytes: expected "):
            make(optimizer="adam").stylize_with(content(64, 64), bad, 3, 0)


def test_any_callable_is_a_network():
    def colours(image):
        return {"colour": image}

    options = {"features": colours, "style_layers": ["colour"], "content_weight": 0.0}
    options |= {"optimizer": "adam"}
    image, _ = paint(tfstyle.Stylizer(stripes(), max_size=128, **options), content(40, 40))
    result = tfstyle.stylize(content(40, 40), stripes(), size=40, evaluations=4, seed=3, **options)
    assert_same_picture(image, result.image)
