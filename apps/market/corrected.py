"""Which earlier article a correction or a retraction is about."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet

from apps.market.models import Article
from apps.market.text import content_words

if TYPE_CHECKING:
    from apps.market.stories import Prepared

CORRECTS = 0.27
"""The overlap from which a correction is about an earlier article (see :func:`overlap`)."""

_WINDOW = timedelta(days=3)
_READ = 500  # articles that are compared: the newest, then the newest that share a name
_SHORTEST = 3  # letters or digits of a name or number that is looked for in headlines


def overlap(left: set[str], right: set[str], frequency: Mapping[str, int], texts: int) -> float:
    """The shared words' weight over the lighter text's, a rare word weighing more; in [0, 1]."""

    def weight(words: Iterable[str]) -> float:
        return sum(math.log((2 + texts) / (1 + frequency[word])) for word in words)

    lighter = min(weight(left), weight(right))
    return weight(left & right) / lighter if lighter > 0 else 0.0


@dataclass(slots=True)
class CorrectedFinder:
    """Finds what the corrections of a chunk are about; each article is read once for all of them.

    ``words`` are those of the articles that were read, by id.
    """

    words: dict[int, set[str]] = field(default_factory=dict)

    def find(self, part: Prepared) -> Article | None:
        """The article of the three days before ``part`` with the most words in common.

        Of many articles the newest are compared, and where none is meant, those before them whose
        headline has a name or number of the correction's.
        """
        before = Article.objects.filter(
            published_at__range=(part.published_at - _WINDOW, part.published_at), correction=""
        ).order_by("-published_at", "-id")
        newest = self._read(before)
        frequency = Counter(word for words in newest.values() for word in words)
        found = _most_alike(part, newest, frequency, len(newest))
        if found is None and len(newest) == _READ:
            shared = Q()
            for fact in part.facts:
                if len(fact) >= _SHORTEST:
                    shared |= Q(title__icontains=fact)
            others = self._read(before.filter(shared)) if shared else {}
            found = _most_alike(part, others, frequency, len(newest))
        return Article.objects.get(pk=found) if found is not None else None

    def _read(self, articles: QuerySet[Article]) -> dict[int, set[str]]:
        ids = list(articles.values_list("id", flat=True)[:_READ])
        missing = [key for key in ids if key not in self.words]
        rows = Article.objects.filter(id__in=missing).values_list("id", "title", "body")
        self.words |= {key: set(content_words(title, body)) for key, title, body in rows}
        return {key: self.words[key] for key in ids}


def _most_alike(
    part: Prepared, articles: Mapping[int, set[str]], frequency: Mapping[str, int], texts: int
) -> int | None:
    mine = set(part.words)
    scored = ((overlap(mine, words, frequency, texts), -key) for key, words in articles.items())
    best = max(scored, default=None)
    return -best[1] if best is not None and best[0] >= CORRECTS else None
