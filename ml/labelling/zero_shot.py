"""Classes told from their descriptions alone, by sentence vectors; numpy only.

Yin et al. 2019, "Benchmarking Zero-shot Text Classification", call it label-embedding: a text
belongs to the class whose description is nearest to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ml.data.readers import read_records
from ml.data.record_files import TABLES
from ml.data.text import label_form
from ml.errors import DataError
from ml.evaluation.scoring import softmax
from ml.types import Classification, Embedding, ScoredLabel

SCALE = 20.0
"""What cosines are multiplied by before the softmax: that of the encoders' own training."""

Embed = Callable[[Sequence[str]], Sequence[Embedding]]
"""Texts to their vectors."""


def read_descriptions(asked: str) -> dict[str, str]:
    """Labels with what each stands for: names split by commas, or a file of descriptions.

    A file is JSON ``{label: description}`` or JSONL or CSV rows ``label, description``. A name
    alone describes itself, underscores and hyphens read as spaces.

    Raises :class:`DataError` for fewer than two labels, a label said twice, or a bad row.
    """
    path = Path(asked)
    if path.suffix.lower() in (".json", ".jsonl", *TABLES):
        pairs = _of_json(path) if path.suffix.lower() == ".json" else _of_rows(path)
    else:
        names = [name.strip() for name in asked.split(",") if name.strip()]
        pairs = [(0, name, name.replace("_", " ").replace("-", " ")) for name in names]
    found: dict[str, str] = {}
    for row, given, description in pairs:
        label = label_form(given)
        if not label or not description.strip():
            raise DataError(asked, row or None, "has an empty label or description")
        if label in found:
            raise DataError(asked, row or None, f"has the label {label!r} twice")
        found[label] = description
    if len(found) < 2:
        raise DataError(asked, None, "two labels are needed to choose between")
    return found


def _of_json(path: Path) -> list[tuple[int, str, str]]:
    try:
        # As pairs, since a dictionary would keep the last of the descriptions of one label.
        content = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=tuple)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(path, None, f"is not JSON: {error}") from error
    if not isinstance(content, tuple) or not all(isinstance(v, str) for _, v in content):
        raise DataError(path, None, "is not an object of labels with their descriptions")
    return [(0, label, description) for label, description in content]


def _of_rows(path: Path) -> list[tuple[int, str, str]]:
    found = []
    for row, record in read_records(path, ("label", "description")):
        label, description = record["label"], record["description"]
        if not isinstance(label, str) or not isinstance(description, str):
            raise DataError(path, row, "label and description must be texts")
        found.append((row, label, description))
    return found


class ZeroShotClassifier:
    """Texts to the labels whose descriptions are nearest.

    The probabilities ``softmax(scale * cosine)`` rank labels; they are fitted to no held-out rows,
    so no answer is ``confident``.
    """

    def __init__(
        self,
        embed: Embed,
        descriptions: dict[str, str],
        *,
        scale: float = SCALE,
        version: str = "zero-shot",
    ) -> None:
        self._embed = embed
        self._labels = list(descriptions)
        described = embed(list(descriptions.values()))
        self._vectors = np.stack([one.vector for one in described])  # (labels, dimensions)
        self._scale = scale
        self._version = version

    def predict(self, texts: Sequence[str]) -> list[Classification]:
        """One answer a text; a text without words has equal probabilities, out of scope."""
        return [self._answer(one) for one in self._embed(texts)]

    def _answer(self, embedding: Embedding) -> Classification:
        scores = softmax(np.float32(self._scale) * (self._vectors @ embedding.vector))  # (labels,)
        order = np.argsort(-scores, kind="stable")
        return Classification(
            scores=tuple(ScoredLabel(self._labels[i], float(scores[i])) for i in order),
            out_of_scope=None,
            in_scope=bool(embedding.vector.any()),
            confident=False,
            version=self._version,
            truncated=embedding.truncated,
        )
