"""What a graph needs of the processor: which are built where, and which are refused."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnx.parser
import pytest

from ml import processor
from ml.artifacts import Artifact, Build, EncoderRef
from ml.errors import ArtifactError
from ml.processor import check_suits, largest_pair, weight_bits
from tests.ml.processors import EXACT, IN_16_BITS, processor_that


def test_the_runtime_is_asked_for_a_product_of_8_bits() -> None:
    text = (
        '<ir_version: 8, opset_import: ["": 17]> '
        "p (uint8[n, k] a, int8[k, m] b) => (int32[n, m] c) { c = MatMulInteger(a, b) }"
    )
    assert onnx.load_from_string(processor._PRODUCT) == onnx.parser.parse_model(text)
    assert largest_pair() in (EXACT, IN_16_BITS)


@pytest.mark.parametrize(
    ("precision", "here", "elsewhere"),
    [("int8", 7, 8), ("int8 by block", 7, 8), ("int8_static", 7, 8), ("fp16", None, None)],
)
def test_weights_have_the_bits_that_do_not_overflow_here(
    precision: str, here: int | None, elsewhere: int | None
) -> None:
    with processor_that(overflows=True):
        assert weight_bits(precision) == here
    with processor_that(overflows=False):
        assert weight_bits(precision) == elsewhere


@pytest.mark.parametrize(
    ("precision", "bits", "told"),
    [
        ("int8", 8, "was built for another processor"),
        ("int8_static, outputs by block", 8, "was built for another processor"),
        ("int8", None, "does not tell if its 8-bit weights overflow"),
        ("int8", 7, ""),
        ("fp32", None, ""),
        ("bf16", None, ""),
    ],
)
def test_only_weights_of_8_bits_are_refused_and_only_where_they_overflow(
    tmp_path: Path, precision: str, bits: int | None, told: str
) -> None:
    artifact = _built(Build(precision, 68, 1.0, 0.01, "a tool", bits))
    with processor_that(overflows=False):
        check_suits(artifact, tmp_path)
    with processor_that(overflows=True):
        if not told:
            check_suits(artifact, tmp_path)
            return
        with pytest.raises(ArtifactError, match=told) as raised:
            check_suits(artifact, tmp_path)
    assert "manage.py build_models" in str(raised.value)


def _built(build: Build) -> Artifact:
    return Artifact(
        **{"task": "intent", "kind": "classification", "version": "1", "created_at": "2026-01-02"},
        **{"encoder": EncoderRef("tiny", "0" * 64, 8), "method": {}, "labels": ("a", "b")},
        **{"max_length": 16, "pooling": "mean", "temperature": 1.0, "thresholds": {}},
        **{"data": (), "metrics": {}, "build": build},
    )
