"""An OpenVINO graph -> the same graph with its large matrices in eight bits, a quarter the size.

OpenVINO multiplies such matrices in whole numbers (`DYNAMIC_QUANTIZATION_GROUP_SIZE`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from openvino import Model, Node

LARGEST = 127  # whole number of eight bits, with its negative
SMALL = 10_000  # numbers; smaller constants are no matrices of weights
WEIGHTS_AT = {"MatMul": 1, "Gather": 0}
"""Operation -> which of its inputs the weights are: of a layer, of a table of embeddings."""


def with_eight_bits(graph: Model) -> Model:
    """A copy of the graph whose matrices are whole numbers times one scale a row."""
    smaller = graph.clone()
    for operation in smaller.get_ordered_ops():
        place = WEIGHTS_AT.get(operation.get_type_name())
        if place is None:
            continue
        weights = _matrix(operation.input_value(place).get_node())
        if weights is not None:
            product = _scaled(weights)
            operation.input(place).replace_source_output(product.output(0))
    smaller.validate_nodes_and_infer_types()
    return smaller


def _matrix(node: Node) -> np.ndarray | None:
    """float32 (rows, columns), where the node is a large constant matrix."""
    if node.get_type_name() != "Constant":
        return None
    values: np.ndarray = node.data
    if values.dtype != np.float32 or values.ndim != 2 or values.size < SMALL:
        return None
    return values


def _scaled(weights: np.ndarray) -> Node:
    from openvino import opset13 as operations

    scales = np.abs(weights).max(axis=1, keepdims=True) / LARGEST
    scales[scales == 0] = 1  # a row of zeros
    whole = np.round(weights / scales).astype(np.int8)
    floats = operations.convert(operations.constant(whole), "f32")
    return operations.multiply(floats, operations.constant(scales.astype(np.float32)))
