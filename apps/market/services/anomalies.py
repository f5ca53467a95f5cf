"""Finds what is unusual in the stored news and tells of it; tunes how it is found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext

from apps.accounts.services import audit_record
from apps.core import events
from apps.core.errors import Conflict, InvalidInput, NotAllowed
from apps.core.jobs import job_start
from apps.core.models import Job
from apps.market.conditions import Stage
from apps.market.detection import Finding, Watcher
from apps.market.models import Anomaly, Article, Detector
from apps.market.payloads import TAPE, anomaly_payload
from apps.market.selectors.anomalies import stories_before
from apps.market.services.meaning import likenesses_now, scores_by_article
from apps.market.services.raising import Known, alerts_raise, descriptions
from apps.market.tuning import LEAST_STORIES, WANTED, Tuned, tune

TUNE_JOB = "market.tune"
KEPT = timedelta(days=30)
NEWS = timedelta(hours=2)
"""What was found in older stories is kept for the page, but nobody is told of it."""

_BOUNDS = (0.001, 10.0)


def anomalies_find() -> int:
    """Judge the news of the last 30 days and store what is unusual and new; returns how many.

    Done again it finds nothing more. The first time that there is enough news, thresholds are
    tuned on it.
    """
    now = timezone.now()
    newest = Article.objects.aggregate(at=Max("scored_at"))["at"]
    if newest is None or Detector.objects.filter(looked_at__gte=newest).exists():
        return 0
    stories = stories_before(at=now)
    thresholds = dict(Detector.objects.values_list("kind", "threshold"))
    if not thresholds:
        if len(stories) < LEAST_STORIES:
            return 0
        thresholds = {one.kind: one.threshold for one in detectors_tune()}
    found = [
        finding for finding in Watcher(thresholds).watch(stories) if now - finding.story.at <= KEPT
    ]
    told = _told_before(found)
    texts = descriptions(stage=Stage.UNUSUAL)
    stored = sum(
        _store(finding, thresholds[finding.kind], texts)
        for finding in found
        if _key(finding) not in told
    )
    Detector.objects.update(looked_at=newest)
    return stored


def _key(finding: Finding) -> tuple[str, int, int]:
    return finding.kind, finding.story.company_id, finding.story.article_id


def _told_before(found: Sequence[Finding]) -> set[tuple[str, int, int]]:
    articles = {finding.story.article_id for finding in found}
    rows = Anomaly.objects.filter(article__in=articles)
    return set(rows.values_list("kind", "company", "article"))


def _store(finding: Finding, threshold: float, texts: Sequence[str]) -> int:
    """Store what is unusual, tell of it and raise its alerts, all or nothing.

    Raises ``Problem`` when a rule about it asks for a meaning and the language layer is away.
    """
    story = finding.story
    news = timezone.now() - story.at <= NEWS
    article = Article.objects.select_related("source").get(pk=story.article_id)
    alike = likenesses_now(articles=[article], texts=texts) if news and article.live else {}
    with transaction.atomic():
        anomaly, created = Anomaly.objects.select_related("company", "article").get_or_create(
            kind=finding.kind,
            company_id=story.company_id,
            article_id=story.article_id,
            defaults={
                "at": story.at,
                "score": finding.score,
                "threshold": threshold,
                "value": finding.value,
                "usual": finding.usual,
                "topic": story.topic,
                "found_at": timezone.now(),
            },
        )
        if created and news:
            events.publish(TAPE, "anomaly.found", anomaly_payload(anomaly))
            if article.live:
                key = (article.pk, story.company_id)
                alerts_raise(
                    articles=[article],
                    scores=scores_by_article(articles=[article]),
                    known=Known(Stage.UNUSUAL, alike, {key: [anomaly]}),
                )
    return int(created)


def detectors_tune(*, wanted: float = WANTED) -> list[Tuned]:
    """Choose each threshold anew on the stored news; what was found with the old ones goes.

    ``wanted`` is how many false alarms of a kind are accepted for each company in 30 days. Raises
    ``InvalidInput`` for a rate out of bounds, ``Conflict`` while there is too little news.
    """
    _check(wanted)
    now = timezone.now()
    stories = stories_before(at=now)
    try:
        tuned = tune(stories, wanted=wanted)
    except ValueError as error:
        raise Conflict(
            "Detection is not tuned: %(error)s.", code="too_few_stories", error=error
        ) from error
    with transaction.atomic():
        for one in tuned:
            Detector.objects.update_or_create(
                kind=one.kind,
                defaults={
                    "threshold": one.threshold,
                    "wanted": wanted,
                    "found": one.found,
                    "false_alarms": one.false_alarms,
                    "reached": one.reached,
                    "stories": len(stories),
                    "tuned_at": now,
                    "looked_at": None,
                },
            )
        Anomaly.objects.all().delete()
    return tuned


def _check(wanted: float) -> None:
    low, high = _BOUNDS
    if not low <= wanted <= high:
        problem = f"between {low} and {high:.0f} for each company in 30 days"
        raise InvalidInput(
            "False alarms are accepted %(problem)s.",
            fields={"false_alarms": problem},
            problem=problem,
        )


def detection_tune_start(*, actor: Any, wanted: float) -> Job:
    """Tune as a job of the actor's. Raises ``NotAllowed`` and ``InvalidInput``."""
    if not actor.has_perm("market.tune_detection"):
        raise NotAllowed("Only analysts tune detection.")
    _check(wanted)
    audit_record(actor=actor, action="detection.tuned", object_type="detection", object_id=0)
    return job_start(
        kind=TUNE_JOB, title=gettext("Tune detection"), owner=actor, arguments={"wanted": wanted}
    )
