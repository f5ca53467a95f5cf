"""Rules in plain words."""

from __future__ import annotations

from apps.market.models import Rule

_ADJECTIVES = {"negative": "bad", "positive": "good", "neutral": "neutral"}


def rule_sentence(rule: Rule) -> str:
    """What the rule does, as a sentence for its owner."""
    subject = rule.company.name if rule.company else "any company"
    topic = f" about {rule.topic}" if rule.topic else ""
    sentence = f"Alert me to news on {subject}{topic}"
    if rule.sentiment:
        sure = f"{rule.threshold:.0%}"
        sentence += (
            f" that is {_ADJECTIVES[rule.sentiment]} for it with a probability of at least {sure}"
        )
    return f"{sentence}, {_rest(rule.cooldown_minutes)}."


def rule_name(rule: Rule) -> str:
    """A short name for a rule that its owner did not name."""
    subject = rule.company.ticker if rule.company else "Any company"
    parts = [subject, rule.sentiment, rule.topic]
    return " · ".join(part for part in parts if part)[:120]


def _rest(minutes: int) -> str:
    if not minutes:
        return "once per story"
    if minutes % 60 == 0:
        hours = minutes // 60
        spell = "an hour" if hours == 1 else f"{hours} hours"
    else:
        spell = "a minute" if minutes == 1 else f"{minutes} minutes"
    return f"once per story and at most once in {spell} per company"
