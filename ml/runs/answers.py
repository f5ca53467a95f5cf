"""What a run's version answered on each held-out row, in a file beside them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.data.pairs import PairRow
from ml.data.readers import TaggedSentence
from ml.data.row_kinds import NOTHING, Row, Value, shown, value_of
from ml.errors import DataError
from ml.evaluation.decoding import spans_of
from ml.evaluation.pair_measure import Found
from ml.files import write_whole
from ml.types import OUT_OF_SCOPE, Classification, MultiLabel

ANSWERS = "answers.jsonl"
"""In a run's folder: one line for each row of its held-out file, in the same order."""

LIVE_ANSWERS = "live_answers.jsonl"
"""What the live version answered on them."""

PAIRS = 30
"""So many pairs of confused labels are told."""

Mistake = tuple[str | None, str | None]
"""The right label and the one that was given for it; ``None`` where there is none, which no label
is called."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of a row's text; a classifier also says how sure it is, and whether the text
    is in its scope at all. An encoder says what it finds first, how near that is, and at which
    place from 1 what belongs to the text stands."""

    said: Value
    confidence: float | None = None
    in_scope: bool = True
    rank: int | None = None

    @property
    def final(self) -> Value:
        """What holds in the end: of a text out of scope, that."""
        return self.said if self.in_scope else OUT_OF_SCOPE


def answer_of(found: Found | Classification | MultiLabel | Sequence[str]) -> Answer:
    """The answer that a prediction, or the BIO tags of a sentence, is."""
    if isinstance(found, Found):
        return Answer(found.text, found.cosine, rank=found.rank)
    if isinstance(found, Classification):
        return Answer(found.label, round(found.confidence, 5), found.in_scope)
    if isinstance(found, MultiLabel):
        return Answer(tuple(sorted(found.labels)))
    return Answer(tuple(found))


def answers_write(path: Path, answers: Sequence[Answer]) -> None:
    """Write the file so that it is there complete or not at all."""
    rows = (f"{json.dumps(_record(one), ensure_ascii=False)}\n" for one in answers)
    write_whole(path, "".join(rows))


def answers_read(path: Path) -> list[Answer]:
    """The answers of a file; raises ``DataError`` for one that holds none, or is not there."""
    try:
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [
            Answer(
                one["said"] if isinstance(one["said"], str) else tuple(one["said"]),
                one.get("confidence"),
                one.get("in_scope", True),
                one.get("rank"),
            )
            for one in records
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(path, None, f"holds no answers: {error}") from error


def is_right(row: Row, answer: Answer) -> bool:
    """Whether all of what is said of a text is right, and nothing lacks."""
    return not mistakes(row, answer)


def told(row: Row, answer: Answer) -> str:
    """The answer in words."""
    return shown(row, answer.final)


def is_same(row: Row, one: Answer, other: Answer) -> bool:
    """Whether two answers say the same of the row's text."""
    return _parts(row, one.final) == _parts(row, other.final)


def mistakes(row: Row, answer: Answer) -> list[Mistake]:
    """What is wrong in an answer, label by label; of entities those on the very same words are a
    pair. Of several texts that belong to one, the first that is found may be any."""
    if answer.rank == 1:
        return []
    wanted, found = _parts(row, value_of(row)), _parts(row, answer.final)
    pairs = [(wanted.get(at), found.get(at)) for at in {*wanted, *found}]
    return sorted((pair for pair in pairs if pair[0] != pair[1]), key=_in_words)


def confused(pair: Mistake, **times: int) -> dict[str, Any]:
    """A pair in words with how often it was seen, ready for JSON."""
    label, taken_for = _in_words(pair)
    return {"label": label, "taken_for": taken_for, **times}


def confusion_of(rows: Sequence[Row], answers: Sequence[Answer]) -> Counter[Mistake]:
    """How often each right label is taken for each wrong one; nothing of pairs of texts, which are
    no labels."""
    if rows and isinstance(rows[0], PairRow):
        return Counter()
    return Counter(
        pair for row, one in zip(rows, answers, strict=True) for pair in mistakes(row, one)
    )


def confusion_change(
    rows: Sequence[Row], first: Sequence[Answer], other: Sequence[Answer]
) -> list[tuple[Mistake, int, int]]:
    """Pairs of a right and a wrong label with how often each of two versions confuses them, where
    that differs, the most different first."""
    old, new = confusion_of(rows, first), confusion_of(rows, other)
    pairs = sorted(
        {*old, *new},
        key=lambda pair: (-abs(new[pair] - old[pair]), -new[pair], _in_words(pair)),
    )
    return [(pair, old[pair], new[pair]) for pair in pairs[:PAIRS] if old[pair] != new[pair]]


def _parts(row: Row, value: Value) -> dict[Hashable, str]:
    """The labels in a value, each by where it stands."""
    if isinstance(value, str):
        return {"": value}
    if isinstance(row, TaggedSentence):
        return {(first, last): label for first, last, label in spans_of(value)}
    return {label: label for label in value}


def _in_words(pair: Mistake) -> tuple[str, str]:
    wanted, found = pair
    return NOTHING if wanted is None else wanted, NOTHING if found is None else found


def _record(one: Answer) -> dict[str, Any]:
    record: dict[str, Any] = {"said": one.said if isinstance(one.said, str) else list(one.said)}
    if one.confidence is not None:
        record["confidence"] = one.confidence
    if one.rank is not None:
        record["rank"] = one.rank
    return record if one.in_scope else record | {"in_scope": False}
