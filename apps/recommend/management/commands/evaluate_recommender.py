"""Measures the recommender and its baselines on files of items and interactions."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, get_args

from django.core.management.base import CommandError, CommandParser

from apps.core import gateway
from apps.core.commands import TerminalProgress, TrefoilCommand
from ml.ranking.evaluation import evaluate_recommender
from ml.ranking.interactions import read_interactions, read_items
from ml.ranking.splits import Protocol


class Command(TrefoilCommand):
    help = "Measure how well recommendations foresee what readers did next, beside baselines."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--items", type=Path, required=True, help="CSV or JSONL")
        parser.add_argument("--interactions", type=Path, required=True, help="CSV or JSONL")
        parser.add_argument("--protocol", choices=get_args(Protocol), default="temporal")
        parser.add_argument("--k", type=int, default=10, help="depth of NDCG and coverage")

    def run(self, **options: Any) -> dict[str, Any]:
        if not 1 <= options["k"] <= 1000:
            raise CommandError("--k must be between 1 and 1000")
        started = time.monotonic()
        items = read_items(options["items"])
        interactions = read_interactions(options["interactions"], items)
        progress = TerminalProgress("measuring")
        try:
            result = evaluate_recommender(
                items,
                interactions,
                gateway.engine(),
                protocol=options["protocol"],
                k=options["k"],
                progress=progress.update,
            )
        finally:
            progress.close()
        self._print(result, len(items), len(interactions))
        return result | {"seconds": round(time.monotonic() - started, 1)}

    def _print(self, result: dict[str, Any], items: int, interactions: int) -> None:
        self.stdout.write(
            f"{items} items, {interactions} interactions, "
            f"{result['n']} readers, protocol {result['protocol']}"
        )
        rows = {"trefoil": result, **result["baselines"]}
        names = [name for name, value in result.items() if _is_figure(name, value)]
        self.table(
            ["recommender", *names],
            [[row, *(_cell(figures[name]) for name in names)] for row, figures in rows.items()],
        )


def _is_figure(name: str, value: Any) -> bool:
    return name not in ("n", "protocol", "baselines") and isinstance(value, float | None)


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
