"""How well retrieval finds the right article: readers and metrics of ``evaluate_retrieval``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ml.data.readers import read_records
from ml.errors import DataError
from ml.retrieval.documents import Document, intents_of
from ml.retrieval.hybrid import LEXICAL_WEIGHT, Hit, HybridIndex
from ml.retrieval.reranking import rerank
from ml.serving.bulk import predict_stream
from ml.serving.protocol import InferenceEngine
from ml.types import Classification, Embedding, FloatArray

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
        name = record.text("id")
        title, body = (record.text(key, may_be_empty=True) for key in ("title", "body"))
        if name in documents:
            raise DataError(path, row, f"repeats the id {name!r}")
        if not (title.strip() or body.strip()):
            raise DataError(path, row, "has neither a title nor a body")
        questions = tuple(record.texts("questions")) if "questions" in record else ()
        documents[name] = Document(name, title, body, questions)
    if not documents:
        raise DataError(path, None, "has no articles")
    return list(documents.values())


def read_intents(path: Path) -> dict[str, tuple[str, ...]]:
    """The intents that the tags of each article in a file of :func:`read_articles` name.

    Raises :class:`DataError` with the row where ``tags`` is no list of texts.
    """
    return {
        str(record["id"]): intents_of(record.texts("tags") if record.get("tags") else ())
        for _, record in read_records(path, ("id",))
    }


def read_queries(path: Path, articles: Sequence[Document]) -> list[Query]:
    """Read ``{"text", "article_ids"}`` from JSONL.

    Raises :class:`DataError` with the row: an empty text, no article, an article that there is
    not, a file without queries.
    """
    known = {document.id for document in articles}
    queries = []
    for row, record in read_records(path, ("text", "article_ids")):
        text, wanted = record.text("text"), tuple(record.texts("article_ids"))
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
    intents: Mapping[str, Sequence[str]] | None = None,
    intent_task: str = "intent",
) -> dict[str, Any]:
    """Recall and mean reciprocal rank of hybrid search with the encoder ``task``.

    Given the ``intents`` that articles answer, what is found is re-ranked by what ``intent_task``
    says of each query, as for a customer, and search by itself is a baseline.

    Returns ``{"n", "recall@1", "recall@3", "recall@5", "mrr@10", "baselines": {"bm25": {...},
    "untuned": {...}}}``; ``untuned`` is dense search alone with the encoder ``untuned_task``,
    ``search``, where there are intents, the hybrid search before it is re-ranked.
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
    search = _metrics(queries, _found(index, queries, vectors, weight))
    baselines = {
        "bm25": _metrics(queries, _found(index, queries, vectors, 1.0)),
        "untuned": _metrics(queries, _found(plain, queries, other, 0.0)),
    }
    best = search
    if intents and any(intents.values()):
        known = {document.id: tuple(intents.get(document.id, ())) for document in articles}
        ranked = _reranked(index, queries, vectors, weight, known, engine, intent_task)
        best, baselines = _metrics(queries, ranked), {"search": search, **baselines}
    return {"n": len(queries), **best, "baselines": baselines}


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


def _found(
    index: HybridIndex, queries: Sequence[Query], vectors: FloatArray, weight: float
) -> list[list[str]]:
    """The documents found for each query, best first."""
    return [
        [hit.document_id for hit in _hits(index, query, vector, weight)]
        for query, vector in zip(queries, vectors, strict=True)
    ]


def _reranked(
    index: HybridIndex,
    queries: Sequence[Query],
    vectors: FloatArray,
    weight: float,
    intents: Mapping[str, Sequence[str]],
    engine: InferenceEngine,
    task: str,
) -> list[list[str]]:
    """As :func:`_found`, re-ranked by the intent of each query."""
    said = predict_stream(engine, task, [query.text for query in queries])
    found = []
    for query, vector, answer in zip(queries, vectors, said, strict=True):
        if not isinstance(answer, Classification):
            raise TypeError(f"the task {task!r} does not classify")
        ranked = rerank(_hits(index, query, vector, weight), intents, answer)
        found.append([one.document_id for one in ranked[:DEPTH]])
    return found


def _hits(index: HybridIndex, query: Query, vector: FloatArray, weight: float) -> list[Hit]:
    return [hit for hit in index.search(query.text, vector, DEPTH, weight=weight) if hit.score > 0]


def _metrics(queries: Sequence[Query], found: Sequence[Sequence[str]]) -> dict[str, float]:
    recalls: dict[int, list[float]] = {cut: [] for cut in _CUTS}
    reciprocal = []
    for query, names in zip(queries, found, strict=True):
        wanted = set(query.article_ids)
        for cut in _CUTS:
            recalls[cut].append(len(wanted.intersection(names[:cut])) / len(wanted))
        ranks = [rank for rank, name in enumerate(names, start=1) if name in wanted]
        reciprocal.append(1.0 / ranks[0] if ranks else 0.0)
    return {
        **{f"recall@{cut}": float(np.mean(recalls[cut])) for cut in _CUTS},
        f"mrr@{DEPTH}": float(np.mean(reciprocal)),
    }
