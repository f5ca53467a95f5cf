"""Silences: made, and ended early, by their owner; they keep that person's alerts quiet."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.services import audit_record
from apps.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from apps.market.models import Alert, Company, Rule, Silence, WatchedCompany
from apps.market.topics import TOPICS

LONGEST = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class SilenceInput:
    """A silence as a form or the API gives it; without ``starts_at`` it begins now."""

    kind: str
    ends_at: datetime
    reason: str
    starts_at: datetime | None = None
    rule_id: int | None = None
    company_id: int | None = None
    sector: str = ""
    topic: str = ""


def silence_create(*, actor: Any, wanted: SilenceInput) -> Silence:
    """Keep alerts of the actor's quiet for a time.

    Raises ``NotAllowed``, and ``InvalidInput`` naming each field that is off.
    """
    if not actor.has_perm("market.view_news"):
        raise NotAllowed("Only analysts have silences.")
    problems: dict[str, str] = {}
    silence = Silence(owner=actor, kind=wanted.kind, reason=" ".join(wanted.reason.split()))
    _set_subject(silence, wanted, problems)
    silence.starts_at = wanted.starts_at or timezone.now()
    silence.ends_at = wanted.ends_at
    if not 1 <= len(silence.reason) <= 300:
        problems["reason"] = "Say why, in 1 to 300 characters."
    if silence.ends_at <= max(silence.starts_at, timezone.now()):
        problems["ends_at"] = "Ends after it starts, and after now."
    elif silence.ends_at - silence.starts_at > LONGEST:
        problems["ends_at"] = f"At most {LONGEST.days} days."
    if problems:
        told = " ".join(f"{field}: {problem}" for field, problem in problems.items())
        raise InvalidInput("The silence is not usable. %(told)s", fields=problems, told=told)
    with transaction.atomic():
        silence.save()
        _audit(actor, "silence.started", silence)
    return silence


def _set_subject(silence: Silence, wanted: SilenceInput, problems: dict[str, str]) -> None:
    kinds = Silence.Kind
    if wanted.kind not in kinds.values:
        problems["kind"] = f"One of {', '.join(kinds.values)}."
    elif wanted.kind == kinds.RULE:
        silence.rule = Rule.objects.filter(id=wanted.rule_id or 0, owner=silence.owner).first()
        if silence.rule is None:
            problems["rule"] = "You have no such rule."
    elif wanted.kind == kinds.COMPANY:
        silence.company = Company.objects.filter(id=wanted.company_id or 0).first()
        if silence.company is None:
            problems["company"] = "There is no such company."
    elif wanted.kind == kinds.SECTOR:
        silence.sector = wanted.sector
        if not wanted.sector or not Company.objects.filter(sector=wanted.sector).exists():
            problems["sector"] = "There is no such sector."
    elif wanted.kind == kinds.TOPIC:
        silence.topic = wanted.topic
        if wanted.topic not in TOPICS:
            problems["topic"] = "There is no such topic."


def silence_end(*, actor: Any, silence_id: int) -> Silence:
    """End a silence of the actor's now. Raises ``NotFound``, ``Conflict`` when it is over."""
    with transaction.atomic():
        silence = Silence.objects.select_for_update().filter(id=silence_id).first()
        if silence is None or not actor.has_perm("market.change_silence", silence):
            raise NotFound("There is no such silence.")
        now = timezone.now()
        if silence.ends_at <= now:
            raise Conflict("This silence is over already.", code="silence_over")
        silence.starts_at, silence.ends_at = min(silence.starts_at, now), now
        silence.ended_early = True
        silence.save(update_fields=["starts_at", "ends_at", "ended_early"])
        _audit(actor, "silence.ended", silence)
    return silence


def owners_silencing(*, owners: Collection[int]) -> set[int]:
    """Those of ``owners`` who have a silence now; no other's alert falls under one."""
    now = timezone.now()
    active = Silence.objects.filter(owner__in=owners, starts_at__lte=now, ends_at__gt=now)
    return set(active.values_list("owner_id", flat=True))


def silence_of(*, alert: Alert, at: datetime) -> Silence | None:
    """The silence that an alert falls under, the one that ends last when there are several.

    An alert about an article as a whole falls under one of companies when that covers every company
    in it: news about a silenced company and another one rings.
    """
    about = Q(topic=alert.topic, kind=Silence.Kind.TOPIC)
    if alert.rule_id is not None:
        about |= Q(rule=alert.rule_id)
    companies = _companies_of(alert)
    if len(companies) == 1:
        about |= Q(company=companies[0])
    if len(sectors := {company.sector for company in companies}) == 1:
        about |= Q(sector=sectors.pop(), kind=Silence.Kind.SECTOR)
    if companies:
        about |= Q(kind=Silence.Kind.WATCHLIST)
    active = Silence.objects.filter(about, owner=alert.owner_id, starts_at__lte=at, ends_at__gt=at)
    for silence in active.order_by("-ends_at", "-id"):
        if silence.kind != Silence.Kind.WATCHLIST or _are_watched(alert, companies):
            return silence
    return None


def _companies_of(alert: Alert) -> list[Company]:
    if alert.company is not None:
        return [alert.company]
    return list(Company.objects.filter(scores__article=alert.article_id).distinct())


def _are_watched(alert: Alert, companies: Collection[Company]) -> bool:
    watched = WatchedCompany.objects.filter(owner=alert.owner_id, company__in=companies)
    return watched.count() == len(companies)


def _audit(actor: Any, action: str, silence: Silence) -> None:
    audit_record(
        actor=actor,
        action=action,
        object_type="silence",
        object_id=silence.pk,
        kind=silence.kind,
        about=silence.about,
    )
