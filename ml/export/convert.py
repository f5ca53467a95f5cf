"""One graph in another precision: ``fp32``, ``fp16``, ``int8`` or ``int8_static``.

``fp16`` is half the size, and is computed in 16 bits where the processor's kernels can; ``int8``
has weights in 8 bits and scales activations while it runs; ``int8_static`` scales them by what
calibration texts showed. ONNX Runtime has no 16-bit "brain" floats on CPUs, so ``bf16`` is refused
rather than emulated.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader

from ml.artifacts import TOKENIZER, Artifact
from ml.data.encoding import load_tokenizer
from ml.data.long_texts import spread
from ml.encoders import EncoderSource
from ml.errors import TrainingError
from ml.export.graph import encoded, feed_of
from ml.export.quantise import PRECISIONS, half_tables, quantise, quiet, remembering

EXPORTS = ("int8", "int8_static", "fp16", "fp32")
_CALIBRATION_BATCH = 8
_CALIBRATION_ROWS = 512

Feed = dict[str, np.ndarray[Any, Any]]


def check_precision(precision: str) -> None:
    """Raise :class:`TrainingError` unless ``precision`` is one of :data:`EXPORTS`."""
    if precision == "bf16":
        raise TrainingError("ONNX Runtime computes no bf16 on CPUs; use fp16, half the size too")
    if precision not in EXPORTS:
        raise TrainingError(f"there is no precision {precision!r}; there are {', '.join(EXPORTS)}")


def convert(plain: Path, target: Path, precision: str, batches: Sequence[Feed]) -> None:
    """Write the float32 graph ``plain`` to ``target`` in a precision; ``batches`` calibrate it."""
    if precision == "fp32":
        shutil.copyfile(plain, target)
    elif precision in PRECISIONS:
        quantise(plain, target, precision)
    elif precision == "fp16":
        _halve(plain, target)
    else:
        _quantise_static(plain, target, batches)


def _halve(plain: Path, target: Path) -> None:
    """Store the graph in 16 bits but for a memory of rows, whose sums are not computed in them and
    whose least probabilities are below what they hold."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    graph = onnx.load(str(plain))
    kept = remembering(graph)
    onnx.save(
        convert_float_to_float16(graph, keep_io_types=True, node_block_list=kept), str(target)
    )


class _Calibration(CalibrationDataReader):
    """Gives the quantiser one batch after the other."""

    def __init__(self, batches: Sequence[Feed]) -> None:
        self._batches: Iterator[Feed] = iter(batches)

    def get_next(self) -> Feed | None:
        return next(self._batches, None)


def _quantise_static(plain: Path, target: Path, batches: Sequence[Feed]) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    halved = target.with_name("halved.onnx")
    graph = onnx.load(str(plain))
    onnx.save(half_tables(graph), str(halved))
    with quiet():
        quantize_static(
            str(halved),
            str(target),
            _Calibration(batches),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
            nodes_to_exclude=remembering(graph),
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
