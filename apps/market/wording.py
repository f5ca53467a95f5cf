"""Rules in plain words."""

from __future__ import annotations

from apps.market.models import Rule

_ADJECTIVES = {"negative": "bad", "positive": "good", "neutral": "neutral"}


def rule_sentence(rule: Rule) -> str:
    """What the rule does, as a sentence for its owner."""
    subject = rule.company.name if rule.company else "any company"
    topic = f" on {rule.topic}" if rule.topic else ""
    verdict = "comes in"
    if rule.sentiment:
        verdict = f"is {_ADJECTIVES[rule.sentiment]} for it (at least {rule.threshold:.0%} sure)"
    return f"Alert me when news about {subject}{topic} {verdict}, {_rest(rule)}."


def rule_name(rule: Rule) -> str:
    """A short name for a rule that its owner did not name."""
    subject = rule.company.ticker if rule.company else "Any company"
    parts = [subject, rule.sentiment, rule.topic]
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
    per_company = " per company" if rule.sentiment and not rule.company else ""
    return f"once per story and at most once {spell}{per_company}"
