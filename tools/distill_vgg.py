"""Train the compact feature network (`vgg19_compact`) to see what a teacher sees.

    python -m tools.distill_vgg --teacher=TEACHER --pictures=FOLDER --output=NETWORK.npz
    python -m tools.distill_vgg --teacher=TEACHER --pictures=FOLDER --evaluate --student=NETWORK.npz

For teachers see `tools.teacher`. The student starts from random numbers, or from --student with its
dead channels drawn anew. It is trained on three relative errors at every layer that has a head:
features, Gram matrices, and the change of the features under a change of the image, which is what
the gradients of a style loss are made of.
"""

import pathlib

import keras
import numpy as np
from absl import app, flags
from keras import ops

from tfstyle import features
from tfstyle.features import precision, vgg, weights
from tfstyle.features.architectures import VGG19_COMPACT
from tools import training_pictures
from tools.teacher import LAYERS, load
from tools.training import energy, relative_error, save

_TEACHER = flags.DEFINE_string("teacher", "imagenet", "imagenet, or a file of teacher weights.")
_PICTURES = flags.DEFINE_list("pictures", None, "Folders of pictures.", required=True)
_OUTPUT = flags.DEFINE_string("output", "vgg19_compact.npz", "Where the student is written.")
_STUDENT = flags.DEFINE_string("student", None, "Weights to evaluate, or to start from.")
_EVALUATE = flags.DEFINE_bool(
    "evaluate", False, "Compare --student with the teacher on --pictures."
)
_STEPS = flags.DEFINE_integer("steps", 20000, "Training steps.", lower_bound=1)
_BATCH = flags.DEFINE_integer("batch", 16, "Crops a step.", lower_bound=2)
_CROP = flags.DEFINE_integer("crop", 128, "Side of a crop, pixels.", lower_bound=64)
_LEARNING_RATE = flags.DEFINE_float("learning_rate", 2e-3, "Peak learning rate of Adam.")
_DECAY = flags.DEFINE_integer("decay", 2500, "The last steps, over which the rate falls to zero.")
_PROCEDURAL = flags.DEFINE_integer("procedural", 12, "Procedural pictures of each kind.")
_CHECKPOINTS = flags.DEFINE_string("checkpoints", "checkpoints", "Folder to resume from.")
_PRECISION = flags.DEFINE_enum(
    "precision", "bfloat16", ["bfloat16", "float32"], "Of the arithmetic."
)

STEPS_PER_EPOCH = 100
# The deepest layer learns most slowly; weighting it helps all layers.
LAYER_WEIGHTS = dict(zip(LAYERS, (0.5, 0.7, 1.0, 1.2, 1.0, 3.0)))


class Trapezoid(keras.optimizers.schedules.LearningRateSchedule):
    """Rises for `warmup` steps, is constant, falls to zero over the last `decay` of `steps`.

    A training that runs out of time is resumed with fewer `steps`, and loses nothing.
    """

    def __init__(self, peak, steps, warmup, decay):
        self.peak, self.steps, self.warmup, self.decay = peak, steps, warmup, decay

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rise, fall = (step + 1) / self.warmup, (self.steps - step) / self.decay
        return self.peak * ops.clip(ops.minimum(rise, fall), 0.0, 1.0)

    def get_config(self):
        return vars(self)


