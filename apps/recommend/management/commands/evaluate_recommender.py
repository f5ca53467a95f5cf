"""Measures the recommender and its baselines on files of items and interactions.

The complete report is written as JSON to ``TREFOIL_VAR/recommend/evaluations/<UTC>.json`` (and to
``--output``), as ``{"at", "items", "interactions", "readers", "protocol", "k", "seconds", "rows",
"faithfulness", "variety"}``; :mod:`ml.ranking.evaluation` tells what a row holds,
:mod:`ml.ranking.honesty` the last two.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from apps.core import gateway
from apps.core.commands import TerminalProgress, TrefoilCommand
from ml.files import write_whole
from ml.ranking.evaluation import evaluate_recommender
from ml.ranking.interactions import read_interactions, read_items
from ml.ranking.splits import Protocol


class Command(TrefoilCommand):
    help = "Measure how well recommendations foresee what readers did next, beside baselines."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--items", type=Path, required=True, help="CSV or JSONL")
        parser.add_argument("--interactions", type=Path, required=True, help="CSV or JSONL")
        parser.add_argument(
            "--protocol",
            choices=get_args(Protocol),
            default="temporal",
            help="how readings are held out",
        )
        parser.add_argument("--k", type=int, default=10, help="depth of NDCG and coverage")
        parser.add_argument("--output", type=Path, help="where the report is written as well")

    def run(self, **options: Any) -> dict[str, Any]:
        if not 1 <= options["k"] <= 1000:
            raise CommandError("--k must be between 1 and 1000")
        from ml.training.next_item import train_next_item  # torch, which other commands do without

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
                learn=train_next_item,
                progress=progress.update,
            )
        finally:
            progress.close()
        rows = result.pop("rows")
        now = datetime.now(UTC)
        report = {
            "at": now.isoformat(timespec="seconds"),
            "items": len(items),
            "interactions": len(interactions),
            "readers": result["n"],
            "protocol": result["protocol"],
            "k": options["k"],
            "seconds": round(time.monotonic() - started, 1),
            "rows": rows,
            "faithfulness": result["faithfulness"],
            "variety": result["variety"],
        }
        written = settings.VAR_DIR / "recommend" / "evaluations" / f"{now:%Y%m%dT%H%M%S%fZ}.json"
        for path in filter(None, (Path(written), options["output"])):
            _write(report, path)
        self._print(report)
        self.stdout.write(f"report: {written}")
        return result | {"seconds": report["seconds"]}

    def _print(self, report: dict[str, Any]) -> None:
        """What each recommender reaches, with 95% intervals over readers, in small tables."""
        self.stdout.write(
            f"{report['items']} items, {report['interactions']} interactions, "
            f"{report['readers']} readers, protocol {report['protocol']}"
        )
        rows = report["rows"]
        names = list(rows[0]["metrics"])
        for part in (names[:4], names[4:]):
            self.stdout.write("")
            self.table(
                ["recommender", *part],
                [[row["name"], *(_cell(row["metrics"][name]) for name in part)] for row in rows],
            )
        for title, words in (
            ("cold_items", "{items} items hidden from all that is learnt, {readers} readers"),
            ("cold_readers", "the newest {likes} likes known of {readers} readers"),
        ):
            self._print_cold(rows, title, words)
        self._print_slices(rows, names[0])
        self._print_honesty(report)

    def _print_cold(self, rows: list[dict[str, Any]], title: str, words: str) -> None:
        told = rows[0][title]
        if not told:
            return
        self.stdout.write("\n" + words.format(**told))
        names = [name for name, value in told.items() if isinstance(value, dict)]
        self.table(
            ["recommender", *names],
            [[row["name"], *(_cell(row[title][name]) for name in names)] for row in rows],
        )

    def _print_slices(self, rows: list[dict[str, Any]], name: str) -> None:
        slices = rows[0]["slices"]
        self.stdout.write(f"\n{name} by what is known of a reader")
        self.table(
            ["recommender", *(f"{own['slice']} ({own['readers']})" for own in slices)],
            [
                [row["name"], *(_cell(own["metrics"][name]) for own in row["slices"])]
                for row in rows
            ],
        )

    def _print_honesty(self, report: dict[str, Any]) -> None:
        told = report["faithfulness"]
        if told["reasons"]:
            self.stdout.write(
                f"\n{told['faithful']:.1%} of {told['reasons']} reasons name the deed without "
                f"which the item's score is lowest ({told['readers']} readers)"
            )
        self.stdout.write("\nwhat variety costs (trefoil)")
        names = list(report["variety"][0])
        self.table(names, [[round(row[name], 4) for name in names] for row in report["variety"]])


def _write(report: dict[str, Any], path: Path) -> None:
    write_whole(path, json.dumps(report, ensure_ascii=False, indent=1))


def _cell(figure: dict[str, float]) -> str:
    return f"{figure['value']:.4f} [{figure['low']:.4f}, {figure['high']:.4f}]"
