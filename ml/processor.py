"""What this processor computes rightly, as far as built graphs depend on it (ADR 28)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime

from ml.artifacts import TRUNK, Artifact
from ml.errors import ArtifactError
from ml.wording import Wording

EVERYWHERE = 7
"""Bits of a weight whose products with 8-bit activations overflow on no processor."""

# uint8[n, k] a, int8[k, m] b => int32[n, m] c { c = MatMulInteger(a, b) } as a serialised model: a
# server has no other use for the package that writes graphs.
_PRODUCT = (
    b'\x08\x08:d\n\x1a\n\x01a\n\x01b\x12\x01c"\rMatMulInteger:\x00\x12\x01pZ\x15\n\x01a\x12\x10\n'
    b"\x0e\x08\x02\x12\n\n\x03\x12\x01n\n\x03\x12\x01kZ\x15\n\x01b\x12\x10\n\x0e\x08\x03\x12\n\n"
    b"\x03\x12\x01k\n\x03\x12\x01mb\x15\n\x01c\x12\x10\n\x0e\x08\x06\x12\n\n\x03\x12\x01n\n\x03"
    b"\x12\x01mB\x04\n\x00\x10\x11"
)
_LARGEST = (255, 127)  # an activation and a weight of 8 bits


@cache
def saturates() -> bool:
    """Whether ONNX Runtime adds pairs of 8-bit products up in 16 bits here, which they overflow.

    So it does on processors of the x86 kind without 8-bit dot products (VNNI); weights of 7 bits
    do not overflow there (ONNX Runtime, "Quantize ONNX models").
    """
    activation, weight = _LARGEST
    return largest_pair() != 2 * activation * weight


def largest_pair() -> int:
    """The sum of the two largest products of 8 bits as ONNX Runtime computes it here."""
    session = onnxruntime.InferenceSession(_PRODUCT, providers=["CPUExecutionProvider"])
    activation, weight = _LARGEST
    feed = {"a": np.full((1, 2), activation, np.uint8), "b": np.full((2, 1), weight, np.int8)}
    return int(session.run(None, feed)[0].item())


def weight_bits(precision: str) -> int | None:
    """How many bits the 8-bit weights of a graph made here in a precision have; ``None`` of floats.

    That is of those that are scaled by channel: sums of blocks overflow nowhere.
    """
    if not _is_integer(precision):
        return None
    return EVERYWHERE if saturates() else 8


def check_suits(artifact: Artifact, folder: Path) -> None:
    """Raise :class:`ArtifactError` if the graph built in ``folder`` would overflow here, or may: a
    build that does not tell its bits is older than this check."""
    build = artifact.build
    if build is None or TRUNK in artifact.settings or not _is_integer(build.precision):
        return  # a task of a joint model has no graph but that model's
    if build.weight_bits == EVERYWHERE or not saturates():
        return
    if build.weight_bits is None:
        raise ArtifactError(
            folder,
            Wording(
                "does not tell if its 8-bit weights overflow on this processor; "
                "manage.py build_models builds it anew"
            ),
        )
    raise ArtifactError(
        folder,
        Wording(
            "was built for another processor, its 8-bit weights overflow on this one; "
            "manage.py build_models builds it anew"
        ),
    )


def _is_integer(precision: str) -> bool:
    return precision.startswith("int8")
