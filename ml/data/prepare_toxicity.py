"""The training rows of the abuse screen: composed abuse, and civil texts written and public."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ml.data.readers import read_classification
from ml.data.splits import drop_repeats, text_key
from ml.data.written.abuse import offensive, remarks
from ml.data.written.named_news import named_sentences
from ml.data.written.texts import company_texts, statements

REMARKS_PER_PATTERN = 8
_STATEMENTS = {"positive": 1, "neutral": 1, "negative": 1}

CIVIL_SETS = {
    Path("intents/banking77_train.jsonl"): 1_000,
    Path("intents/clinc150_train.jsonl"): 2_000,
    Path("intents/hwu64_train.jsonl"): 2_000,
    Path("finance/twitter_financial_sentiment_train.jsonl"): 2_000,
}
"""Public sets in which hardly any text is abusive, and how many texts of each are taken."""

HELD_OUT = 0.1
"""The share of the public texts that is held out."""

_SEED = 13


def prepare_toxicity(data: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Training and validation rows.

    Composed abuse, and civil texts that look like it; the financial texts that are composed for
    other tasks are civil ones as well, and so are texts of public sets in which no offensive word
    stands. Some of the patterns are held out whole; ``abuse_held_out.jsonl`` was written apart
    from them and takes no part.
    """
    rows = [
        (text.text, text.labels, text.held_out) for text in remarks(per_pattern=REMARKS_PER_PATTERN)
    ]
    rows += [(text, (), held_out) for text, held_out in _news()]
    known = {text_key(text) for text, _, _ in rows}
    rows += [row for row in _civil(data) if text_key(row[0]) not in known]
    return (
        [{"text": text, "labels": list(labels)} for text, labels, held in rows if not held],
        [{"text": text, "labels": list(labels)} for text, labels, held in rows if held],
    )


def civil_texts(data: Path) -> Iterator[str]:
    """The texts of public sets that are read as civil ones, always the same."""
    seen: set[str] = set()
    for name, wanted in CIVIL_SETS.items():
        generator = random.Random(f"{_SEED} {name.name}")  # noqa: S311 - reproducible
        rows = drop_repeats(list(read_classification(data / name)), key=lambda r: text_key(r.text))
        new = [row.text for row in rows if text_key(row.text) not in seen]
        civil = [text for text in new if not _offends(text)]
        chosen = generator.sample(civil, min(wanted, len(civil)))
        seen.update(text_key(text) for text in chosen)
        yield from chosen


def _civil(data: Path) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    for text in civil_texts(data):
        apart = random.Random(f"{_SEED} {text_key(text)}")  # noqa: S311 - reproducible
        yield text, (), apart.random() < HELD_OUT


def _offends(text: str) -> bool:
    words = set(re.findall(r"\w+", text.casefold()))
    return not words.isdisjoint(offensive())


def _news() -> Iterator[tuple[str, bool]]:
    """Financial texts, and whether their pattern is held out."""
    for text in statements(per_pattern=_STATEMENTS):
        yield text.text, text.held_out
    for text in company_texts(per_pattern=1):
        yield text.text, text.held_out
    for one in named_sentences(per_pattern=2):
        yield " ".join(one.sentence.tokens), one.held_out
