"""Alert rules: made, changed and deleted by their owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from apps.accounts.services import audit_record
from apps.core.errors import InvalidInput, NotAllowed, NotFound
from apps.market.conditions import LONGEST, MAX_PHRASES, SHORTEST, phrases_of
from apps.market.meaning import GRID
from apps.market.models import Company, Detector, Rule, Sentiment
from apps.market.topics import TOPICS
from apps.market.wording import rule_name

MAX_RULES = 200
MAX_COOLDOWN = 7 * 24 * 60
SHORTEST_MEANING, LONGEST_MEANING = 5, 200


@dataclass(frozen=True, slots=True)
class RuleInput:
    """The conditions of a rule as a form or the API gives them; empty ones match everything."""

    name: str = ""
    company_id: int | None = None
    sentiment: str = ""
    threshold: float = 0.6
    topic: str = ""
    enabled: bool = True
    cooldown_minutes: int = 0
    sector: str = ""
    watched: bool = False
    words: str = ""
    least_risk: float = 0.0
    least_novelty: float = 0.0
    meaning: str = ""
    least_likeness: float = 0.45
    anomaly: str = ""


def rule_draft(*, wanted: RuleInput, owner: Any, rule: Rule | None = None) -> Rule:
    """``rule`` (or a new one) with the wanted conditions, checked and not saved.

    Raises ``InvalidInput`` naming each field that is off.
    """
    problems: dict[str, str] = {}
    company = Company.objects.filter(id=wanted.company_id).first() if wanted.company_id else None
    if wanted.company_id and company is None:
        problems["company"] = "There is no such company."
    if wanted.sentiment and wanted.sentiment not in Sentiment.values:
        problems["sentiment"] = f"One of {', '.join(Sentiment.values)}."
    if not 0 <= wanted.threshold <= 1:
        problems["threshold"] = "Between 0 and 1."
    if wanted.topic and wanted.topic not in TOPICS:
        problems["topic"] = "There is no such topic."
    if not 0 <= wanted.cooldown_minutes <= MAX_COOLDOWN:
        problems["cooldown_minutes"] = f"Between 0 and {MAX_COOLDOWN} minutes."
    problems |= _group_problems(wanted) | _words_problems(wanted.words)
    problems |= _meaning_problems(wanted)
    for name in ("least_risk", "least_novelty"):
        if not 0 <= getattr(wanted, name) <= 1:
            problems[name] = "Between 0 and 1."
    if not problems and not _narrow(wanted):
        problems["company"] = "Choose a company, a sentiment or a topic; else all news would alert."
    if problems:
        told = " ".join(f"{field}: {problem}" for field, problem in problems.items())
        raise InvalidInput("The rule is not usable. %(told)s", fields=problems, told=told)
    draft = rule or Rule(owner=owner)
    draft.company, draft.sentiment, draft.topic = company, wanted.sentiment, wanted.topic
    draft.threshold, draft.cooldown_minutes = wanted.threshold, wanted.cooldown_minutes
    draft.sector, draft.watched = wanted.sector, wanted.watched
    draft.words = ", ".join(phrases_of(wanted.words))
    draft.least_risk, draft.least_novelty = wanted.least_risk, wanted.least_novelty
    draft.meaning, draft.least_likeness = " ".join(wanted.meaning.split()), wanted.least_likeness
    draft.anomaly = wanted.anomaly
    draft.enabled = wanted.enabled
    draft.name = " ".join(wanted.name.split())[:120] or rule_name(draft)
    return draft


def _narrow(wanted: RuleInput) -> bool:
    """Whether a rule asks for anything that most news does not have."""
    said = (wanted.sentiment, wanted.topic, wanted.sector, wanted.words, wanted.meaning.strip())
    about = (wanted.company_id, wanted.watched, wanted.anomaly, wanted.least_risk)
    return any(said) or any(about)


def _meaning_problems(wanted: RuleInput) -> dict[str, str]:
    problems = {}
    if wanted.meaning and not SHORTEST_MEANING <= len(wanted.meaning.strip()) <= LONGEST_MEANING:
        problems["meaning"] = f"A few words: {SHORTEST_MEANING} to {LONGEST_MEANING} characters."
    if not GRID[0] <= wanted.least_likeness <= GRID[-1]:
        problems["least_likeness"] = f"Between {GRID[0]} and {GRID[-1]}."
    if wanted.anomaly not in ("", Rule.ANY, *Detector.Kind.values):
        problems["anomaly"] = f"One of {', '.join([Rule.ANY, *Detector.Kind.values])}."
    return problems


def _group_problems(wanted: RuleInput) -> dict[str, str]:
    problems = {}
    if wanted.sector and not Company.objects.filter(sector=wanted.sector).exists():
        problems["sector"] = "There is no such sector."
    if wanted.company_id and (wanted.sector or wanted.watched):
        problems["company"] = "One company, or a sector or your watchlist; not both."
    return problems


def _words_problems(words: str) -> dict[str, str]:
    phrases = phrases_of(words)
    if len(phrases) > MAX_PHRASES:
        return {"words": f"At most {MAX_PHRASES} phrases between commas."}
    if any(not SHORTEST <= len(phrase) <= LONGEST for phrase in phrases):
        return {"words": f"Phrases of {SHORTEST} to {LONGEST} characters, between commas."}
    return {"words": "At most 300 characters."} if len(", ".join(phrases)) > 300 else {}


def rule_create(*, actor: Any, wanted: RuleInput) -> Rule:
    """Add a rule of the actor's. Raises ``NotAllowed``, ``InvalidInput``."""
    if not actor.has_perm("market.view_news"):
        raise NotAllowed("Only analysts have rules.")
    rule = rule_draft(wanted=wanted, owner=actor)
    with transaction.atomic():
        if Rule.objects.filter(owner=actor).count() >= MAX_RULES:
            raise InvalidInput(
                "You have %(max_rules)s rules; delete one first.",
                code="rules_full",
                max_rules=MAX_RULES,
            )
        rule.save()
        _audit(actor, "rule.created", rule)
    return rule


