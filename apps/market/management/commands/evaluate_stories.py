"""Measures how well repeats of a story are told from other stories."""

from __future__ import annotations

import random
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.db import transaction
from django.utils import timezone

from apps.core.commands import TrefoilCommand
from apps.core.errors import InvalidInput
from apps.market.models import Article, Source
from apps.market.perturbing import retell
from apps.market.rows import article_row
from apps.market.services.intake import articles_store
from apps.market.stories import WINDOW
from ml.data.readers import read_records
from ml.linking.evaluation import parse_marked

_RETOLD = 3  # times that each headline is told


class Command(TrefoilCommand):
    help = "Measure precision and recall of pairs of articles that are said to tell the same story."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--file",
            type=Path,
            help='JSONL {"story", "title", "body"}; the sets written for this project unless given',
        )
        parser.add_argument("--seed", type=int, default=1, help="of the retold headlines")

    def run(self, **options: Any) -> dict[str, Any]:
        started = time.monotonic()
        demo = Path(settings.DEMO_DIR)
        sets = {"written": _tellings(options["file"] or demo / "stories" / "clusters.jsonl")}
        if options["file"] is None:
            sets["retold"] = _retold(demo / "linking", random.Random(options["seed"]))  # noqa: S311
        result = {name: _measure(rows) for name, rows in sets.items()}
        header = ["set", "articles", "stories", "precision", "recall", "f1"]
        self.table(
            header,
            [[name, *(part[key] for key in ("n", *header[2:]))] for name, part in result.items()],
        )
        for name, part in result.items():
            for failure in part["failures"]:
                self.stdout.write(f"  {name}, {failure['kind']}: {' | '.join(failure['titles'])}")
        return {
            "task": "stories",
            "f1": min(part["f1"] for part in result.values()),
            "sets": result,
            "seconds": round(time.monotonic() - started, 1),
        }


def _tellings(path: Path) -> list[tuple[str, str, str]]:
    """``(story, title, body)`` of each row; raises ``DataError`` naming the row."""
    rows = [
        (str(record["story"]), str(record["title"]), str(record.get("body") or ""))
        for _, record in read_records(path, ("story", "title"))
    ]
    if not rows:
        raise InvalidInput(f"{path}: has no rows", code="file_empty")
    return rows


def _retold(folder: Path, chance: random.Random) -> list[tuple[str, str, str]]:
    """Headlines without a body, each told ``_RETOLD`` times."""
    rows = []
    for path in sorted(folder.glob("*.jsonl")):
        for number, record in read_records(path, ("text",)):
            title = parse_marked(str(record["text"])).text
            story = f"{path.stem} {number}"
            rows.append((story, title, ""))
            rows += [(story, retell(title, chance), "") for _ in range(_RETOLD - 1)]
    return rows


def _measure(rows: list[tuple[str, str, str]]) -> dict[str, Any]:
    """Store the rows as articles do arrive, compare the stories, and take everything back.

    They are dated long ago, so that no article of this installation is near them.
    """
    oldest = Article.objects.order_by("published_at").values_list("published_at", flat=True).first()
    with transaction.atomic():
        wanted = [
            article_row(
                {
                    "title": title,
                    "body": body,
                    "source": "evaluation of stories",
                    "external_id": f"{number}",
                    "published_at": _long_ago(oldest),
                }
            )
            for number, (_, title, body) in enumerate(rows)
        ]
        outcomes = articles_store(rows=wanted, kind=Source.Kind.ARCHIVE, live=False)
        found = [outcome.repeats or outcome.article_id for outcome in outcomes]
        transaction.set_rollback(True)
    return _pairs([story for story, _, _ in rows], found, [title for _, title, _ in rows])


def _long_ago(oldest: Any) -> str:
    return ((oldest or timezone.now()) - 10 * WINDOW - timedelta(days=1)).isoformat()


def _pairs(expected: list[str], found: list[int], titles: list[str]) -> dict[str, Any]:
    """Pairwise precision, recall and F1 of a clustering, and the pairs that are wrong."""
    same = Counter(expected)
    together = Counter(found)
    both = Counter(zip(expected, found, strict=True))
    right, said, true = (_pair_count(counts) for counts in (both, together, same))
    precision = right / said if said else 1.0
    recall = right / true if true else 1.0
    failures = []
    first: dict[str, int] = {}
    owner: dict[int, int] = {}
    for number, (story, group) in enumerate(zip(expected, found, strict=True)):
        start = first.setdefault(story, number)
        if found[start] != group:
            failures.append({"kind": "missed", "titles": [titles[start], titles[number]]})
        holder = owner.setdefault(group, number)
        if expected[holder] != story:
            failures.append({"kind": "merged", "titles": [titles[holder], titles[number]]})
    return {
        "n": len(expected),
        "stories": len(same),
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "f1": round(2 * precision * recall / (precision + recall), 4) if right else 0.0,
        "failures": failures,
    }


def _pair_count(counts: Counter[Any]) -> int:
    return sum(number * (number - 1) // 2 for number in counts.values())
