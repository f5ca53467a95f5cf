"""JSON for sockets and pages; touches no database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from apps.accounts.models import User
from apps.market.models import Alert, Anomaly, Article, Company, Score
from apps.market.pooling import SURE
from apps.market.reasons import anomaly_measured, reason_words

TAPE = "market.tape"


def alert_stream(user_id: int) -> str:
    """The stream of one analyst's alerts."""
    return f"market.alerts.{user_id}"


def sentiment_payload(score: Score) -> dict[str, Any]:
    return {
        "label": score.label,
        "confident": score.confident,
        "confidence": round(score.confidence, 4),
        "net": round(score.net, 4),
        "negative": round(score.negative, 4),
        "neutral": round(score.neutral, 4),
        "positive": round(score.positive, 4),
    }


def company_payload(company: Company) -> dict[str, Any]:
    return {"id": company.pk, "ticker": company.ticker, "name": company.name}


def person_payload(person: User) -> dict[str, Any]:
    return {"id": person.pk, "name": person.display_name}


def split_scores(scores: Iterable[Score]) -> tuple[Score | None, list[Score]]:
    """The score of the article as a whole (``None`` when there is none), and those of companies."""
    whole, targeted = None, []
    for score in scores:
        if score.company_id is None:
            whole = score
        else:
            targeted.append(score)
    return whole, targeted


def tape_payload(
    article: Article, scores: Sequence[Score], *, similar: int, named: Sequence[tuple[int, int]]
) -> dict[str, Any]:
    """A row of the tape; the scores come with their companies, which are ``named`` (from where to
    where) in the headline."""
    whole, targeted = split_scores(scores)
    return {
        "id": article.pk,
        "story": article.story_key,
        "title": article.title,
        "named": [[start, end] for start, end in named],
        "source": article.source.name,
        "published_at": article.published_at.isoformat(),
        "received_at": article.received_at.isoformat(),
        "correction": article.correction,
        "revision": article.revision,
        "similar": similar,
        "novelty": round(article.novelty, 4),
        "topic": whole.topic if whole else "",
        "topics": whole.topics if whole else [],
        "risk": round(max((score.risk for score in scores), default=0.0), 4),
        "sentiment": sentiment_payload(whole) if whole else None,
        "companies": [
            {
                **company_payload(score.company),
                "sector": score.company.sector,
                "sentiment": sentiment_payload(score),
            }
            for score in targeted
            if score.company is not None
        ],
    }


def repeat_payload(story_id: int, similar: int) -> dict[str, Any]:
    """A story that was told once more; ``similar`` counts its repeats so far."""
    return {"story": story_id, "similar": similar}


def alert_payload(alert: Alert) -> dict[str, Any]:
    """An alert with the headline that raised it; ``similar`` counts how often it was told since.

    That number is there when the alert was read by a selector; a new alert has none. ``company`` is
    the one that the alert is about, ``companies`` are those in its article with their sentiments.
    """
    return {
        "id": alert.pk,
        "rule": {"id": alert.rule_id, "name": alert.rule_name},
        "article": {
            "id": alert.article_id,
            "title": alert.article.title,
            "source": alert.article.source.name,
            "published_at": alert.article.published_at.isoformat(),
        },
        "story": alert.story_id,
        "similar": getattr(alert, "similar", 0),
        "company": company_payload(alert.company) if alert.company else None,
        "companies": [
            {**company_payload(score.company), "sentiment": sentiment_payload(score)}
            for score in alert.article.targeted
            if score.company is not None
        ],
        "label": alert.label,
        "probability": round(alert.probability, 4),
        "confident": alert.probability >= SURE,
        "topic": alert.topic,
        "state": alert.state,
        "correction": alert.correction.correction if alert.correction else "",
        "created_at": alert.created_at.isoformat(),
        "acknowledged_at": alert.acknowledged_at.isoformat() if alert.acknowledged_at else None,
        "resolved_at": alert.resolved_at.isoformat() if alert.resolved_at else None,
        "comment": alert.comment,
        "verdict": alert.verdict,
        "assignee": person_payload(alert.assignee) if alert.assignee else None,
        "resolution": alert.resolution,
        "escalated_at": alert.escalated_at.isoformat() if alert.escalated_at else None,
        "quiet": alert.quiet,
        "held_until": alert.held_until.isoformat() if alert.held_until else None,
        "reasons": alert.reasons,
        "because": reason_words(alert.reasons),
    }


def anomaly_payload(anomaly: Anomaly) -> dict[str, Any]:
    """Something unusual about a company, with the story that showed it."""
    return {
        "id": anomaly.pk,
        "kind": anomaly.kind,
        "kind_label": anomaly.get_kind_display(),
        "company": company_payload(anomaly.company),
        "article": {"id": anomaly.article_id, "title": anomaly.article.title},
        "at": anomaly.at.isoformat(),
        **anomaly_measured(anomaly),
    }