def rule_update(*, actor: Any, rule_id: int, wanted: RuleInput) -> Rule:
    """Change a rule of the actor's. Raises ``NotFound``, ``InvalidInput``."""
    with transaction.atomic():
        rule = rule_draft(wanted=wanted, owner=actor, rule=rule_own(actor=actor, rule_id=rule_id))
        rule.save()
        _audit(actor, "rule.changed", rule)
    return rule


def rule_delete(*, actor: Any, rule_id: int) -> None:
    """Delete a rule of the actor's; its alerts stay. Raises ``NotFound``."""
    with transaction.atomic():
        rule = rule_own(actor=actor, rule_id=rule_id)
        _audit(actor, "rule.deleted", rule)
        rule.delete()


def rule_own(*, actor: Any, rule_id: int) -> Rule:
    """The rule, if the actor may change it; raises ``NotFound``."""
    rule = Rule.objects.select_related("company").filter(id=rule_id).first()
    if rule is None or not actor.has_perm("market.change_rule", rule):
        raise NotFound("There is no such rule.")
    return rule


def rule_input(rule: Rule) -> RuleInput:
    """The conditions of a rule as it stands, to be changed in part."""
    return RuleInput(
        name=rule.name,
        company_id=rule.company_id,
        sentiment=rule.sentiment,
        threshold=rule.threshold,
        topic=rule.topic,
        enabled=rule.enabled,
        cooldown_minutes=rule.cooldown_minutes,
        sector=rule.sector,
        watched=rule.watched,
        words=rule.words,
        least_risk=rule.least_risk,
        least_novelty=rule.least_novelty,
        meaning=rule.meaning,
        least_likeness=rule.least_likeness,
        anomaly=rule.anomaly,
    )


def _audit(actor: Any, action: str, rule: Rule) -> None:
    audit_record(actor=actor, action=action, object_type="rule", object_id=rule.pk, name=rule.name)
