"""How long does it take to find the story of an article among 100,000 stored ones?

The articles are stored with their fingerprints in a database of their own, all within the window
in which a story may be repeated; then new ones are looked up one by one, half of them retold and
half of them new. A lookup is what intake does: words, fingerprint, candidates, full comparison.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

import numpy as np

LOOKUPS, _CHUNK = 500, 2000
_ALPHABET = "bcdfglmnprstv"


def _vocabulary(chance: random.Random, size: int = 20_000) -> list[str]:
    """Made-up words, so that no text of others is needed."""
    words: set[str] = set()
    while len(words) < size:
        parts = (
            chance.choice(_ALPHABET) + chance.choice("aeiou") for _ in range(chance.choice((2, 3)))
        )
        words.add("".join(parts) + chance.choice(("", "n", "r", "s")))
    return sorted(words)


def _articles(chance: random.Random) -> Iterator[tuple[str, str]]:
    """Headlines of about 9 and bodies of about 30 words, frequent as words of a language are."""
    words = _vocabulary(chance)
    weights = np.cumsum(1 / np.arange(10, len(words) + 10)).tolist()
    while True:
        told = chance.choices(words, cum_weights=weights, k=chance.randrange(30, 48))
        number = str(chance.randrange(1, 999))
        yield " ".join([told[0].title(), *told[1:8], number]), " ".join(told[8:])


def _prepare_database(folder: str) -> None:
    os.environ["TREFOIL_VAR"] = folder
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def _fill(number: int, articles: Iterator[tuple[str, str]], chance: random.Random) -> None:
    """Store ``number`` articles of the last two days with their fingerprints."""
    from django.utils import timezone

    from apps.market.models import Article, Source
    from apps.market.rows import ArticleRow
    from apps.market.services.prints import prints_store
    from apps.market.stories import prepare

    now = timezone.now()
    source = Source.objects.create(name="bench", kind=Source.Kind.API)
    for start in range(0, number, _CHUNK):
        parts = []
        for index, (title, body) in enumerate(islice(articles, min(_CHUNK, number - start))):
            at = now - timedelta(minutes=chance.randrange(1, 2800))
            row = ArticleRow("bench", f"b{start + index}", "", title, body, at)
            parts.append(prepare(row, at))
        stored = Article.objects.bulk_create(
            Article(
                source=source,
                external_id=part.row.external_id,
                title=part.row.title,
                body=part.row.body,
                content_hash=part.content_hash,
                published_at=part.published_at,
                received_at=now,
                status=Article.Status.SCORED,
            )
            for part in parts
        )
        prints_store(told=zip(stored, parts, strict=True))
        sys.stderr.write(f"\r{start + len(parts)} of {number} stored")
    sys.stderr.write("\n")


def _look_up(articles: Iterator[tuple[str, str]], chance: random.Random) -> dict[str, Any]:
    from django.utils import timezone

    from apps.market.models import Article
    from apps.market.perturbing import retell
    from apps.market.rows import ArticleRow
    from apps.market.stories import StoryFinder, prepare

    now = timezone.now()
    ids = chance.sample(range(1, Article.objects.count() + 1), LOOKUPS // 2)
    retold = [
        (article.pk, retell(article.title, chance), article.body)
        for article in Article.objects.filter(id__in=ids)
    ]
    wanted = [*retold, *((None, title, body) for title, body in islice(articles, LOOKUPS // 2))]
    chance.shuffle(wanted)
    milliseconds, right = [], 0
    for expected, title, body in wanted:
        started = time.perf_counter()
        part = prepare(ArticleRow("bench", "new", "", title, body, now), now)
        found = StoryFinder.among_stored([part]).find(part)
        milliseconds.append(1000 * (time.perf_counter() - started))
        right += (found.pk if found else None) == expected
    p50, p95, p99 = np.percentile(milliseconds, (50, 95, 99))
    return {
        "lookups": len(wanted),
        "right": right / len(wanted),
        "p50_ms": round(float(p50), 2),
        "p95_ms": round(float(p95), 2),
        "p99_ms": round(float(p99), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="trefoil-bench-") as folder:
        _prepare_database(folder)
        chance = random.Random(1)
        articles = _articles(chance)
        _fill(options.articles, articles, chance)
        result = {
            "bench": "near_duplicates",
            "articles": options.articles,
            **_look_up(articles, chance),
        }
    for name, value in result.items():
        sys.stdout.write(f"{name:12} {value}\n")
    if options.json:
        sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
