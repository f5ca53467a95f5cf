"""Does the bot cite the right article? Held-out Banking77 questions against the demo articles.

    python -m bench.support_retrieval --data DATA [--models var/models] [--write FOLDER] [--json]

DATA is a folder of the public sets (docs/data.md); ``--write`` also keeps articles and questions
as the files that ``manage.py evaluate_retrieval`` reads. For each encoder that is built: recall of
hybrid search with and without the question's intent, and what the bot's own rule does with each
question.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from apps.support.bot import DEFAULTS, Findings, Known, Thresholds, decide
from apps.support.excerpts import blocks_of
from ml.data.prepare_retrieval import HelpArticle, read_knowledge, split_questions
from ml.data.readers import LabelledText, write_jsonl
from ml.retrieval.evaluation import Query, evaluate_retrieval
from ml.retrieval.hybrid import Hit, HybridIndex
from ml.serving.bulk import predict_stream
from ml.serving.engine import LocalEngine
from ml.types import Classification, Embedding, FloatArray

ENCODERS = ("encoder", "support_encoder")
_HITS = 8  # that the bot looks at


def run(
    data: Path, models: Path, write: Path | None = None, limits: Thresholds = DEFAULTS
) -> dict[str, Any]:
    """Recall and outcomes by encoder; outcomes are shares of all questions."""
    articles = read_knowledge()
    _, questions = split_questions(data)
    owners = {name: article.document.id for article in articles for name in article.intents}
    queries = [Query(row.text, (owners[row.label],)) for row in questions]
    if write is not None:
        _write(write, articles, queries)
    engine = LocalEngine(models)
    try:
        built = {info.task for info in engine.tasks()}
        intents = list(_predict(engine, "intent", questions))
        found: dict[str, Any] = {"questions": len(questions)}
        for task in (name for name in ENCODERS if name in built):
            recall = evaluate_retrieval(
                [article.document for article in articles],
                queries,
                engine,
                task=task,
                intents={article.document.id: article.intents for article in articles},
            )
            hits = _hits(engine, task, articles, questions)
            found[task] = {
                "recall@1": round(recall["recall@1"], 4),
                "recall@3": round(recall["recall@3"], 4),
                "search alone, recall@1": round(recall["baselines"]["search"]["recall@1"], 4),
                **_outcomes(articles, queries, intents, hits, limits),
            }
    finally:
        engine.close()
    return found


def _predict(engine: LocalEngine, task: str, rows: Sequence[LabelledText]) -> Iterator[Any]:
    return predict_stream(engine, task, [row.text for row in rows])


def _hits(
    engine: LocalEngine,
    task: str,
    articles: Sequence[HelpArticle],
    questions: Sequence[LabelledText],
) -> list[list[Hit]]:
    def embed(texts: Sequence[str]) -> FloatArray:
        return np.stack([cast(Embedding, e).vector for e in predict_stream(engine, task, texts)])

    vectors = embed([row.text for row in questions])
    index = HybridIndex(vectors.shape[1])
    index.put([article.document for article in articles], embed)
    return [
        index.search(row.text, vector, _HITS)
        for row, vector in zip(questions, vectors, strict=True)
    ]


def _outcomes(
    articles: Sequence[HelpArticle],
    queries: Sequence[Query],
    intents: Sequence[Classification],
    hits: Sequence[list[Hit]],
    limits: Thresholds,
) -> dict[str, float]:
    known = {
        article.document.id: Known(
            article.document.id,
            article.document.title,
            article.intents,
            blocks_of(article.document.body),
        )
        for article in articles
    }
    counted: Counter[str] = Counter()
    for query, intent, found in zip(queries, intents, hits, strict=True):
        decision = decide(Findings(query.text, intent, found, known), limits)
        counted["first article is right"] += bool(
            decision.ranked and decision.ranked[0]["slug"] in query.article_ids
        )
        if decision.action == "answer":
            right = decision.citations[0]["slug"] in query.article_ids
            counted["answered right" if right else "answered wrong"] += 1
        elif decision.action == "clarify":
            offered = {choice["slug"] for choice in decision.choices}
            right = bool(offered.intersection(query.article_ids))
            counted["asked, right offered" if right else "asked, right missing"] += 1
        else:
            counted[decision.action] += 1
    return {name: round(count / len(queries), 4) for name, count in sorted(counted.items())}


def _write(folder: Path, articles: Sequence[HelpArticle], queries: Sequence[Query]) -> None:
    rows = [
        {
            "id": article.document.id,
            "title": article.document.title,
            "body": article.document.body,
            "tags": [f"intent:{name}" for name in article.intents],
        }
        for article in articles
    ]
    write_jsonl(folder / "support_articles.jsonl", rows)
    asked = [{"text": query.text, "article_ids": list(query.article_ids)} for query in queries]
    write_jsonl(folder / "support_queries.jsonl", asked)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public sets")
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    parser.add_argument("--write", type=Path, help="folder for the articles and the questions")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    options = parser.parse_args()
    result = run(options.data, options.models, options.write)
    for task in (name for name in ENCODERS if name in result):
        print(f"{task}, {result['questions']} questions")
        for name, value in result[task].items():
            print(f"  {name:<24} {value:.3f}")
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
