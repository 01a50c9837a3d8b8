"""Train the decoders of `tfstyle.networks.decoders` to undo the bundled feature network.

    KERAS_BACKEND=jax python -m tools.train_inverter --pictures=FOLDER --minutes=8
    python -m tools.train_inverter --pictures=FOLDER --layer=block4_conv1 --minutes=240

Any backend of Keras will do; TensorFlow is not needed. The decoders of all layers are trained side
by side on two errors: that of the pixels, which alone would blur what the layer has forgotten, and
the relative one of the features of the picture, seen again. The training may be interrupted, and
resumes from --checkpoint. Every minute the weights are written, and what they reach on --held_out.
"""

import pathlib
import time

import keras
import numpy as np
from absl import app, flags
from keras import ops
from PIL import Image, ImageOps

from tfstyle.features import vgg, weights
from tfstyle.features.architectures import VGG19_NARROW
from tfstyle.networks import decoders
from tools import training_pictures
from tools.training import energy, save

_PICTURES = flags.DEFINE_list("pictures", None, "Folders of pictures.", required=True)
_HELD_OUT = flags.DEFINE_string("held_out", "examples/photos", "Folder of pictures to judge by.")
_LAYER = flags.DEFINE_list("layer", list(decoders.LAYERS), "Layers to be inverted.")
_OUTPUT = flags.DEFINE_string("output", "inverters.npz", "Where the decoders are written.")
_CHECKPOINT = flags.DEFINE_string("checkpoint", "checkpoints/inverter.weights.h5", "To resume.")
_MINUTES = flags.DEFINE_float("minutes", 60, "Of training, in all.", lower_bound=0)
_BATCH = flags.DEFINE_integer("batch", 24, "Crops a step.", lower_bound=1)
_CROP = flags.DEFINE_integer("crop", 192, "Side of a crop, pixels.", lower_bound=32)
_STEPS = flags.DEFINE_integer("steps", 100, "Steps at each learning rate.", lower_bound=1)
_LEARNING_RATE = flags.DEFINE_float("learning_rate", 1e-3, "Peak learning rate of Adam.")
_FEATURES = flags.DEFINE_float("feature_weight", 0.01, "Of the relative error of the features.")
_PROCEDURAL = flags.DEFINE_integer("procedural", 6, "Procedural pictures of each kind.")
_PRECISION = flags.DEFINE_enum(
    "precision", "mixed_bfloat16", ["mixed_bfloat16", "float32"], "Of the arithmetic."
)

WARM_UP = 5  # times --steps
SAVE_SECONDS = 60


class Crops(keras.utils.PyDataset):
    """Batches of crops `[n, crop, crop, 3]`, uint8: half as they are, half in other colours.

    Never upside down, and colours never exchanged: what a layer has forgotten, a decoder replaces
    by what is usual.
    """

    def __init__(self, pictures, batch, crop, steps, **kwargs):
        super().__init__(**kwargs)
        large = [picture for picture in pictures if min(picture.shape[:2]) >= crop]
        self.pyramids = [training_pictures.pyramid(picture, crop) for picture in large]
        self.batch, self.crop, self.steps = batch, crop, steps

    def __len__(self):
        return self.steps

    def __getitem__(self, index):
        rng = np.random.default_rng()
        crops = np.stack([self._crop(rng) for _ in range(self.batch)])
        return crops, np.zeros(self.batch, np.float32)

    def _crop(self, rng):
        pyramid = self.pyramids[rng.integers(len(self.pyramids))]
        picture = pyramid[rng.integers(len(pyramid))]
        top, left = (rng.integers(side - self.crop + 1) for side in picture.shape[:2])
        crop = picture[top : top + self.crop, left : left + self.crop]
        crop = crop[:, ::-1] if rng.random() < 0.5 else crop
        return _recoloured(crop, rng) if rng.random() < 0.5 else crop


def _recoloured(crop, rng):
    """Another gamma, contrast and brightness for each channel, nearly the same for all."""
    values = np.arange(256) / 255
    gamma, gain, shift = (
        rng.normal(0, common) + rng.normal(0, own, 3)
        for common, own in ((0.2, 0.05), (0.2, 0.05), (0.08, 0.03))
    )
    table = (values[:, None] ** np.exp(gamma) - 0.5) * np.exp(gain) + 0.5 + shift
    table = np.uint8(np.clip(table, 0, 1) * 255 + 0.5)
    return np.stack([table[:, channel][crop[..., channel]] for channel in range(3)], axis=-1)


