"""Rules in plain words."""

from __future__ import annotations

from apps.market.conditions import phrases_of
from apps.market.models import Detector, Rule

_ADJECTIVES = {"negative": "bad", "positive": "good", "neutral": "neutral"}


def rule_sentence(rule: Rule) -> str:
    """What the rule does, as a sentence for its owner."""
    topic = f" on {rule.topic}" if rule.topic else ""
    verdict = "comes in"
    if rule.sentiment:
        verdict = f"is {_ADJECTIVES[rule.sentiment]} for it (at least {rule.threshold:.0%} sure)"
    if rule.anomaly:
        verdict += f" and is unusual for it{_kind(rule)}"
    subject = _subject(rule)
    return f"Alert me when {_news(rule)} about {subject}{topic} {verdict}, {_rest(rule)}."


def _kind(rule: Rule) -> str:
    if rule.anomaly == Rule.ANY:
        return ""
    return f" ({Detector.Kind(rule.anomaly).label.lower()})"


def _subject(rule: Rule) -> str:
    if rule.company:
        return rule.company.name
    sector = f" in {rule.sector}" if rule.sector else ""
    return f"any company{sector}{' on my watchlist' if rule.watched else ''}"


def _news(rule: Rule) -> str:
    """The news that is asked for, by its words, risk and novelty."""
    least = []
    if rule.least_risk:
        least.append(f"of at least {rule.least_risk:.0%} risk")
    if rule.least_novelty:
        least.append(f"at least {rule.least_novelty:.0%} new")
    if rule.meaning:
        least.append(f"like “{rule.meaning}” (at least {rule.least_likeness:.0%} alike)")
    words = " or ".join(f"“{phrase}”" for phrase in phrases_of(rule.words))
    said = f"with {words}" if words else ""
    return " ".join(["news", *([", ".join(least)] if least else []), *([said] if said else [])])


def rule_name(rule: Rule) -> str:
    """A short name for a rule that its owner did not name."""
    subject = rule.company.ticker if rule.company else rule.sector or "Any company"
    watched = "watchlist" if rule.watched else ""
    risk = f"risk {rule.least_risk:.0%}" if rule.least_risk else ""
    unusual = "unusual" if rule.anomaly == Rule.ANY else rule.anomaly
    said = (rule.sentiment, rule.topic, rule.words, rule.meaning, unusual, risk)
    parts = [subject, watched, *said]
    return " · ".join(part for part in parts if part)[:120]


def _rest(rule: Rule) -> str:
    minutes = rule.cooldown_minutes
    if not minutes:
        return "once per story"
    hours, rest = divmod(minutes, 60)
    if rest:
        spell = "a minute" if minutes == 1 else f"in {minutes} minutes"
    else:
        spell = "an hour" if hours == 1 else f"in {hours} hours"
    per_company = " per company" if (rule.sentiment or rule.anomaly) and not rule.company else ""
    return f"once per story and at most once {spell}{per_company}"
