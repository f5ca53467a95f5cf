"""How well retrieval finds the right article: readers and metrics of ``evaluate_retrieval``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ml.data.readers import read_records
from ml.errors import DataError
from ml.retrieval.documents import Document
from ml.retrieval.hybrid import LEXICAL_WEIGHT, HybridIndex
from ml.serving.bulk import predict_stream
from ml.serving.protocol import InferenceEngine
from ml.types import Embedding, FloatArray

DEPTH = 10
_CUTS = (1, 3, 5)


@dataclass(frozen=True, slots=True)
class Query:
    """A question and the articles that answer it."""

    text: str
    article_ids: tuple[str, ...]
    row: int = 0


def read_articles(path: Path) -> list[Document]:
    """Read ``{"id", "title", "body"}`` (and ``questions``) from JSONL or CSV.

    Raises :class:`DataError` with the row: a field that is missing or no text, an id that repeats,
    an article without title and body, a file without articles.
    """
    documents: dict[str, Document] = {}
    for row, record in read_records(path, ("id", "title", "body")):
        name, title, body = (_text(path, row, record, key) for key in ("id", "title", "body"))
        if not name.strip():
            raise DataError(path, row, "'id' is empty")
        if name in documents:
            raise DataError(path, row, f"repeats the id {name!r}")
        if not (title.strip() or body.strip()):
            raise DataError(path, row, "has neither a title nor a body")
        questions = _texts(path, row, record.get("questions", []), "questions")
        documents[name] = Document(name, title, body, questions)
    if not documents:
        raise DataError(path, None, "has no articles")
    return list(documents.values())


def read_queries(path: Path, articles: Sequence[Document]) -> list[Query]:
    """Read ``{"text", "article_ids"}`` from JSONL.

    Raises :class:`DataError` with the row: an empty text, no article, an article that there is
    not, a file without queries.
    """
    known = {document.id for document in articles}
    queries = []
    for row, record in read_records(path, ("text", "article_ids")):
        text = _text(path, row, record, "text")
        if not text.strip():
            raise DataError(path, row, "'text' is empty")
        wanted = _texts(path, row, record["article_ids"], "article_ids")
        if not wanted:
            raise DataError(path, row, "'article_ids' is empty")
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise DataError(path, row, f"there is no article {unknown[0]!r}")
        queries.append(Query(text, wanted, row))
    if not queries:
        raise DataError(path, None, "has no queries")
    return queries


def evaluate_retrieval(
    articles: Sequence[Document],
    queries: Sequence[Query],
    engine: InferenceEngine,
    *,
    task: str = "encoder",
    untuned_task: str = "encoder",
    weight: float = LEXICAL_WEIGHT,
) -> dict[str, Any]:
    """Recall and mean reciprocal rank of hybrid search with the encoder ``task``.

    Returns ``{"n", "recall@1", "recall@3", "recall@5", "mrr@10", "baselines": {"bm25": {...},
    "untuned": {...}}}``; ``untuned`` is dense search alone with the encoder ``untuned_task``.
    """
    texts = [query.text for query in queries]
    vectors = _embed(engine, task, texts)
    index = _index(engine, task, articles)
    other, plain = (
        (vectors, index)
        if untuned_task == task
        else (
            _embed(engine, untuned_task, texts),
            _index(engine, untuned_task, articles),
        )
    )
    return {
        "n": len(queries),
        **_metrics(index, queries, vectors, weight),
        "baselines": {
            "bm25": _metrics(index, queries, vectors, 1.0),
            "untuned": _metrics(plain, queries, other, 0.0),
        },
    }


def _index(engine: InferenceEngine, task: str, articles: Sequence[Document]) -> HybridIndex:
    dimensions = _embed(engine, task, [articles[0].title or articles[0].body]).shape[1]
    index = HybridIndex(dimensions)
    index.put(articles, lambda texts: _embed(engine, task, texts))
    return index


def _embed(engine: InferenceEngine, task: str, texts: Sequence[str]) -> FloatArray:
    vectors = []
    for prediction in predict_stream(engine, task, texts):
        if not isinstance(prediction, Embedding):
            raise TypeError(f"the task {task!r} does not give embeddings")
        vectors.append(prediction.vector)
    return np.stack(vectors)


def _metrics(
    index: HybridIndex, queries: Sequence[Query], vectors: FloatArray, weight: float
) -> dict[str, float]:
    recalls: dict[int, list[float]] = {cut: [] for cut in _CUTS}
    reciprocal = []
    for query, vector in zip(queries, vectors, strict=True):
        hits = index.search(query.text, vector, DEPTH, weight=weight)
        found = [hit.document_id for hit in hits if hit.score > 0]
        wanted = set(query.article_ids)
        for cut in _CUTS:
            recalls[cut].append(len(wanted.intersection(found[:cut])) / len(wanted))
        ranks = [rank for rank, name in enumerate(found, start=1) if name in wanted]
        reciprocal.append(1.0 / ranks[0] if ranks else 0.0)
    return {
        **{f"recall@{cut}": float(np.mean(recalls[cut])) for cut in _CUTS},
        f"mrr@{DEPTH}": float(np.mean(reciprocal)),
    }


def _text(path: Path, row: int, record: dict[str, Any], key: str) -> str:
    value = record[key]
    if not isinstance(value, str):
        raise DataError(path, row, f"{key!r} is not a text")
    return value


def _texts(path: Path, row: int, value: Any, key: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise DataError(path, row, f"{key!r} is not a list of texts")
    return tuple(value)
