"""Counts the FLOPs of a graph of TensorFlow operations."""

import math


def count(function) -> int:
    """FLOPs of a concrete function with static shapes; a multiplication and an addition are 2.

    Counted are convolutions, their gradients with respect to their input, and products of
    matrices, as far as the outputs need them: TensorFlow prunes the rest before it runs.
    """
    return sum(_flops(operation) for operation in _needed(function.graph))


def _needed(graph):
    """All operations that the outputs depend on."""
    found, waiting = set(), [tensor.op for tensor in graph.outputs]
    while waiting:
        operation = waiting.pop()
        if operation not in found:
            found.add(operation)
            waiting += [tensor.op for tensor in operation.inputs]
    return found


def _flops(operation):
    if operation.type == "Conv2D":
        image, kernel = operation.inputs
        return _convolution(kernel, operation.outputs[0])
    if operation.type == "Conv2DBackpropInput":
        _, kernel, upstream = operation.inputs
        return _convolution(kernel, upstream)
    if operation.type in ("MatMul", "BatchMatMulV2"):
        left, transposed = operation.inputs[0], "transpose_a"
        if operation.type == "BatchMatMulV2":
            transposed = "adj_x"
        inner = left.shape[-2] if operation.get_attr(transposed) else left.shape[-1]
        return 2 * inner * operation.outputs[0].shape.num_elements()
    return 0


def _convolution(kernel, output):
    """Every number of the output, `[..., C]`, is a sum over a kernel `[h, w, in, C]`."""
    return 2 * math.prod(kernel.shape[:3]) * output.shape.num_elements()
