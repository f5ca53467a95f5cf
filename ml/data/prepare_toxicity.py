"""The training rows of the abuse screen, all written for the project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ml.data.written.abuse import remarks
from ml.data.written.named_news import named_sentences
from ml.data.written.texts import company_texts, statements

REMARKS_PER_PATTERN = 8
_STATEMENTS = {"positive": 1, "neutral": 1, "negative": 1}


def prepare_toxicity(data: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Training and validation rows; no public set is read, whatever folder is given.

    Composed abuse, and civil texts that look like it; the financial texts that are composed for
    other tasks are civil ones as well. Some of the patterns are held out whole;
    ``abuse_held_out.jsonl`` was written apart from them and takes no part.
    """
    rows = [
        (text.text, text.labels, text.held_out) for text in remarks(per_pattern=REMARKS_PER_PATTERN)
    ]
    rows += [(text, (), held_out) for text, held_out in _news()]
    return (
        [{"text": text, "labels": list(labels)} for text, labels, held in rows if not held],
        [{"text": text, "labels": list(labels)} for text, labels, held in rows if held],
    )


def _news() -> Iterator[tuple[str, bool]]:
    """Financial texts, and whether their pattern is held out."""
    for text in statements(per_pattern=_STATEMENTS):
        yield text.text, text.held_out
    for text in company_texts(per_pattern=1):
        yield text.text, text.held_out
    for one in named_sentences(per_pattern=2):
        yield " ".join(one.sentence.tokens), one.held_out
