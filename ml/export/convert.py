"""One graph in another precision: ``fp32``, ``fp16``, ``bf16``, ``int8`` or ``int8_static``.

``fp16`` is half the size, and is computed in 16 bits where the processor's kernels can. ``bf16``
stores the weights in 16-bit "brain" floats, which have the range of 32 bits, and computes in 32,
since ONNX Runtime has no such kernels on CPUs: it widens them once, as it loads them. ``int8``
has weights in 8 bits and scales activations while it runs; ``int8_static`` scales them by what
calibration texts showed. The products of the attention, which have no weights, keep their floats
then, and where scales of a whole tensor cost too much the feed-forward layers are scaled in blocks,
as in :mod:`ml.export.quantise`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader

from ml.artifacts import TOKENIZER, Artifact
from ml.data.encoding import load_tokenizer
from ml.data.long_texts import spread
from ml.encoders import EncoderSource
from ml.errors import TrainingError
from ml.export.graph import encoded, feed_of
from ml.export.quantise import (
    PRECISIONS,
    half_tables,
    quantise,
    quiet,
    remembering,
    scaled_by_blocks,
    weighted_products,
)
from ml.processor import saturates

EXPORTS = ("int8", "int8_static", "fp16", "bf16", "fp32")
_STATIC: dict[str, tuple[str, ...]] = {
    "int8_static": (),
    "int8_static, outputs by block": ("down",),
    "int8_static, feed-forward by block": ("down", "up"),
}
_CALIBRATION_BATCH = 8
_CALIBRATION_ROWS = 512

Feed = dict[str, np.ndarray[Any, Any]]


def check_precision(precision: str) -> None:
    """Raise :class:`TrainingError` unless ``precision`` is one of :data:`EXPORTS`."""
    if precision not in EXPORTS:
        raise TrainingError(f"there is no precision {precision!r}; there are {', '.join(EXPORTS)}")


def ways(precision: str) -> tuple[str, ...]:
    """The ways to make a precision of :data:`EXPORTS`, for :func:`convert`, the fastest first."""
    return tuple({"int8": PRECISIONS, "int8_static": _STATIC}.get(precision, (precision,)))


def convert(plain: Path, target: Path, precision: str, batches: Sequence[Feed]) -> None:
    """Write the float32 graph ``plain`` to ``target`` in one of the :func:`ways`; ``batches``
    calibrate it."""
    if precision == "fp32":
        shutil.copyfile(plain, target)
    elif precision in PRECISIONS:
        quantise(plain, target, precision)
    elif precision == "fp16":
        _halve(plain, target)
    elif precision == "bf16":
        _shorten(plain, target)
    else:
        _quantise_static(plain, target, _STATIC[precision], batches)


def _halve(plain: Path, target: Path) -> None:
    """Store the graph in 16 bits but for a memory of rows, whose sums are not computed in them and
    whose least probabilities are below what they hold."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    graph = onnx.load(str(plain))
    kept = remembering(graph)
    onnx.save(
        convert_float_to_float16(graph, keep_io_types=True, node_block_list=kept), str(target)
    )


def _shorten(plain: Path, target: Path) -> None:
    """Store the weights in 16-bit brain floats, but for a memory of rows, and widen them."""
    model = onnx.load(str(plain))
    kept = set(remembering(model))
    named = {name for node in model.graph.node if node.name in kept for name in node.input}
    widened = []
    for weight in model.graph.initializer:
        if weight.data_type != TensorProto.FLOAT or weight.name in named or not weight.dims:
            continue
        name, dims = weight.name, list(weight.dims)
        short = torch.from_numpy(numpy_helper.to_array(weight).copy()).to(torch.bfloat16)
        bits = short.view(torch.int16).numpy().tobytes()
        weight.CopyFrom(
            helper.make_tensor(f"{name}_short", TensorProto.BFLOAT16, dims, bits, raw=True)
        )
        widened.append(helper.make_node("Cast", [weight.name], [name], to=TensorProto.FLOAT))
    nodes = [*widened, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, str(target))


class _Calibration(CalibrationDataReader):
    """Gives the quantiser one batch after the other."""

    def __init__(self, batches: Sequence[Feed]) -> None:
        self._batches: Iterator[Feed] = iter(batches)

    def get_next(self) -> Feed | None:
        return next(self._batches, None)


def _quantise_static(
    plain: Path, target: Path, by_block: Sequence[str], batches: Sequence[Feed]
) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    halved = target.with_name("halved.onnx")
    graph = onnx.load(str(plain))
    products = weighted_products(graph)
    chosen = {name for kind in by_block for name in products[kind]}
    scaled = {name for names in products.values() for name in names} - chosen
    with quiet():
        if chosen:
            graph = scaled_by_blocks(graph, chosen)
        onnx.save(half_tables(graph), str(halved))
        quantize_static(
            str(halved),
            str(target),
            _Calibration(batches),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["MatMul"],
            nodes_to_quantize=sorted(scaled),
            per_channel=True,
            reduce_range=saturates(),
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
        )


def calibration_feeds(
    artifact: Artifact, source: EncoderSource, texts: Sequence[str]
) -> list[Feed]:
    """The texts, evenly chosen where there are many, as feeds of a few."""
    tokenizer = load_tokenizer(source.path / TOKENIZER)
    chosen = spread(texts, _CALIBRATION_ROWS)
    feeds = []
    for start in range(0, len(chosen), _CALIBRATION_BATCH):
        part = chosen[start : start + _CALIBRATION_BATCH]
        feeds.append(feed_of(encoded(artifact, tokenizer, part)))
    return feeds