class Distillation(keras.Model):
    """A student beside its teacher; `fit` minimises the sum of the three relative errors."""

    def __init__(self, student, teacher, channel_weights):
        super().__init__()
        self.student, self.teacher, self.channel_weights = student, teacher, channel_weights
        self.teacher.trainable = False

    def call(self, images):
        return self.student(images)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        seen = self.teacher(x)
        total = 0.0
        half = ops.shape(x)[0] // 2
        for layer, output in y_pred.items():
            scale = ops.sqrt(self.channel_weights[layer])
            a, b = (
                window(features) * ops.cast(scale, features.dtype)
                for features in (output, matched(seen[layer], output.shape[-1]))
            )
            grams = relative_error(gram(a[: half // 2]), gram(b[: half // 2]))
            a, b = ops.cast(a, "float32"), ops.cast(b, "float32")
            floor = 1e-3 * energy(b[:half])  # below it bfloat16 rounds the reaction away
            reaction = relative_error(a[half:] - a[:half], b[half:] - b[:half], floor)
            errors = relative_error(a, b), grams, reaction
            total += LAYER_WEIGHTS[layer] * sum(ops.mean(error) for error in errors)
        return total


def window(x, side=40):
    """The middle of a feature map: thousands of positions tell as much as tens of thousands."""
    top, left = (max(0, (extent - side) // 2) for extent in x.shape[1:3])
    return x[:, top : top + side, left : left + side]


def matched(x, channels):
    """The compressed teacher is narrower than VGG19 at the content layer: repeats its channels."""
    return ops.tile(x, (1, 1, 1, channels // x.shape[-1]))


def gram(x):
    """Gram matrices `[batch, C, C]`, as sums: the number of positions cancels in the error."""
    flat = ops.reshape(x, (ops.shape(x)[0], -1, x.shape[-1]))
    return ops.matmul(ops.transpose(flat, (0, 2, 1)), flat)


def channel_weights(teacher, crops, batches=16) -> dict[str, np.ndarray]:
    """One over each channel's mean square, so that quiet channels are learnt too."""
    totals = {layer: 0.0 for layer in LAYERS}
    for index in range(batches):
        for layer, output in teacher(crops[index][0]).items():
            output = matched(output, VGG19_COMPACT.heads[layer])
            square = ops.mean(ops.square(ops.cast(output, "float32")), axis=(0, 1, 2))
            totals[layer] += ops.convert_to_numpy(square) / batches
    return {layer: 1 / (square + 0.1 * square.mean()) for layer, square in totals.items()}


def revive(student, images, seed=0) -> None:
    """Draws anew those channels of the trunk that hardly ever fire: no gradient reaches them.

    What follows does not listen to them at first, so that the outputs stay what they are.
    """
    rng = np.random.default_rng(seed)
    names = VGG19_COMPACT.needed(LAYERS)
    for name, following in zip(names, (*names[1:], None)):
        layer = student.get_layer(name)
        trunk = keras.Model(student.input, layer.output)
        dead = _fires(trunk, images) < 0.002
        kernel, bias = layer.get_weights()
        bias[dead], kernel[..., dead] = 0, rng.normal(0, 1, kernel[..., dead].shape)
        layer.set_weights([kernel, bias])
        kernel[..., dead & (_fires(trunk, images) < 0.5)] *= -1
        layer.set_weights([kernel, bias])
        size = np.sqrt(np.mean(_seen(trunk, images) ** 2, axis=(0, 1, 2)))
        kernel[..., dead] *= size[~dead].mean() / size[dead]
        layer.set_weights([kernel, bias])
        for listener in (f"{name}_head" * (name in LAYERS), following):
            if listener:
                kernel, bias = student.get_layer(listener).get_weights()
                kernel[:, :, dead] = 0
                student.get_layer(listener).set_weights([kernel, bias])
        print(f"{name}: {dead.sum()} of {len(dead)} channels drawn anew")


def _seen(model, images):
    return ops.convert_to_numpy(ops.cast(model(images), "float32"))


def _fires(model, images):
    """The share of positions at which each channel is not zero."""
    return np.mean(_seen(model, images) > 0, axis=(0, 1, 2))


def train(teacher, pictures) -> keras.Model:
    """Distils a student from `teacher`; checkpoints as it goes and resumes from them."""
    student = vgg.build(VGG19_COMPACT, LAYERS, dtype=precision.policy(_PRECISION.value))
    if _STUDENT.value:
        weights.assign(student, weights.read(_STUDENT.value), _STUDENT.value)
    crops = training_pictures.Crops(pictures, _BATCH.value, _CROP.value, STEPS_PER_EPOCH)
    if _STUDENT.value:
        revive(student, np.concatenate([crops[index][0] for index in range(4)]))
    model = Distillation(student, teacher, channel_weights(teacher, crops))
    rate = Trapezoid(_LEARNING_RATE.value, _STEPS.value, 250, _DECAY.value)
    optimizer = keras.optimizers.Adam(rate, use_ema=True, ema_momentum=0.995, global_clipnorm=1.0)
    model.compile(optimizer=optimizer, jit_compile=keras.backend.backend() == "jax")
    model(crops[0][0])
    backup = keras.callbacks.BackupAndRestore(_CHECKPOINTS.value, delete_checkpoint=False)
    count = keras.callbacks.LambdaCallback(on_epoch_begin=crops.begin)
    epochs = -(-_STEPS.value // STEPS_PER_EPOCH)
    model.fit(crops, epochs=epochs, callbacks=[backup, count], verbose=2)
    return student


def evaluate(teacher, student, pictures) -> str:
    """A Markdown table: relative squared feature error, relative Gram error; median (worst)."""
    rows = {layer: [] for layer in LAYERS}
    for picture in pictures:
        image = np.float32(picture[None]) / 255
        seen, output = teacher(image), student(image)
        for layer in LAYERS:
            a = ops.cast(output[layer], "float32")
            b = ops.cast(matched(seen[layer], a.shape[-1]), "float32")
            grams = ops.sqrt(relative_error(gram(a), gram(b)))
            rows[layer].append((float(relative_error(a, b)[0]), float(grams[0])))
    lines = ["| layer | features, squared | Gram |", "|---|---|---|"]
    for layer, values in rows.items():
        median, worst = np.median(values, axis=0), np.max(values, axis=0)
        cells = (f"{m:.3f} ({w:.3f})" for m, w in zip(median, worst))
        lines.append(f"| {layer} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(_) -> None:
    pictures = [p for folder in _PICTURES.value for p in training_pictures.read_folder(folder)]
    if _EVALUATE.value:
        student = features.get("vgg19_compact", LAYERS, weights=_STUDENT.value, precision="float32")
        print(evaluate(load(_TEACHER.value, "float32"), student, pictures))
        return
    pictures += training_pictures.procedural(_PROCEDURAL.value)
    pathlib.Path(_OUTPUT.value).parent.mkdir(parents=True, exist_ok=True)
    save([train(load(_TEACHER.value, _PRECISION.value), pictures)], _OUTPUT.value)


if __name__ == "__main__":
    app.run(main)
