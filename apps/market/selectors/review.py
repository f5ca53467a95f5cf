"""Verdicts of which the model is unsure and that nobody has decided yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from apps.market.models import ReviewSkip, Score
from apps.market.review_models import subject_of
from apps.modelhub.models import LabelledExample
from ml.data.targeting import TARGETED_TASK

DAYS = 14
_READ = 400
_LOOKED_AT = 4000


@dataclass(frozen=True, slots=True)
class Review:
    """An unsure sentiment: of an article as a whole, or of one company of several in it."""

    score: Score
    subject: str

    @property
    def sentence(self) -> str:
        """The sentence of the body that speaks most, empty where there is none."""
        told = [one for one in self.score.passages if one[0] == "body"]
        if not told:
            return ""
        _, start, end, *_ = max(told, key=lambda one: abs(one[5] - one[3]))
        return self.score.article.body[start:end]


def review_list(*, limit: int = 20) -> list[Review]:
    """What waits for review, the riskiest of each day first, the newest day on top."""
    found = [Review(score, subject_of(*_what(score))) for score in _unsure()[:_READ]]
    decided = _decided([one.subject for one in found])
    waiting = [one for one in found if one.subject not in decided]
    waiting.sort(key=lambda one: (one.score.published_at.date(), one.score.risk), reverse=True)
    return waiting[:limit]


def review_count() -> int:
    """How many of the newest unsure verdicts wait (at most 400 are looked at)."""
    return len(review_list(limit=_READ))


def _what(score: Score) -> tuple[int, str, int | None]:
    return score.article_id, "sentiment", score.company_id


def _unsure() -> QuerySet[Score]:
    """Each sentiment once: a company that an article names alone has the article's own."""
    since = timezone.now() - timedelta(days=DAYS)
    unsure = Score.objects.filter(confident=False, published_at__gte=since)
    # First the newest of these, by their index: of many articles most are no repeats, which is
    # where a planner might begin.
    newest = unsure.order_by("-published_at").values("id")[:_LOOKED_AT]
    rows = Score.objects.filter(id__in=newest, article__story=None)
    rows = rows.filter(company=None) | rows.filter(versions__has_key=TARGETED_TASK)
    return rows.select_related("article__source", "company").order_by("-published_at", "id")


def _decided(subjects: Sequence[str]) -> set[str]:
    skipped = ReviewSkip.objects.filter(subject__in=subjects)
    labelled = LabelledExample.objects.filter(subject__in=subjects)
    return {
        *skipped.values_list("subject", flat=True),
        *labelled.values_list("subject", flat=True),
    }
