"""Read a network's weights, whoever wrote them, and put them into a model."""

import pathlib
import re
import zipfile
import zlib

import keras
import numpy as np

from tfstyle.features.architectures import VGG19

BUNDLED = pathlib.Path(__file__).with_name("data") / "vgg19_compact.npz"

# How torchvision normalises RGB in [0, 1].
_TORCHVISION_MEAN = np.array([0.485, 0.456, 0.406])
_TORCHVISION_STD = np.array([0.229, 0.224, 0.225])


def read(source) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Kernels `[h, w, in, out]` and biases `[out]`, by layer name.

    Args:
        source: "bundled", the compact network's, which come with the package; "imagenet", VGG19's,
            which Keras downloads once; or a file: a `.npz` with keys `LAYER/kernel` and
            `LAYER/bias`, or torchvision's VGG19 state dict (`features.N.weight`); or VGG19 without
            its classifier as Keras saves it, `.h5` or `.weights.h5`.

    Raises:
        ValueError: no such file, not one of these kinds, or no download.
    """
    if source == "imagenet":
        return _download_imagenet()
    path = BUNDLED if source == "bundled" else pathlib.Path(source).expanduser()
    if not path.is_file():
        raise ValueError(f"weights: file {path} not found")
    if path.suffix not in (".npz", ".h5"):
        raise ValueError(
            f"weights: expected a name ending in .npz, .h5 or .weights.h5; received {path}"
        )
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
            raise ValueError(f"weights: expected layer {layer.name}, which {source} does not have")
        received = [array.shape for array in arrays[layer.name]]
        if received != expected:
            raise ValueError(
                f"weights: expected shapes {expected} in layer {layer.name}, "
                f"{source} has {received}"
            )
        layer.set_weights([array.astype(np.float32) for array in arrays[layer.name]])


def _download_imagenet():
    try:
        model = keras.applications.VGG19(include_top=False, weights="imagenet")
    except Exception as error:  # a download fails in many ways: no network, a proxy, a bad file
        raise ValueError(
            f"weights: VGG19's ImageNet weights could not be downloaded ({_first_line(error)}); "
            "name a file with --weights=FILE, or take the bundled network with "
            "--features=vgg19_compact"
        ) from None
    return from_keras(model)


def _read_npz(path):
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except (ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"weights: {path} is not a readable .npz archive ({error})") from None
    if "features.0.weight" in arrays:
        return _from_torchvision(arrays, path)
    layers = {key.rsplit("/", 1)[0] for key in arrays if key.endswith("/kernel")}
    missing = [name for name in layers if f"{name}/bias" not in arrays]
    if not layers or missing:
        raise ValueError(
            "weights: expected arrays LAYER/kernel and LAYER/bias (or torchvision's "
            f"features.N.weight), {path} has {', '.join(sorted(arrays)[:4]) or 'none'}"
        )
    return {name: (arrays[f"{name}/kernel"], arrays[f"{name}/bias"]) for name in layers}


def _from_torchvision(state, path):
    """Torchvision's order [out, in, h, w] to Keras', its normalised RGB input to Caffe's BGR."""
    indices = sorted(
        int(match[1]) for key in state if (match := re.fullmatch(r"features\.(\d+)\.weight", key))
    )
    try:
        arrays = {
            layer: (
                state[f"features.{index}.weight"].transpose(2, 3, 1, 0).astype(np.float64),
                state[f"features.{index}.bias"].astype(np.float64),
            )
            for layer, index in zip(VGG19.convolutions, indices)
        }
        kernel, bias = arrays["block1_conv1"]
        kernel = (kernel / (255 * _TORCHVISION_STD)[:, None])[:, :, ::-1]
    except (KeyError, ValueError) as error:
        raise ValueError(f"weights: expected torchvision's VGG19 in {path}; {error}") from None
    offset = np.array(VGG19.mean) - 255 * _TORCHVISION_MEAN[::-1]
    arrays["block1_conv1"] = kernel, bias + np.einsum("hwio,i->o", kernel, offset)
    return arrays


def _read_keras_vgg19(path):
    reference = keras.applications.VGG19(include_top=False, weights=None)
    try:
        reference.load_weights(path)
    except Exception as error:  # a file can be wrong in as many ways as HDF5 has errors
        raise ValueError(
            "weights: expected VGG19 without its classifier (include_top=False) as Keras saves "
            f"it; Keras cannot read {path}: {_first_line(error)}"
        ) from None
    return from_keras(reference)


def _first_line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def from_keras(model) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The arrays of a model's layers, in the form that `read` returns."""
    return {layer.name: tuple(layer.get_weights()) for layer in model.layers if layer.weights}
