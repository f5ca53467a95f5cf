"""Measures how well questions find their articles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.core import gateway
from apps.core.commands import TrefoilCommand
from apps.support import knowledge
from ml.retrieval.evaluation import (
    evaluate_retrieval,
    read_articles,
    read_intents,
    read_queries,
)

INTENT = "intent"


class Command(TrefoilCommand):
    help = (
        "Measure retrieval on articles and questions, beside BM25 and the untuned encoder. "
        "Articles whose tags name their intents (intent:<label>) are re-ranked by the question's."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--articles", type=Path, required=True, help="JSONL or CSV: id, title, body"
        )
        parser.add_argument("--queries", type=Path, required=True, help="JSONL: text, article_ids")

    def run(self, **options: Any) -> dict[str, Any]:
        articles = read_articles(options["articles"])
        queries = read_queries(options["queries"], articles)
        task = knowledge.best_encoder()
        intents = read_intents(options["articles"])
        if any(intents.values()) and INTENT not in {info.task for info in gateway.models()}:
            self.stderr.write("No intent model is built; what is found is not re-ranked.")
            intents = {}
        report = evaluate_retrieval(
            articles, queries, gateway.engine(), task=task, intents=intents, intent_task=INTENT
        )
        names = [name for name in report if name not in ("n", "baselines")]
        rows = {"hybrid": report, **report["baselines"]}
        self.table(
            ["method", *names],
            [[method, *(f"{row[name]:.4f}" for name in names)] for method, row in rows.items()],
        )
        if task == "encoder":
            self.stderr.write(
                "The tuned encoder is not built; hybrid search is with the plain one."
            )
        return report | {"encoder": task}
