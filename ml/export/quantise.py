"""Smaller, faster graphs: which of a graph's weights become 8-bit integers, and how.

The fast way scales the weights by channel and the activations by batch. The exact way scales both
in blocks of each row, so a text's answer does not depend on its neighbours in the batch. On
processors that would saturate the fast way takes weights of 7 bits. The feed-forward layers see the
widest range of activations and lose most to a scale that the batch shares, so they change first.
Word vectors are kept in 16-bit floats, which costs less time and precision than 8-bit integers.
A memory of rows stays as it is: small differences of its cosines turn answers, and it takes no
time.

Measured on held-out rows of the shipped tasks (one thread): mean difference of a probability from
float32 0.004 to 0.018 for "int8" at 2.5 to 3.4 times its speed for one text, 0.001 to 0.007 with
the feed-forward layers by blocks at 2 times. Blocks of 64 cost a tenth less than those of 32 and
lose no more. Unsigned weights differ as much as signed ones and take half as long again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ml.export.attention import join_products
from ml.export.tables import LARGE
from ml.models.memory import MEMORY
from ml.processor import saturates

PRECISIONS: dict[str, tuple[str, ...]] = {
    "int8": (),
    "int8, outputs by block": ("down",),
    "int8, feed-forward by block": ("down", "up"),
    "int8 by block": ("down", "up", "square"),
}
"""The precisions, fastest first, with the products of each that are scaled in blocks."""

_BLOCK = 64
_INT8_ACTIVATIONS = 4


def quantise(plain: Path, target: Path, precision: str) -> None:
    """Write the float32 graph ``plain`` to ``target`` in one of ``PRECISIONS``."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(str(plain))
    chosen = {name for kind in PRECISIONS[precision] for name in weighted_products(model)[kind]}
    with quiet():
        if chosen:
            model = scaled_by_blocks(model, chosen)
        onnx.save(half_tables(join_products(model)), str(target))
        quantize_dynamic(
            str(target),
            str(target),
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            reduce_range=saturates(),
            weight_type=QuantType.QInt8,
            nodes_to_exclude=remembering(model),
            extra_options={"DefaultTensorType": TensorProto.FLOAT},
        )


def remembering(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes of a memory of rows (:mod:`ml.models.memory`), if there is one."""
    return [node.name for node in model.graph.node if f"/{MEMORY}/" in node.name]


def weighted_products(model: onnx.ModelProto) -> dict[str, list[str]]:
    """Names of the products with a weight, by its shape.

    Those that widen (``up``) or narrow (``down``) their input, as in feed-forward layers and
    heads, and the ``square`` ones of the attention.
    """
    shapes = {weight.name: tuple(weight.dims) for weight in model.graph.initializer}
    found: dict[str, list[str]] = {"up": [], "down": [], "square": []}
    kept = set(remembering(model))
    for node in model.graph.node:
        weighs = node.op_type == "MatMul" and node.name not in kept
        shape = shapes.get(node.input[1], ()) if weighs else ()
        if len(shape) == 2:
            wide, narrow = shape[0] < shape[1], shape[0] > shape[1]
            found["up" if wide else "down" if narrow else "square"].append(node.name)
    return found


def scaled_by_blocks(model: onnx.ModelProto, chosen: set[str]) -> onnx.ModelProto:
    """The graph with the ``chosen`` products, by name, scaled in blocks of each row."""
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    others = [node.name for node in model.graph.node if node.name not in chosen]
    quantiser = MatMulNBitsQuantizer(
        model,
        bits=8,
        block_size=_BLOCK,
        is_symmetric=True,
        accuracy_level=_INT8_ACTIVATIONS,
        nodes_to_exclude=others,
    )
    quantiser.process()
    quantised: onnx.ModelProto = quantiser.model.model
    return quantised


def half_tables(model: onnx.ModelProto) -> onnx.ModelProto:
    """Keep the large tables that ids look up in 16-bit floats; the looked-up rows are widened."""
    tables = {
        weight.name: weight
        for weight in model.graph.initializer
        if weight.data_type == TensorProto.FLOAT and np.prod(weight.dims) >= LARGE
    }
    nodes = []
    for node in model.graph.node:
        nodes.append(node)
        if node.op_type != "Gather" or node.input[0] not in tables:
            continue
        table = tables[node.input[0]]
        half = numpy_helper.to_array(table).astype(np.float16)
        table.CopyFrom(numpy_helper.from_array(half, table.name))
        rows, node.output[0] = node.output[0], f"{node.output[0]}_half"
        nodes.append(helper.make_node("Cast", [node.output[0]], [rows], to=TensorProto.FLOAT))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the quantiser, which advises a pre-processing that does nothing here."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
