"""Trained networks as ONNX files, written layer by layer: no converter is needed."""

import json
import os
from typing import Any

import numpy as np

from tfstyle import images
from tfstyle.networks import style_network, texture_network, units
from tfstyle.networks.trained import Trained

OPSET, IR = 17, 8  # of 2022: what runs it need not be newer


def save(trained: Trained, path: str | os.PathLike) -> None:
    """Writes an ONNX file, of batches and pictures of any size; weights are float16.

    A style network's input is `image`, float32 `[N, H, W, 3]` in [0, 1], H and W at least 8. Those
    of a texture network are `noise_0` to `noise_5`, normal noise `[N, h, w, C]` from coarse to
    fine, each twice as large as the one before. The output is `painted`, `[N, H, W, 3]` in [0, 1].
    Settings and record of the training are in the metadata, as JSON.

    Raises:
        ValueError: the package onnx is missing, or the file cannot be written.
    """
    try:
        import onnx
    except ImportError:
        raise ValueError(
            "output: expected the package onnx, which .onnx files need, received a name of one "
            'without it: pip install "tfstyle[onnx]"'
        ) from None
    path = images.expanded(path)
    images.check_writable(path, f"output={path}")
    graph = _Graph(onnx.helper)
    make = _woven if trained.kind == "texture" else _painted
    inputs, shown = make(graph, trained.network)
    graph.add("Clip", shown, graph.constant(0.0), graph.constant(1.0), output="painted")
    model = graph.model(inputs, {"painted": [None, None, None, 3]})
    model.metadata_props.add(key="settings", value=json.dumps(trained.settings))
    model.metadata_props.add(key="record", value=json.dumps(trained.record))
    onnx.checker.check_model(model, full_check=True)
    with images.temporary(path) as beside:
        onnx.save(model, beside)
        os.replace(beside, path)


def _painted(graph, network):
    """The graph of `StyleNetwork.call`; its inputs' shapes, and the name of what it shows."""
    photograph = graph.add("Transpose", "image", perm=[0, 3, 1, 2])
    grey = graph.add("Sub", photograph, graph.constant(style_network.GREY))
    x = grey
    for unit in network.down:
        x = graph.unit(unit, x)
    for block in network.blocks:
        change = x
        for unit in block:
            change = graph.unit(unit, change)
        x = graph.add("Add", x, change)
    for first, second in network.up:
        x = graph.unit(second, graph.doubled(graph.unit(first, x)))
    sides = graph.add("Shape", photograph, start=2, end=4)
    first, axes = (
        graph.constant(np.array([0, 0], np.int64)),
        graph.constant(np.array([2, 3], np.int64)),
    )
    x = graph.add("Slice", x, first, sides, axes)
    seen = graph.add("Concat", x, grey, axis=1)
    shown = graph.add("Add", photograph, graph.colours(network, seen))
    return {"image": [None, None, None, 3]}, graph.add("Transpose", shown, perm=[0, 2, 3, 1])


def _woven(graph, network):
    """The same of `TextureNetwork.call`."""
    inputs, x = {}, None
    for scale, (channels, pair) in enumerate(zip(texture_network.NOISE, network.scales)):
        name = f"noise_{scale}"
        inputs[name] = [None, None, None, channels]
        new = graph.add("Transpose", name, perm=[0, 3, 1, 2])
        x = new if x is None else graph.add("Concat", graph.doubled(x), new, axis=1)
        for unit in pair:
            x = graph.unit(unit, x)
    grey = graph.constant(texture_network.GREY)
    shown = graph.add("Add", graph.colours(network, x), grey)
    return inputs, graph.add("Transpose", shown, perm=[0, 2, 3, 1])


class _Graph:
    """Nodes and constants, one after the other; maps are `[N, C, H, W]`, as ONNX has them."""

    def __init__(self, helper):
        self._helper = helper
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def add(self, kind: str, *inputs: str, output: str = "", **attributes) -> str:
        """A node; the name of what comes out."""
        output = output or f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(self._helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, value) -> str:
        """A number as float32, or an array as it is; its name."""
        from onnx import numpy_helper

        array = np.float32(value) if isinstance(value, float) else value
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def weight(self, variable, axes=None) -> str:
        """A weight, kept as float16, used as float32."""
        array = np.float16(variable.numpy())
        return self.add("Cast", self.constant(array.transpose(axes)), to=1)

    def convolved(self, convolution, x, border) -> str:
        """A convolution of the picture with a border around it, or `None`."""
        given = [self.weight(convolution.kernel, (3, 2, 0, 1))]
        given += [self.weight(convolution.bias)] if convolution.use_bias else []
        x = x if border is None else self.bordered(border, x)
        return self.add("Conv", x, *given, strides=list(convolution.strides))

    def bordered(self, border, x) -> str:
        """A pixel more on each side: mirrored, or from the other side."""
        if not any(border.tiled):
            pads = self.constant(np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64))
            return self.add("Pad", x, pads, mode="reflect")
        for axis in (2, 3):
            along, one = (
                self.constant(np.array([axis], np.int64)),
                self.constant(np.array([1], np.int64)),
            )
            begin, end = (
                self.constant(np.array([0], np.int64)),
                self.constant(np.array([2**62], np.int64)),
            )
            last = self.add("Slice", x, self.constant(np.array([-1], np.int64)), end, along)
            x = self.add("Concat", last, x, self.add("Slice", x, begin, one, along), axis=axis)
        return x

    def unit(self, unit: units.Unit, x) -> str:
        """Of `units.Unit`, with the statistics of the picture itself."""
        x = self.convolved(unit.convolution, x, unit.border)
        given = self.weight(unit.scale), self.weight(unit.shift)
        x = self.add("InstanceNormalization", x, *given, epsilon=units.EPSILON)
        return x if unit.is_linear else self.add("Relu", x)

    def doubled(self, x) -> str:
        """Of `units.doubled`."""
        scales = self.constant(np.array([1, 1, 2, 2], np.float32))
        how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self.add("Resize", x, "", scales, mode="nearest", **how)

    def colours(self, network, x) -> str:
        """Of the last layers of a network."""
        return self.convolved(network.colours, x, network.border)

    def model(self, inputs, outputs) -> Any:
        """All of it, from and to float32 of these shapes; `None` is any length."""

        def given(shapes):
            return [
                self._helper.make_tensor_value_info(name, 1, shape)
                for name, shape in shapes.items()
            ]

        graph = self._helper.make_graph(
            self._nodes, "tfstyle", given(inputs), given(outputs), self._constants
        )
        opset = self._helper.make_opsetid("", OPSET)
        return self._helper.make_model(
            graph, producer_name="tfstyle", ir_version=IR, opset_imports=[opset]
        )