class Training(keras.Model):
    """Decoders behind the feature network; `fit` minimises the sum of their errors."""

    def __init__(self, layers, feature_weight, dtype):
        super().__init__()
        network = vgg.build(VGG19_NARROW, decoders.LAYERS, dtype=dtype)
        weights.assign(network, weights.read("bundled"), "bundled")
        network.trainable = False
        # A decoder is judged by all layers up to the one it inverts.
        self.networks = {}
        for number, layer in enumerate(decoders.LAYERS, 1):
            seen = {name: network.output[name] for name in decoders.LAYERS[:number]}
            self.networks[layer] = keras.Model(network.input, seen)
        self.decoders = {layer: decoders.build(layer, dtype) for layer in layers}
        self.feature_weight = feature_weight
        self.spent = self.add_weight(name="spent", shape=(), initializer="zeros", trainable=False)

    def call(self, images):
        images = ops.cast(images, "float32") / 255
        return {
            layer: decoder(self.networks[layer](images)[layer])
            for layer, decoder in self.decoders.items()
        }

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        images = ops.cast(x, "float32") / 255
        total = 0.0
        for layer, picture in y_pred.items():
            again, seen = self.networks[layer](picture), self.networks[layer](images)
            errors = [
                ops.sum(energy(again[name] - seen[name])) / ops.sum(energy(seen[name]))
                for name in seen  # of the batch: flat crops have next to none
            ]
            features = sum(errors) / len(errors)
            total += ops.mean(ops.square(picture - images)) + self.feature_weight * features
        return total


class Clock(keras.callbacks.Callback):
    """A rate that falls to zero over `minutes`, interruptions not counted; saves on the way."""

    def __init__(self, minutes, peak, checkpoint, output, held_out):
        super().__init__()
        self.seconds, self.peak, self.checkpoint = minutes * 60, peak, checkpoint
        self.output, self.held_out = output, held_out

    def on_train_begin(self, logs=None):
        self.spent = self.saved = float(self.model.spent)
        self.last, self.epochs = time.monotonic(), 0

    def on_epoch_begin(self, epoch, logs=None):
        fraction = min(1.0, self.spent / self.seconds)
        warm = min(1.0, (epoch + 1) / WARM_UP)
        self.model.optimizer.learning_rate = self.peak * warm * (1 + np.cos(np.pi * fraction)) / 2

    def on_epoch_end(self, epoch, logs=None):
        now = time.monotonic()
        self.spent, self.last = self.spent + now - self.last, now
        self.model.stop_training = self.spent >= self.seconds
        if self.spent - self.saved >= SAVE_SECONDS:
            self.saved = self.spent
            self.model.spent.assign(self.spent)
            self.model.save_weights(self.checkpoint)
            report(self.model, self.held_out, self.output, f"{self.spent:.0f} s")


def report(model, pictures, output, heading) -> None:
    """Writes the decoders as they are, and says what they reach."""
    save(model.decoders.values(), output)
    images = np.stack(pictures)
    made = model.predict_on_batch(images)
    for layer, picture in made.items():
        error = np.square(np.clip(picture, 0, 1) - images / 255).mean(axis=(1, 2, 3))
        values = " ".join(f"{value:.2f}" for value in -10 * np.log10(error))
        print(f"{heading} {layer}: PSNR {values} dB", flush=True)


def held_out(folder, side=256) -> list[np.ndarray]:
    """The middle of every picture, uint8 `[side, side, 3]`."""
    pictures = map(Image.fromarray, training_pictures.read_folder(folder))
    return [np.asarray(ImageOps.fit(picture, (side, side), Image.LANCZOS)) for picture in pictures]


def main(_) -> None:
    pictures = [p for folder in _PICTURES.value for p in training_pictures.read_folder(folder)]
    pictures += training_pictures.procedural(_PROCEDURAL.value)
    crops = Crops(pictures, _BATCH.value, _CROP.value, _STEPS.value, workers=8)
    model = Training(_LAYER.value, _FEATURES.value, _PRECISION.value)
    optimizer = keras.optimizers.Adam(
        _LEARNING_RATE.value, use_ema=True, ema_momentum=0.998, clipnorm=1.0
    )
    model.compile(optimizer=optimizer, jit_compile=keras.backend.backend() != "torch")
    model(crops[0][0])
    optimizer.build(model.trainable_variables)
    checkpoint = pathlib.Path(_CHECKPOINT.value)
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    if checkpoint.exists():
        model.load_weights(checkpoint)
    judged = held_out(_HELD_OUT.value)
    pathlib.Path(_OUTPUT.value).parent.mkdir(parents=True, exist_ok=True)
    clock = Clock(_MINUTES.value, _LEARNING_RATE.value, checkpoint, _OUTPUT.value, judged)
    model.fit(crops, epochs=10**9, callbacks=[clock], verbose=2)
    report(model, judged, _OUTPUT.value, "averaged")


if __name__ == "__main__":
    app.run(main)
