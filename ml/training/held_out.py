"""The rows that a run holds out, to measure by, as its readers give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml.training.pair_rows import embedding_pairs
from ml.training.rows import FinetuneRequest, classification_rows, multi_label_rows, ner_rows


def held_out_rows(request: FinetuneRequest) -> list[Any]:
    """Those of the validation file, or the share of the training file that is split off for it.

    Of an embedding run they are pairs (:class:`ml.data.pairs.Pair`). Raises what the run raises for
    unusable rows.
    """
    if request.kind == "embedding":
        return list(embedding_pairs(request).valid)
    if request.kind == "multi_label":
        return list(multi_label_rows(request)[1])
    if request.kind == "ner":
        return list(ner_rows(request)[1])
    return list(classification_rows(request)[1])


def held_out_of_tasks(requests: Mapping[str, FinetuneRequest]) -> dict[str, list[Any]]:
    """Those of each run of several that learn together, by name. A sentence vector has none: it is
    only to stay as it was."""
    return {
        name: held_out_rows(request)
        for name, request in requests.items()
        if request.kind != "embedding"
    }
