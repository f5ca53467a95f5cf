"""What a classifier answered on rows that it did not learn from: numbers, no texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.errors import DataError
from ml.files import write_whole
from ml.types import OUT_OF_SCOPE, Classification

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The answers of one version that found the text in scope, in the order of the rows.

    ``predicted`` and ``gold`` are indices into ``labels``, shape (answers,); ``gold`` is -1 for a
    label that the version does not know and for texts that belong to none. ``confidences`` are
    those of the predicted labels. ``rows`` counts all rows, also those found out of scope.
    """

    version: str
    labels: tuple[str, ...]
    rows: int
    predicted: NDArray[np.int64]
    gold: NDArray[np.int64]
    confidences: NDArray[np.float64]

    def taken_for(self, labels: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Of the answers with one of ``labels``: confidence, and whether the answer was wrong."""
        wanted = np.array([self.labels.index(one) for one in labels if one in self.labels], int)
        chosen = np.isin(self.predicted, wanted)
        return self.confidences[chosen], (self.predicted != self.gold)[chosen]

    def save(self, path: Path) -> None:
        """Write the file so that it is there complete or not at all."""
        body = {
            "format": _FORMAT,
            "version": self.version,
            "rows": self.rows,
            "labels": self.labels,
            "predicted": self.predicted.tolist(),
            "gold": self.gold.tolist(),
            "confidences": self.confidences.tolist(),
        }
        write_whole(path, json.dumps(body) + "\n")

    @classmethod
    def load(cls, path: Path) -> HeldOut:
        """Read a saved file; raises ``DataError`` for one that is none."""
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
            if body["format"] != _FORMAT:
                raise ValueError(f"format {body['format']}")
            found = cls(
                version=str(body["version"]),
                labels=tuple(body["labels"]),
                rows=int(body["rows"]),
                predicted=np.array(body["predicted"], np.int64),
                gold=np.array(body["gold"], np.int64),
                confidences=np.array(body["confidences"], np.float64),
            )
            if not len(found.predicted) == len(found.gold) == len(found.confidences):
                raise ValueError("its columns differ in length")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(path, None, f"holds no held-out answers: {error}") from error
        return found


def held_out_answers(
    answers: Sequence[Classification], gold: Sequence[str], labels: Sequence[str]
) -> HeldOut:
    """Keep what was answered on labelled rows; raises ``ValueError`` without any."""
    if not answers:
        raise ValueError("there are no answers")
    index = {label: number for number, label in enumerate(labels)}
    kept = [(one, index.get(label, -1)) for one, label in zip(answers, gold, strict=True)]
    inside = [(one, at) for one, at in kept if one.in_scope and one.label != OUT_OF_SCOPE]
    return HeldOut(
        version=answers[0].version,
        labels=tuple(labels),
        rows=len(answers),
        predicted=np.array([index[one.label] for one, _ in inside], np.int64),
        gold=np.array([at for _, at in inside], np.int64),
        confidences=np.array([round(one.confidence, 5) for one, _ in inside], np.float64),
    )
