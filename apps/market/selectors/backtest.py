"""What a rule would have done: the scores of the last days replayed against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from apps.market.conditions import phrases_of, words_hold
from apps.market.meaning import LEAST_ARCHIVE, Chance
from apps.market.models import Anomaly, Article, Rule, Score, WatchedCompany
from apps.market.selectors.lead import Lead, lead_time
from apps.market.selectors.meanings import Alike, likenesses_since
from apps.market.selectors.tape import topic_is
from apps.market.text_index import phrase_candidates


@dataclass(frozen=True, slots=True)
class Example:
    """An article that would have raised an alert; of a rule about meaning, its passage."""

    article: Article
    passage: str = ""
    likeness: float = 0.0

    @property
    def title(self) -> str:
        return self.article.title


@dataclass(frozen=True, slots=True)
class Sense:
    """How many stories a description finds, and how many of them by chance.

    ``stories`` are those that all else of the rule holds for, ``unread`` of them are not read yet;
    ``found`` reach the rule's likeness, ``by_chance`` would of stories about something else.
    ``proposed`` (``None``: too small an archive) is the least likeness that about one reaches by
    chance, ``then_found`` and ``then_by_chance`` what it would find.
    """

    stories: int
    unread: int
    found: int
    by_chance: float | None
    proposed: float | None
    then_found: int
    then_by_chance: float | None


@dataclass(frozen=True, slots=True)
class RuleHistory:
    """What a rule would have done in the last ``days``.

    ``alerts`` it would have raised; ``repeats`` are matches of a story that had its alert already,
    ``rested`` those that came while it rested; ``examples`` the newest articles that would have
    raised one. ``lead`` is how far its alerts were ahead of other sources. ``sense`` is there for a
    rule about meaning. ``wrong`` is how many of the alerts are about another sentiment than the
    rule's, as far as the model's calibrated probabilities tell (``None``: it asks for none).
    """

    days: int
    alerts: int
    repeats: int
    rested: int
    examples: list[Example]
    lead: Lead
    sense: Sense | None = None
    wrong: float | None = None

    @property
    def a_week(self) -> float:
        return self.alerts * 7 / self.days

    @property
    def suppressed(self) -> int:
        return self.repeats + self.rested


@dataclass(frozen=True, slots=True)
class Row:
    """A score that all but the meaning of a rule holds for."""

    article: int
    story: int
    company: int | None
    at: datetime
    doubt: float = 0.0


def rule_history(*, rule: Rule, days: int = 30, examples: int = 3) -> RuleHistory:
    """Replay the scores of the last ``days`` against ``rule``, by the rules of raising alerts.

    One alert per story and company, and a rest of ``cooldown_minutes`` per company, counted from
    when the articles were published. Raises ``Problem`` when the rule asks for a meaning and the
    language layer cannot answer.
    """
    since = timezone.now() - timedelta(days=days)
    rows = list(_rows(rule, since))
    alike = sense = None
    if rule.meaning:
        alike = likenesses_since(description=rule.meaning, since=since - timedelta(days=3))
        sense = _sense(rule, rows, alike)
        rows = [row for row in rows if _likeness(row, alike) >= rule.least_likeness]
    raised, repeats, rested = replayed(rule, rows)
    shown = list({row.article: row for row in reversed(raised)}.values())[:examples]
    articles = Article.objects.select_related("source").in_bulk([row.article for row in shown])
    told = [_example(articles[row.article], row, alike) for row in shown]
    lead = lead_time([(row.story, row.at) for row in raised])
    wrong = round(sum(row.doubt for row in raised), 1) if rule.sentiment else None
    return RuleHistory(days, len(raised), repeats, rested, told, lead, sense, wrong)


def _rows(rule: Rule, since: datetime) -> Iterator[Row]:
    told_of = ("article__title", "article__body") if rule.words else ()
    found = _matched(rule, since).order_by("published_at", "article_id")
    sure = rule.sentiment or "neutral"  # read of every rule, told of those about a sentiment
    rows = found.values_list(
        "article_id", "article__story_id", "company_id", "published_at", sure, *told_of
    )
    for article, first, company, at, probability, *texts in rows:
        if words_hold(rule.words, "\n".join(texts)):
            yield Row(article, first or article, company, at, 1.0 - probability)


def replayed(rule: Rule, rows: list[Row]) -> tuple[list[Row], int, int]:
    """The rows that raise an alert, and how many repeat a story or come while the rule rests."""
    rest = timedelta(minutes=rule.cooldown_minutes)
    told: set[tuple[int, int | None]] = set()
    last: dict[int | None, datetime] = {}
    raised: list[Row] = []
    repeats = rested = 0
    for row in rows:
        if (row.story, row.company) in told:
            repeats += 1
        elif row.company in last and row.at - last[row.company] < rest:
            rested += 1
        else:
            told.add((row.story, row.company))
            last[row.company] = row.at
            raised.append(row)
    return raised, repeats, rested


def _likeness(row: Row, alike: Alike) -> float:
    """The likeness of an article, else that of its story; -1 when neither was read."""
    return alike.values.get(row.article, alike.values.get(row.story, -1.0))


def _example(article: Article, row: Row, alike: Alike | None) -> Example:
    if alike is None:
        return Example(article)
    read = row.article if row.article in alike.values else row.story
    return Example(article, alike.passage(read), alike.values[read])


def _sense(rule: Rule, rows: list[Row], alike: Alike) -> Sense:
    stories = {row.story: _likeness(row, alike) for row in rows}
    read = [value for value in stories.values() if value >= -0.99]

    def reach(threshold: float) -> int:
        return sum(value >= threshold for value in read)

    unread, found = len(stories) - len(read), reach(rule.least_likeness)
    if len(alike.values) < LEAST_ARCHIVE:
        return Sense(len(stories), unread, found, None, None, 0, None)
    archive = np.fromiter(alike.values.values(), dtype=np.float32)
    chance = replace(Chance.of(archive), number=len(read))
    proposed = chance.propose()
    return Sense(
        stories=len(stories),
        unread=unread,
        found=found,
        by_chance=round(chance.expected(rule.least_likeness), 2),
        proposed=proposed,
        then_found=reach(proposed),
        then_by_chance=round(chance.expected(proposed), 2),
    )


def _matched(rule: Rule, since: datetime) -> QuerySet[Score]:
    """The scores since then that ``rule`` looks at and that all but its words and meaning holds
    for."""
    matched = Score.objects.filter(published_at__gte=since)
    if rule.words and (known := phrase_candidates(phrases_of(rule.words))) is not None:
        matched = matched.filter(article__in=known)
    if rule.company_id:
        matched = matched.filter(company=rule.company_id)
    elif rule.sector or rule.watched or rule.anomaly:
        matched = matched.filter(company__isnull=False)
    elif rule.sentiment:
        others = Score.objects.filter(article=OuterRef("article"), company__isnull=False)
        matched = matched.filter(~Exists(others) | Q(company__isnull=False))
    else:
        matched = matched.filter(company=None)
    if rule.topic:
        matched = matched.filter(topic_is(rule.topic))
    if rule.sentiment:
        matched = matched.filter(**{f"{rule.sentiment}__gte": rule.threshold})
    if rule.anomaly:
        matched = matched.filter(_unusual(rule))
    return _of_circle(rule, matched).filter(
        risk__gte=rule.least_risk, novelty__gte=rule.least_novelty
    )


def _of_circle(rule: Rule, scores: QuerySet[Score]) -> QuerySet[Score]:
    if rule.sector:
        scores = scores.filter(company__sector=rule.sector)
    if rule.watched:
        own = WatchedCompany.objects.filter(owner=rule.owner_id).values("company")
        scores = scores.filter(company__in=own)
    return scores


def _unusual(rule: Rule) -> Exists:
    """What detection has found in the archive with its present thresholds."""
    kind: dict[str, Any] = {} if rule.anomaly == Rule.ANY else {"kind": rule.anomaly}
    return Exists(
        Anomaly.objects.filter(article=OuterRef("article"), company=OuterRef("company"), **kind)
    )
