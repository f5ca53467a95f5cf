"""Where an article's scores come from: models, versions, weights, and who decided what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.market.models import Article, Company, LinkCorrection, PastScore, Score
from apps.market.review_models import subject_of
from apps.modelhub.models import LabelledExample


@dataclass(frozen=True, slots=True)
class Origin:
    """A score of the article (no ``company``) or of a company in it, and what it was made of.

    The weights are those of the moment of scoring. ``until`` is set where it was replaced since.
    """

    company: Company | None
    negative: float
    positive: float
    relevance: float
    novelty: float
    source_weight: float
    known_at: datetime
    until: datetime | None
    versions: Mapping[str, str]

    @property
    def net(self) -> float:
        return self.positive - self.negative

    def payload(self) -> dict[str, Any]:
        return {
            "company": self.company.pk if self.company else None,
            "negative": self.negative,
            "positive": self.positive,
            "relevance": self.relevance,
            "novelty": self.novelty,
            "source_weight": self.source_weight,
            "known_at": self.known_at.isoformat(),
            "until": self.until.isoformat() if self.until else None,
            "versions": dict(self.versions),
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person said of a score: ``before`` is what the models had said."""

    at: datetime
    by: str
    what: str
    before: str
    after: str

    def payload(self) -> dict[str, Any]:
        return {
            "at": self.at.isoformat(),
            "by": self.by,
            "what": self.what,
            "before": self.before,
            "after": self.after,
        }


def origins_of(*, article: Article) -> list[Origin]:
    """The scores that hold, the article's own first, then those that were replaced, newest first.

    Of those of a company alone what was replaced is kept.
    """
    present = Score.objects.filter(article=article).select_related("company").order_by("id")
    past = PastScore.objects.filter(article=article).select_related("company").order_by("-until")
    return [
        *(_origin(score, None) for score in present),
        *(_origin(score, score.until) for score in past),
    ]


def _origin(score: Score | PastScore, until: datetime | None) -> Origin:
    return Origin(
        score.company,
        score.negative,
        score.positive,
        score.relevance,
        score.novelty,
        score.source_weight,
        score.known_at,
        until,
        score.versions,
    )


def decisions_on(*, article: Article) -> list[Decision]:
    """What people said of an article's scores and companies, the newest first."""
    companies = {one.company_id: one.company for one in article.scores.select_related("company")}
    asked = {subject_of(article.pk, "topic", None): "topic"}
    for key, company in companies.items():
        named = f"sentiment, {company.ticker}" if company else "sentiment"
        asked[subject_of(article.pk, "sentiment", key)] = named
    found = LabelledExample.objects.filter(subject__in=asked).select_related("actor")
    said = [
        Decision(one.updated_at, _name(one.actor), asked[one.subject], one.old_label, one.new_label)
        for one in found
    ]
    links = LinkCorrection.objects.filter(article=article)
    said += [
        Decision(
            one.corrected_at,
            _name(one.corrected_by),
            "company",
            one.company.ticker,
            one.meant.ticker if one.meant else "none",
        )
        for one in links.select_related("company", "meant", "corrected_by")
    ]
    return sorted(said, key=lambda one: one.at, reverse=True)


def _name(person: Any) -> str:
    return str(person.display_name) if person else ""
