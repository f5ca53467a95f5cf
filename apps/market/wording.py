"""Rules in plain words."""

from __future__ import annotations

from django.utils.translation import gettext, gettext_lazy

from apps.market.conditions import phrases_of
from apps.market.models import Detector, Rule

_VERDICTS = {
    "negative": gettext_lazy("is bad for it (at least %(share)s sure)"),
    "positive": gettext_lazy("is good for it (at least %(share)s sure)"),
    "neutral": gettext_lazy("is neutral for it (at least %(share)s sure)"),
}


_RESTS = {
    (True, False): (
        gettext_lazy("once per story and at most once a minute"),
        gettext_lazy("once per story and at most once in %(n)s minutes"),
    ),
    (True, True): (
        gettext_lazy("once per story and at most once a minute per company"),
        gettext_lazy("once per story and at most once in %(n)s minutes per company"),
    ),
    (False, False): (
        gettext_lazy("once per story and at most once an hour"),
        gettext_lazy("once per story and at most once in %(n)s hours"),
    ),
    (False, True): (
        gettext_lazy("once per story and at most once an hour per company"),
        gettext_lazy("once per story and at most once in %(n)s hours per company"),
    ),
}
"""How often a rule rings: by whether it rests for minutes, and for each company; one or many."""


def rule_sentence(rule: Rule) -> str:
    """What the rule does, as a sentence for its owner."""
    topic = gettext(" on %(topic)s") % {"topic": gettext(rule.topic)} if rule.topic else ""
    verdict = gettext("comes in")
    if rule.sentiment:
        verdict = str(_VERDICTS[rule.sentiment]) % {"share": f"{rule.threshold:.0%}"}
    if rule.anomaly:
        verdict += gettext(" and is unusual for it") + _kind(rule)
    return gettext("Alert me when %(news)s about %(subject)s%(topic)s %(verdict)s, %(rest)s.") % {
        "news": _news(rule),
        "subject": _subject(rule),
        "topic": topic,
        "verdict": verdict,
        "rest": _rest(rule),
    }


def _kind(rule: Rule) -> str:
    if rule.anomaly == Rule.ANY:
        return ""
    return gettext(" (%(kind)s)") % {
        "kind": gettext(str(Detector.Kind(rule.anomaly).label).lower())
    }


def _subject(rule: Rule) -> str:
    if rule.company:
        return rule.company.name
    if rule.sector:
        words = gettext("any company in %(sector)s")
        if rule.watched:
            words = gettext("any company in %(sector)s on my watchlist")
        return words % {"sector": rule.sector}
    return gettext("any company on my watchlist") if rule.watched else gettext("any company")


def _news(rule: Rule) -> str:
    """The news that is asked for, by its words, risk and novelty."""
    least = []
    if rule.least_risk:
        least.append(gettext("of at least %(share)s risk") % {"share": f"{rule.least_risk:.0%}"})
    if rule.least_novelty:
        least.append(gettext("at least %(share)s new") % {"share": f"{rule.least_novelty:.0%}"})
    if rule.meaning:
        told = {"meaning": rule.meaning, "share": f"{rule.least_likeness:.0%}"}
        least.append(gettext("like “%(meaning)s” (at least %(share)s alike)") % told)
    words = gettext(" or ").join(f"“{phrase}”" for phrase in phrases_of(rule.words))
    said = gettext("with %(words)s") % {"words": words} if words else ""
    how = " ".join(part for part in (gettext(", ").join(least), said) if part)
    return gettext("news %(how)s") % {"how": how} if how else gettext("news")


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
        return gettext("once per story")
    hours, rest = divmod(minutes, 60)
    per_company = (rule.sentiment or rule.anomaly) and not rule.company
    one, many = _RESTS[bool(rest), bool(per_company)]
    number = minutes if rest else hours
    return str(one) if number == 1 else str(many) % {"n": number}
