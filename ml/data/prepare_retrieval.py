"""Makes the training pairs of the sentence encoder that finds help articles for questions."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import frontmatter

from ml.data.banking import BANKING_LIKE_CLINC
from ml.data.readers import LabelledText, read_classification, read_ner
from ml.data.splits import drop_repeats, split_by_text, text_key
from ml.errors import DataError
from ml.retrieval.documents import Document, intents_of, passages_of

SEED = 13
HELD_OUT = 0.05
KNOWLEDGE = Path(__file__).parents[2] / "demo" / "knowledge"
"""The help articles written for this project; a tag ``intent:<label>`` says what each answers."""

_BANKING = "intents/banking77_train.jsonl"
_PASSAGE_WORDS = 40  # of a piece of a body; short ones cost little and say one thing
_MORE_SHARE = 0.25  # of the questions that are also paired with something else of their article
_PASSAGE_SHARE = 0.5  # of those, with a piece of its body; the others with a question in it
_KEPT = {
    "intents/clinc150_train.jsonl": 10,
    "intents/hwu64_train.jsonl": 10,
    "intents/bitext_8k.jsonl": 10,
}
"""Sets about other matters and the texts of each of their labels whose vectors are to stay."""
_KEPT_PROSE = 600  # sentences of an encyclopedia
_PROSE = "ner/wikigold.jsonl"

Rows = tuple[list[dict[str, Any]], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class HelpArticle:
    """An article and the intents that it answers."""

    document: Document
    intents: tuple[str, ...]


def read_knowledge(folder: Path | None = None) -> list[HelpArticle]:
    """The articles of a folder (the demo's) of Markdown files with front matter.

    Raises :class:`DataError` naming the file that lacks its title.
    """
    articles = []
    for file in sorted((folder or KNOWLEDGE).glob("*.md")):
        post = frontmatter.loads(file.read_text(encoding="utf-8"))
        fields: dict[str, Any] = post.metadata
        if not fields.get("title"):
            raise DataError(file, None, "has no title")
        document = Document(
            str(fields.get("id", file.stem)),
            fields["title"],
            post.content,
            tuple(fields.get("questions", ())),
        )
        articles.append(HelpArticle(document, intents_of(fields.get("tags", ()))))
    return articles


def split_questions(data: Path) -> tuple[list[LabelledText], list[LabelledText]]:
    """Banking77's public training questions, one in twenty held out by text."""
    rows = drop_repeats(list(read_classification(data / _BANKING)), key=_key)
    return split_by_text(
        rows, held_out=HELD_OUT, seed=SEED, key=_key, stratum=lambda row: row.label
    )


def prepare_support_encoder(data: Path) -> Rows:
    """Questions with the title, a piece or a question of the article that answers them.

    Texts about other matters go along, whose vectors are to stay as they are. The held-out
    questions are paired with titles alone.
    """
    training, valid = split_questions(data)
    seen = {_key(row) for row in valid}
    generator = random.Random(SEED)  # noqa: S311 - reproducible, not secret
    known = read_knowledge()
    articles = {name: article for article in known for name in article.intents}
    rows = [_titled(row, articles) for row in training]
    rows += _with_more(training, articles, generator)
    rows += _written(known, generator)
    rows += ({"text": text, "keep": True} for text in _kept(data, seen, generator))
    return rows, [_titled(row, articles) for row in valid]


def _titled(row: LabelledText, articles: dict[str, HelpArticle]) -> dict[str, Any]:
    try:
        title = articles[row.label].document.title
    except KeyError as error:
        raise DataError(KNOWLEDGE, None, f"no article has the intent {row.label!r}") from error
    return {"text": row.text, "positive": title, "label": row.label}


def _with_more(
    rows: Sequence[LabelledText], articles: dict[str, HelpArticle], generator: random.Random
) -> Iterator[dict[str, Any]]:
    pieces = {name: _pieces(article.document) for name, article in articles.items()}
    for row in rows:
        if generator.random() >= _MORE_SHARE:
            continue
        questions = articles[row.label].document.questions
        passage = generator.random() < _PASSAGE_SHARE or not questions
        positive = generator.choice(pieces[row.label] if passage else questions)
        if text_key(positive) != _key(row):
            yield {"text": row.text, "positive": positive, "label": row.label}


def _written(articles: Iterable[HelpArticle], generator: random.Random) -> Iterator[dict[str, Any]]:
    """The questions that stand in the articles, with the title and a piece."""
    for article in articles:
        document = article.document
        label = article.intents[0] if article.intents else f"article {document.id}"
        for question in document.questions:
            for positive in (document.title, generator.choice(_pieces(document))):
                yield {"text": question, "positive": positive, "label": label}


def _pieces(document: Document) -> list[str]:
    passages = passages_of(document, max_words=_PASSAGE_WORDS)
    return [passage.indexed for passage in passages if passage.kind == "body"]


def _kept(data: Path, seen: set[str], generator: random.Random) -> Iterator[str]:
    """Texts that are not about banking, none of them in ``seen``."""
    for name, count in _KEPT.items():
        by_label: dict[str, list[str]] = defaultdict(list)
        for row in drop_repeats(list(read_classification(data / name)), key=_key):
            if row.label not in BANKING_LIKE_CLINC and _key(row) not in seen:
                by_label[row.label].append(row.text)
        for label in sorted(by_label):
            texts = by_label[label]
            yield from generator.sample(texts, min(count, len(texts)))
    prose = [" ".join(sentence.tokens) for sentence in read_ner(data / _PROSE)]
    yield from generator.sample(prose, min(_KEPT_PROSE, len(prose)))


def _key(row: LabelledText) -> str:
    return text_key(row.text)
