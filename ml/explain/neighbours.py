"""Explanation by example: the labelled texts that lie nearest to a text in a model's own space.

Two texts are near when the classifier's pooled vectors have a high cosine, so the neighbours show
what the model holds to be alike, rather than what reads alike (Papernot and McDaniel 2018, "Deep
k-nearest neighbors"). Neighbours of other labels are a hint that the answer, or one of the
examples, is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ml.data.readers import LabelledText
from ml.types import FloatArray

Vectorise = Callable[[Sequence[str]], FloatArray]
"""Texts to their pooled vectors, shape (texts, dimensions)."""
Report = Callable[[int, int], None]

_CHUNK = 256


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A labelled text, its row in its file, and its cosine with the explained one."""

    text: str
    label: str
    row: int
    cosine: float


def nearest_examples(
    vectorise: Vectorise,
    text: str,
    examples: Sequence[LabelledText],
    *,
    k: int = 5,
    progress: Report | None = None,
) -> list[Neighbour]:
    """The ``k`` examples nearest to ``text``, nearest first; ``progress`` gets done and total."""
    wanted = _unit(vectorise([text]))[0]
    cosines = np.empty(len(examples), dtype=np.float32)
    for start in range(0, len(examples), _CHUNK):
        chunk = examples[start : start + _CHUNK]
        cosines[start : start + len(chunk)] = _unit(vectorise([row.text for row in chunk])) @ wanted
        if progress is not None:
            progress(start + len(chunk), len(examples))
    return [
        Neighbour(examples[i].text, examples[i].label, examples[i].row, float(cosines[i]))
        for i in np.argsort(-cosines, kind="stable")[:k]
    ]


def _unit(vectors: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: FloatArray = vectors / np.maximum(lengths, 1e-12)
    return unit
