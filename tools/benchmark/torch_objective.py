"""The library's objective in PyTorch, from the same arrays: a peer to be compared with.

As other programs do it: NCHW in float32; or NHWC in memory ("channels last") in bfloat16.
"""

import os
import sys

import numpy as np

from tfstyle.losses import EPSILON

# PyTorch imports a compiler that it does not need here, and that crashes beside TensorFlow.
sys.modules.setdefault("triton", None)
# Its threads would wait in busy loops, which count as CPU seconds and slow whatever runs beside.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
import torch  # noqa: E402
from torch.nn import functional  # noqa: E402


class Objective:
    """Image `[1, 3, H, W]` -> loss, a differentiable float32 scalar.

    Args:
        architecture: the table of the network (`tfstyle.features.architectures`).
        arrays: its kernels and biases, `{layer: (kernel, bias)}`, as `weights.read` returns them.
        problem: a `tools.benchmark.problem.Problem`, whose targets and weights are taken over.
        precision: of the network, "float32" or "bfloat16".
    """

    def __init__(self, architecture, arrays, problem, precision="float32"):
        self.architecture, self.objective = architecture, problem.objective
        self.dtype = getattr(torch, precision)
        channels_last = precision == "bfloat16"
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.arrays = {
            layer: (self._inner(_tensor(kernel.transpose(3, 2, 0, 1))), self._inner(_tensor(bias)))
            for layer, (kernel, bias) in arrays.items()
        }
        aims = problem.targets
        self.content = {layer: _target(image_tensor(maps)) for layer, maps in aims.content.items()}
        self.style = {layer: _target(_tensor(gram)) for layer, gram in aims.style.items()}
        depths = [architecture.layers.index(layer) for layer in (*self.content, *self.style)]
        self.layers = architecture.layers[: max(depths) + 1]

    def __call__(self, image):
        features = self._features(image)
        layer_weights = self.objective.style_loss.layer_weights
        content = [_relative(features[name].float(), self.content[name]) for name in self.content]
        style = [
            layer_weights[name] * _relative(_gram(features[name]), self.style[name])
            for name in self.style
        ]
        terms = {"style": sum(style), "tv": self._total_variation(image)}
        if content:
            terms["content"] = sum(content) / len(content)
        outside = functional.relu(-image) ** 2 + functional.relu(image - 1) ** 2
        total = sum(weight * terms[name] for name, weight in self.objective.weights.items())
        return total + self.objective.RANGE_WEIGHT * outside.mean()

    def evaluation(self, image):
        """One evaluation of loss and gradient at a NumPy image, a function without arguments."""
        image = image_tensor(image).requires_grad_()

        def run():
            loss = self(image)
            (gradient,) = torch.autograd.grad(loss, image)
            return loss.item(), gradient.permute(0, 2, 3, 1).numpy()

        return run

    def _features(self, image):
        x, features = self._preprocessed(image), {}
        for name in self.layers:
            if name.endswith("conv1") and name != "block1_conv1":
                x = functional.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
            x = functional.pad(x, (1, 1, 1, 1), mode="reflect")
            x = functional.relu(functional.conv2d(x, *self.arrays[name]))
            if name in self.content or name in self.style:
                features[name] = self._head(x, name)
        return features

    def _preprocessed(self, image):
        image = image.flip(1) if self.architecture.bgr else image
        mean = torch.tensor(self.architecture.mean)[:, None, None]
        return self._inner((image * 255 - mean) * self.architecture.scale)

    def _head(self, x, name):
        if name not in self.architecture.heads:
            return x
        return functional.relu(functional.conv2d(x, *self.arrays[f"{name}_head"]))

    def _inner(self, x):
        """As the network computes with it."""
        x = x.to(self.dtype)
        return x.contiguous(memory_format=self.format) if x.dim() == 4 else x

    def _total_variation(self, image):
        here = image[..., :-1, :-1]
        down, right = image[..., 1:, :-1] - here, image[..., :-1, 1:] - here
        smoothing = self.objective.total_variation.SMOOTHING
        return ((down**2 + right**2 + smoothing**2).sqrt() - smoothing).mean()


def image_tensor(maps):
    """`[1, h, w, C]` of NumPy or TensorFlow as `[1, C, h, w]` float32."""
    return _tensor(maps).permute(0, 3, 1, 2).contiguous()


def _tensor(array):
    return torch.tensor(np.array(array, np.float32))


def _target(tensor):
    """What is compared with, and its size."""
    return tensor, (tensor**2).sum() + EPSILON


def _relative(measured, target):
    tensor, size = target
    return ((measured - tensor) ** 2).sum() / size


def _gram(features):
    """F F^T / N, float32, of one map `[1, C, h, w]`."""
    rows = features.flatten(2)[0]
    return (rows @ rows.T).float() / rows.shape[1]
