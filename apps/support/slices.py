"""Parts of customers' questions on which a candidate of ``intent`` may fare worse."""

from __future__ import annotations

from collections.abc import Sequence

from apps.modelhub.gate_slices import Entities, register_slice
from apps.support.promises import TASK
from ml.evaluation.slices import negation_groups


def register() -> None:
    register_slice(TASK, "negation", _negation)
    register_slice(TASK, "sentences", _sentences)


def _negation(texts: Sequence[str], entities: Entities | None) -> list[str]:
    return negation_groups(texts)


def _sentences(texts: Sequence[str], entities: Entities | None) -> list[str]:
    """Whether a customer asks more than one thing, as far as question marks tell."""
    return ["two questions or more" if text.count("?") > 1 else "one at most" for text in texts]
