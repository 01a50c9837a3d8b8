"""Read a network's weights from a file, whoever wrote it, and put them into a model."""

import pathlib
import re
import zipfile

import numpy as np

# What torchvision's `features.N` index means: its own list counts convolutions, ReLUs and poolings.
_TORCHVISION_MEAN = np.array([0.485, 0.456, 0.406])
_TORCHVISION_STD = np.array([0.229, 0.224, 0.225])


def read(path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Kernels `[h, w, in, out]` and biases `[out]`, by layer name, from a weights file.

    Args:
        path: a `.npz` with keys `LAYER/kernel` and `LAYER/bias`, or torchvision's VGG19 state dict
            (`features.N.weight`); or VGG19 without its classifier as Keras saves it, `.h5` or
            `.weights.h5`.

    Raises:
        ValueError: no such file, or not one of these kinds.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise ValueError(f"weights file {path} not found")
    if path.suffix not in (".npz", ".h5"):
        raise ValueError(f"weights file {path}: expected a name ending in .npz, .h5 or .weights.h5")
    return _read_npz(path) if path.suffix == ".npz" else _read_keras_vgg19(path)


def assign(model, arrays, source) -> None:
    """Gives every layer of `model` that has weights its arrays from `read`.

    Raises:
        ValueError: a layer is missing from `arrays`, or has another shape; names `source`.
    """
    for layer in model.layers:
        if not layer.weights:
            continue
        expected = [tuple(weight.shape) for weight in layer.weights]
        if layer.name not in arrays:
            raise ValueError(f"weights {source}: expected layer {layer.name}, which is missing")
        received = [array.shape for array in arrays[layer.name]]
        if received != expected:
            raise ValueError(
                f"weights {source}: expected shapes {expected} in layer {layer.name}, received {received}"
            )
        layer.set_weights([array.astype(np.float32) for array in arrays[layer.name]])


def _read_npz(path):
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"weights file {path} is not a readable .npz archive ({error})") from None
    if "features.0.weight" in arrays:
        return _from_torchvision(arrays)
    layers = {key.rsplit("/", 1)[0] for key in arrays if key.endswith("/kernel")}
    missing = [name for name in layers if f"{name}/bias" not in arrays]
    if not layers or missing:
        raise ValueError(
            f"weights file {path}: expected arrays LAYER/kernel and LAYER/bias (or torchvision's "
            f"features.N.weight), received {', '.join(sorted(arrays)[:4]) or 'none'}"
        )
    return {name: (arrays[f"{name}/kernel"], arrays[f"{name}/bias"]) for name in layers}


def _from_torchvision(state):
    """Torchvision's order [out, in, h, w] to Keras', its normalised RGB input to Caffe's BGR."""
    from tfstyle.features import vgg

    indices = sorted(
        int(match[1]) for key in state if (match := re.fullmatch(r"features\.(\d+)\.weight", key))
    )
    arrays = {
        layer: (
            state[f"features.{index}.weight"].transpose(2, 3, 1, 0).astype(np.float64),
            state[f"features.{index}.bias"].astype(np.float64),
        )
        for layer, index in zip(vgg.VGG19.layers, indices)
    }
    kernel, bias = arrays["block1_conv1"]
    kernel = (kernel / (255 * _TORCHVISION_STD)[:, None])[:, :, ::-1]
    offset = np.array(vgg.VGG19.mean) - 255 * _TORCHVISION_MEAN[::-1]
    arrays["block1_conv1"] = kernel, bias + np.einsum("hwio,i->o", kernel, offset)
    return arrays


def _read_keras_vgg19(path):
    import keras

    reference = keras.applications.VGG19(include_top=False, weights=None)
    try:
        reference.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"weights file {path}: expected VGG19 without its classifier (include_top=False) as "
            f"Keras saves it; Keras says: {reason}"
        ) from None
    return from_keras(reference)


def from_keras(model) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The arrays of a model's layers, in the form that `read` returns."""
    return {layer.name: tuple(layer.get_weights()) for layer in model.layers if layer.weights}
