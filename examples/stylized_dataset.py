"""Paints a folder of class directories in many styles, for training that cannot lean on texture.

    python examples/stylized_dataset.py --photos=DIR --styles='examples/styles/*.jpg' --records=FILE

As in Stylized-ImageNet (Geirhos et al. 2019, "ImageNet-trained CNNs are biased towards texture"),
every photograph is given the style of a painting drawn at random, and keeps its class. The pictures
are written as TFRecords; `read` gives them to `keras.Model.fit`.
"""

import glob
import os

import keras
import tensorflow as tf
from absl import app, flags

import tfstyle
from tfstyle import images

STYLE_WEIGHT = 10.0  # less than for a picture on the wall: shapes must stay
FEATURES = {
    "image": tf.io.FixedLenFeature([], tf.string),  # a PNG file
    "label": tf.io.FixedLenFeature([], tf.int64),
}


def photographs(folder, size):
    """Dataset of (uint8 `[size, size, 3]`, class) from `folder/CLASS/*.jpg`, and the classes."""
    found = keras.utils.image_dataset_from_directory(
        folder,
        label_mode="int",
        batch_size=None,
        image_size=(size, size),
        crop_to_aspect_ratio=True,
        shuffle=False,
    )
    return found.map(
        lambda image, label: (tf.cast(image + 0.5, tf.uint8), label)
    ), found.class_names


def stylized(dataset, styles, size, seed=0, **settings):
    """The dataset, each picture in one of the styles: one graph for all of them."""
    settings = {"style_weight": STYLE_WEIGHT, "max_size": max(size, images.MIN_SIDE), **settings}
    stylizer = tfstyle.Stylizer(styles[0], **settings)
    pictures = [images.resize(images.load(style), size, size) for style in styles]
    known = tf.stack([stylizer.describe(picture, 0)["descriptor_bytes"] for picture in pictures])

    def paint(number, pair):
        image, label = pair
        drawn = tf.random.stateless_uniform([], [seed, number], 0, len(styles), tf.int32)
        image = tf.image.convert_image_dtype(image, tf.float32)[None]
        evaluations = stylizer.settings.evaluations
        painted = stylizer.stylize_with(image, known[drawn], evaluations, seed)["image"][0]
        return tf.image.convert_image_dtype(painted, tf.uint8, saturate=True), label

    return dataset.enumerate().map(paint, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def write(dataset, path):
    """Writes pairs of a picture and a class as TFRecords."""
    with tf.io.TFRecordWriter(path) as writer:
        for image, label in dataset:
            png, number = tf.io.encode_png(image).numpy(), int(label)
            feature = {
                "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[png])),
                "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[number])),
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())


def read(path, size):
    """Dataset of (float `[size, size, 3]` in [0, 1], class) from what `write` wrote."""

    def parse(record):
        example = tf.io.parse_single_example(record, FEATURES)
        image = tf.io.decode_png(example["image"], channels=3)
        image = tf.image.convert_image_dtype(image, tf.float32)
        return tf.ensure_shape(image, [size, size, 3]), example["label"]

    return tf.data.TFRecordDataset(path).map(parse)


def main(_):
    size = _SIZE.value
    styles = sorted(glob.glob(_STYLES.value))
    photos, classes = photographs(_PHOTOS.value, size)
    painted = stylized(photos, styles, size, evaluations=_EVALUATIONS.value)
    write(painted, _RECORDS.value + ".part")
    os.replace(_RECORDS.value + ".part", _RECORDS.value)
    count = sum(1 for _ in read(_RECORDS.value, size))
    print(f"{_RECORDS.value}: {count} pictures of {len(classes)} classes in {len(styles)} styles")


if __name__ == "__main__":
    _PHOTOS = flags.DEFINE_string("photos", None, "Folder of class directories.", required=True)
    _STYLES = flags.DEFINE_string("styles", None, "Pattern of the style pictures.", required=True)
    _RECORDS = flags.DEFINE_string("records", None, "TFRecord file to write.", required=True)
    _SIZE = flags.DEFINE_integer("size", 96, "Side of the pictures in pixels.", lower_bound=32)
    _EVALUATIONS = flags.DEFINE_integer("evaluations", 40, "Of each picture.", lower_bound=1)
    app.run(main)
