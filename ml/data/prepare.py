"""Makes the training files of the shipped tasks from the public data sets.

The sets are not part of the project; ``docs/data.md`` says where each comes from. Only sets whose
licences allow commercial use are read here. Each function reads a folder that holds them and
returns training and validation rows; no text is in both.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ml.data.banking import BANKING_LIKE_CLINC
from ml.data.casing import recased
from ml.data.ner_labels import to_shared_labels
from ml.data.prepare_retrieval import prepare_support_encoder
from ml.data.prepare_toxicity import prepare_toxicity
from ml.data.readers import (
    LabelledText,
    TaggedSentence,
    read_classification,
    read_ner,
    read_records,
    write_jsonl,
)
from ml.data.splits import drop_repeats, split_by_text, text_key
from ml.data.targeting import TARGETED_TASK, TargetedText, read_targeted
from ml.data.tweets import tweets_about_one
from ml.data.written.named_news import NamedSentence, named_sentences
from ml.data.written.texts import OPPOSED, WrittenText, company_texts, statements
from ml.errors import DataError
from ml.types import OUT_OF_SCOPE

SEED = 13
TWEETS = Path("finance/twitter_financial_sentiment_train.jsonl")
WRITTEN_NEWS = Path(__file__).parents[2] / "demo" / "news" / "articles.jsonl"
"""News written for this project, each item with its sentiment and topic. The items of the live
stream beside it are not trained on, so they show what the models make of unseen headlines."""

_HELD_OUT_INTENTS = 20
_PER_INTENT = 20

Rows = tuple[list[dict[str, Any]], list[dict[str, Any]]]


def prepare_intent(data: Path) -> Rows:
    """Banking77's labels; outliers from CLINC150.

    The outliers to train on are CLINC150's out-of-scope training rows and some rows of each of its
    intents that is far from banking. Twenty such intents, chosen by seed, are never trained on:
    their rows and the out-of-scope validation rows show how well unseen matters are recognised.
    """
    rows = drop_repeats(list(read_classification(data / "intents/banking77_train.jsonl")), key=_key)
    training, valid = split_by_text(
        rows, held_out=0.05, seed=SEED, key=_key, stratum=lambda row: row.label
    )
    by_intent: dict[str, list[LabelledText]] = defaultdict(list)
    for row in read_classification(data / "intents/clinc150_train.jsonl"):
        if row.label not in BANKING_LIKE_CLINC:
            by_intent[row.label].append(row)
    generator = random.Random(SEED)  # noqa: S311 - reproducible, not secret
    names = sorted(by_intent)
    unseen = set(generator.sample(names, _HELD_OUT_INTENTS))
    outliers: list[LabelledText] = []
    unknown: list[LabelledText] = []
    for name in names:
        chosen = generator.sample(by_intent[name], _PER_INTENT)
        (unknown if name in unseen else outliers).extend(chosen)
    outliers += read_classification(data / "intents/clinc150_oos_train.jsonl")
    unknown += read_classification(data / "intents/clinc150_oos_valid.jsonl")
    return (
        _labelled([*training, *(_outside(row) for row in outliers)]),
        _labelled([*valid, *(_outside(row) for row in unknown)]),
    )


STATEMENTS_PER_PATTERN = {"positive": 8, "neutral": 10, "negative": 6}
"""How many texts of a written pattern are read, by its label: as filings are, mostly neutral."""
COMPARED_TIMES = 1
COMPANY_TEXTS_PER_PATTERN = 3


def prepare_sentiment(data: Path) -> Rows:
    """Financial tweets, FinEntity texts whose companies all agree, and statements written here.

    Some of the written patterns are held out whole, and so are the statements that were written
    apart from them (``ml/data/written``).
    """
    tweets = drop_repeats(
        list(read_classification(data / TWEETS)),
        key=_key,
    )
    training, valid = split_by_text(
        tweets, held_out=0.08, seed=SEED, key=_key, stratum=lambda row: row.label
    )
    seen = {_key(row) for row in valid}
    agreeing = [row for row in _agreeing(data) if _key(row) not in seen]
    written = list(_written_news("sentiment"))
    kept, held = split_by_text(
        agreeing + written, held_out=0.08, seed=SEED, key=_key, stratum=lambda row: row.label
    )
    written_here = _written_statements()
    return (
        _labelled([*training, *kept, *(row for row, measured in written_here if not measured)]),
        _labelled([*valid, *held, *(row for row, measured in written_here if measured)]),
    )


TARGETED_PER_PATTERN = 9
SINGLE_PER_PATTERN = 3


def prepare_targeted_sentiment(data: Path) -> Rows:
    """Texts with the sentiment of each company: FinEntity, tweets about one, written ones.

    A fifth of FinEntity is held out, by text, and with it some of the written patterns about
    several companies.
    """
    path = data / "finance/finentity_targeted_train.jsonl"
    texts = drop_repeats(list(read_targeted(path)), key=lambda row: text_key(row.text))
    training, valid = split_by_text(
        texts,
        held_out=0.2,
        seed=SEED,
        key=lambda row: text_key(row.text),
        stratum=lambda row: "opposite" if row.is_opposite else "",
    )
    written = list(company_texts(per_pattern=TARGETED_PER_PATTERN))
    single = statements(per_pattern=dict.fromkeys(STATEMENTS_PER_PATTERN, SINGLE_PER_PATTERN))
    about_one = [text for text in single if text.entities]
    kept = [text for text in (*written, *about_one) if not text.held_out]
    held = [text for text in written if text.held_out]
    return (
        _with_entities([*training, *tweets_about_one(data / TWEETS), *kept]),
        _with_entities([*valid, *held]),
    )


HELD_PER_PATTERN = 3
"""Texts of a pattern that is only measured: more of them say nothing that these do not."""


def prepare_opposed_news(_: Path) -> Rows:
    """Headlines of companies that fare differently, in rows like those of targeted sentiment.

    The second part measures; the shipped model is the mean of two runs, of which one learned from
    the first.
    """
    rows = list(company_texts(per_pattern=TARGETED_PER_PATTERN, files=(OPPOSED,)))
    held = _first_of_each(text for text in rows if text.held_out)
    return _with_entities([text for text in rows if not text.held_out]), _with_entities(held)


def prepare_topic(data: Path) -> Rows:
    """Financial tweets with one of twenty topics, repeats (once links are cut) dropped."""
    rows = drop_repeats(
        list(read_classification(data / "finance/twitter_financial_topic_train.jsonl")), key=_key
    )
    training, valid = split_by_text(
        rows, held_out=0.06, seed=SEED, key=_key, stratum=lambda row: row.label
    )
    return _labelled([*training, *_written_news("topic")]), _labelled(valid)


NER_FILES = (
    "ner/wnut17_train.jsonl",
    "ner/wnut17_valid.jsonl",
    "ner/broad_twitter_corpus.jsonl",
    "ner/wikigold.jsonl",
    "ner/uner_en_ewt_valid.jsonl",
)


NEWS_PER_PATTERN = 25
RECASED = 0.1
"""The share of the sentences that are learned a second time in small or in capital letters."""


def prepare_ner(data: Path) -> Rows:
    """Persons, organisations and locations from tweets, encyclopedia, reviews and mail.

    To the training rows come sentences in the manner of financial news that were written for the
    project, and some of the rows in another case. The held-out rows are of the public sets alone;
    :func:`prepare_named_news` has those of the written patterns.
    """
    training: list[TaggedSentence] = []
    valid: list[TaggedSentence] = []
    for name in NER_FILES:
        sentences = drop_repeats(
            [to_shared_labels(row) for row in read_ner(data / name)], key=_sentence_key
        )
        kept, held = split_by_text(sentences, held_out=0.08, seed=SEED, key=_sentence_key)
        training += kept
        valid += held
    seen = {_sentence_key(row) for row in valid}
    training = [row for row in training if _sentence_key(row) not in seen]
    training += recased(training, share=RECASED, seed=SEED)
    training += [row.sentence for row in _named_news() if not row.held_out]
    return _tagged(training), _tagged(drop_repeats(valid, key=_sentence_key))


def prepare_named_news(_: Path) -> Rows:
    """Sentences composed like financial news: those that ``ner`` learns, and held-out patterns."""
    rows = _named_news()
    return (
        _tagged([row.sentence for row in rows if not row.held_out]),
        _tagged([row.sentence for row in rows if row.held_out]),
    )


def _named_news() -> list[NamedSentence]:
    return list(named_sentences(per_pattern=NEWS_PER_PATTERN))


PREPARATIONS: dict[str, Callable[[Path], Rows]] = {
    "intent": prepare_intent,
    "sentiment": prepare_sentiment,
    TARGETED_TASK: prepare_targeted_sentiment,
    "opposed_news": prepare_opposed_news,
    "topic": prepare_topic,
    "ner": prepare_ner,
    "named_news": prepare_named_news,
    "support_encoder": prepare_support_encoder,
    "toxicity": prepare_toxicity,
}


def prepare(task: str, data: Path, output: Path) -> dict[str, int]:
    """Write ``<output>/<task>_train.jsonl`` and ``_valid.jsonl``; returns their row counts.

    ``data`` is the folder of the public sets.
    """
    if task not in PREPARATIONS:
        raise DataError(task, None, f"no such task; there are {', '.join(PREPARATIONS)}")
    training, valid = PREPARATIONS[task](data)
    return {
        "train": write_jsonl(output / f"{task}_train.jsonl", training),
        "valid": write_jsonl(output / f"{task}_valid.jsonl", valid),
    }


def _key(row: LabelledText) -> str:
    return text_key(row.text)


def _sentence_key(row: TaggedSentence) -> str:
    return text_key(" ".join(row.tokens))


def _outside(row: LabelledText) -> LabelledText:
    return LabelledText(row.text, OUT_OF_SCOPE, row.row)


def _labelled(rows: Sequence[LabelledText]) -> list[dict[str, Any]]:
    return [{"text": row.text, "label": row.label} for row in rows]


def _tagged(rows: Sequence[TaggedSentence]) -> list[dict[str, Any]]:
    return [{"tokens": list(row.tokens), "tags": list(row.tags)} for row in rows]


def _with_entities(rows: Sequence[TargetedText | WrittenText]) -> list[dict[str, Any]]:
    return [{"text": row.text, "entities": dict(row.entities)} for row in rows]


def _first_of_each(texts: Iterable[WrittenText]) -> list[WrittenText]:
    """The first :data:`HELD_PER_PATTERN` texts of each pattern."""
    kept: dict[str, list[WrittenText]] = defaultdict(list)
    for text in texts:
        kept[text.pattern].append(text)
    return [text for found in kept.values() for text in found[:HELD_PER_PATTERN]]


def _agreeing(data: Path) -> Iterable[LabelledText]:
    path = data / "finance/finentity_targeted_train.jsonl"
    for row, record in read_records(path, ("text", "entities")):
        labels = set(record["entities"].values())
        if len(labels) == 1:
            yield LabelledText(record["text"], labels.pop(), row)


def _written_statements() -> list[tuple[LabelledText, bool]]:
    """Composed texts with one sign, and whether their pattern is held out."""
    texts = list(statements(per_pattern=STATEMENTS_PER_PATTERN, compared=COMPARED_TIMES))
    for text in company_texts(per_pattern=COMPANY_TEXTS_PER_PATTERN):
        signs = set(text.labels) - {"neutral"}
        if len(signs) < 2:
            texts.append(replace(text, labels=(signs.pop() if signs else "neutral",)))
    return [(LabelledText(text.text, text.labels[0]), text.held_out) for text in texts]


def _written_news(label: str) -> Iterable[LabelledText]:
    """Titles of the project's news with their ``expect.<label>``, repeats left out."""
    for row, record in read_records(WRITTEN_NEWS, ("title", "expect")):
        expected = record["expect"]
        signs = set(expected.get("per_company", {}).values())
        if "duplicate_of" in expected or {"positive", "negative"} <= signs:
            continue
        yield LabelledText(record["title"], expected[label], row)
