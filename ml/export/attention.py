"""How a graph attends: in plain operators, with the products of query, key and value as one.

Of a short text much of the time goes to the many small operators around the products. Attention
written out is a third of the operators of PyTorch's fused one as the tracer writes it, and one wide
product scales its input once, not three times. On the tagger's graph of 8-bit integers, one thread,
the processor's time fell by 12% for one text of 16 tokens and by 4% for eight; ONNX Runtime's own
attention operators were slower than either for more than one text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper
from torch import nn

from ml.models.attention import CHEAP, USUAL, encoders_attending

_WRITTEN_OUT = "eager"


@contextmanager
def written_out(model: nn.Module) -> Iterator[None]:
    """Let the encoders in ``model`` attend in plain operators; as before, afterwards.

    Those that attend in a way of their own, as tuned prefixes do, are left as they are.
    """
    ways = {way: encoders_attending(model, way) for way in (USUAL, CHEAP)}
    try:
        for encoders in ways.values():
            for encoder in encoders:
                encoder.set_attn_implementation(_WRITTEN_OUT)
        yield
    finally:
        for way, encoders in ways.items():
            for encoder in encoders:
                encoder.set_attn_implementation(way)


@dataclass(frozen=True, slots=True)
class _Product:
    """A product with a constant matrix, and the addition of a constant that alone follows it."""

    multiply: NodeProto
    add: NodeProto
    weight: TensorProto  # (inputs, outputs)
    bias: TensorProto  # (outputs,)


def join_products(model: onnx.ModelProto) -> onnx.ModelProto:
    """Let products of the same input, as query, key and value are, be one that is split after.

    The columns of the matrices stand side by side, so nothing changes in what is computed, nor in
    scales by channel. Changes ``model`` and returns it.
    """
    constants = {constant.name: constant for constant in model.graph.initializer}
    alike: dict[str, list[_Product]] = defaultdict(list)
    for product in _products(model, constants):
        alike[product.multiply.input[0]].append(product)
    first: dict[str, list[NodeProto]] = {}  # by the name of the first of the products' outputs
    gone: set[str] = set()
    for products in alike.values():
        if len(products) == 1:
            continue
        nodes, weights = _joined(products)
        first[products[0].multiply.output[0]] = nodes
        gone |= {node.output[0] for product in products for node in (product.multiply, product.add)}
        model.graph.initializer.extend(weights)
    if not first:
        return model
    kept: list[NodeProto] = []
    for node in model.graph.node:
        kept += first.get(node.output[0], [] if node.output[0] in gone else [node])
    keep_nodes(model.graph, kept)
    return model


def _products(model: onnx.ModelProto, constants: dict[str, TensorProto]) -> Iterator[_Product]:
    users: dict[str, list[NodeProto]] = defaultdict(list)
    for node in model.graph.node:
        for name in node.input:
            users[name].append(node)
    for node in model.graph.node:
        weight = constants.get(node.input[1]) if node.op_type == "MatMul" else None
        after = users[node.output[0]]
        if weight is None or len(weight.dims) != 2 or [one.op_type for one in after] != ["Add"]:
            continue
        bias = [constants[name] for name in after[0].input if name in constants]
        if len(bias) == 1 and list(bias[0].dims) == [weight.dims[1]]:
            yield _Product(node, after[0], weight, bias[0])


def _joined(products: list[_Product]) -> tuple[list[NodeProto], list[TensorProto]]:
    """The nodes and constants that stand for ``products``."""
    name = f"{products[0].multiply.name}_joined"
    values = {
        f"{name}_weight": np.concatenate([_array(one.weight) for one in products], axis=1),
        f"{name}_bias": np.concatenate([_array(one.bias) for one in products]),
        f"{name}_widths": np.array([one.weight.dims[1] for one in products], dtype=np.int64),
    }
    weight, bias, widths = values
    nodes = [
        helper.make_node(
            "MatMul", [products[0].multiply.input[0], weight], [f"{name}_product"], name=name
        ),
        helper.make_node("Add", [f"{name}_product", bias], [f"{name}_sum"], name=f"{name}_add"),
        helper.make_node(
            "Split",
            [f"{name}_sum", widths],
            [one.add.output[0] for one in products],
            name=f"{name}_split",
            axis=-1,
        ),
    ]
    return nodes, [numpy_helper.from_array(array, key) for key, array in values.items()]


def _array(constant: TensorProto) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return numpy_helper.to_array(constant)


def keep_nodes(graph: onnx.GraphProto, nodes: list[NodeProto]) -> None:
    """Give the graph other nodes, and leave out the constants that none of them reads."""
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    read = {name for node in copies for name in node.input}
    constants = [
        TensorProto.FromString(constant.SerializeToString())
        for constant in graph.initializer
        if constant.name in read
    ]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(copies)
    graph.initializer.extend(constants)
