"""The labelled rows most like a text, of what its version was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from apps.core import gateway
from apps.core.errors import InvalidInput, Problem
from apps.modelhub import selectors
from apps.modelhub.explaining import EXPLAINED, MAX_CHARACTERS
from apps.modelhub.models import Run
from apps.modelhub.opinions import load_apart, one_at_a_time
from apps.modelhub.selectors.corrections import corrections_of
from apps.modelhub.services.runs import run_split
from apps.modelhub.sight import seen_rows
from ml.data.readers import LabelledText
from ml.data.row_kinds import Row, shown, text_of, value_of
from ml.errors import MLError
from ml.explain.neighbours import Neighbour, nearest_examples
from ml.retrieval.lexical import LexicalIndex
from ml.types import Embedding, FloatArray

ENCODER = "encoder"
_LOOKED_AT = 64  # rows that share most words with the text, which are then ordered by meaning
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Nearest:
    """The rows, nearest first, and where they are from: the ``run`` that trained the version on
    them, or the corrections of the task, since what it was trained on is not kept here."""

    version: str
    run: Run | None
    rows: list[Neighbour]


def nearest_rows(*, person: Any, task: str, text: str, version: str | None = None) -> Nearest:
    """The rows nearest to ``text`` that the person may read; ``version`` is the live one, if none.

    Of those that share most words with it the ones whose vectors lie nearest: a classifier's own
    vectors, for other kinds those of the sentence encoder. Raises ``Problem``.
    """
    if not text.strip() or len(text) > MAX_CHARACTERS:
        raise InvalidInput(
            "Ask about a text of at most %(max_characters)s characters.",
            max_characters=f"{MAX_CHARACTERS:,}",
        )
    try:
        artifact = gateway.model_store().artifact(task, version)
    except MLError as error:
        raise InvalidInput(error.words, code=error.code) from error
    if artifact.kind not in EXPLAINED:
        raise InvalidInput("%(task)s gives no labels; there are no examples of it.", task=task)
    run = selectors.run_of_version(task=task, version=artifact.version)
    known = seen_rows(person, _trained_on(task, artifact.kind, run))
    examples = [LabelledText(text_of(row), shown(row, value_of(row))) for row in known]
    likely = _sharing_words(text, examples)
    if not likely:
        return Nearest(artifact.version, run, [])
    if artifact.kind != "classification":
        return Nearest(artifact.version, run, nearest_examples(_encoded, text, likely, k=_SHOWN))
    with one_at_a_time():
        predictor = load_apart(task, artifact.version)
        found = nearest_examples(predictor.vectors, text, likely, k=_SHOWN)
    return Nearest(artifact.version, run, found)


def _trained_on(task: str, kind: str, run: Run | None) -> Sequence[Row]:
    if run is None:
        return corrections_of(task, kind)
    try:
        return run_split(run.dataset_version).train
    except Problem:  # the file of the data set is gone
        return []


def _sharing_words(text: str, examples: Sequence[LabelledText]) -> list[LabelledText]:
    scores = LexicalIndex([row.text for row in examples]).scores(text)
    best = np.argsort(-scores, kind="stable")[:_LOOKED_AT]
    return [examples[i] for i in best if scores[i] > 0]


def _encoded(texts: Sequence[str]) -> FloatArray:
    found = gateway.predict(ENCODER, texts, observed=False)
    return np.stack([one.vector for one in found if isinstance(one, Embedding)])
