"""A business rule as a plain sentence, in the language of whoever reads it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext, gettext_lazy, ngettext, pgettext

from apps.core.templatetags.dates import date
from apps.recommend.models import BusinessRule

_COMPARED = {
    "=": gettext_lazy("whose %(name)s is %(value)s"),
    "!=": gettext_lazy("whose %(name)s is not %(value)s"),
    ">": gettext_lazy("whose %(name)s is more than %(value)s"),
    "<": gettext_lazy("whose %(name)s is less than %(value)s"),
}
_NAMED = {
    "item_ids": gettext_lazy("that are %(names)s"),
    "tags": gettext_lazy("tagged %(names)s"),
    "authors": gettext_lazy("by %(names)s"),
}
_PRICES = {
    "price_min": gettext_lazy("that cost %(price)s or more"),
    "price_max": gettext_lazy("that cost %(price)s or less"),
}
_FIELDS = {
    "name": gettext_lazy("Name"),
    "action": gettext_lazy("Does"),
    "conditions": gettext_lazy("Items"),
    "amount": gettext_lazy("Strength, place or number"),
    "per": gettext_lazy("A cap counts per"),
    "priority": gettext_lazy("Priority"),
    "enabled": gettext_lazy("In force"),
    "audience": gettext_lazy("For"),
    "starts_at": gettext_lazy("From (UTC)"),
    "ends_at": gettext_lazy("Until (UTC)"),
}
_SHOWN_NAMES = 4


def rule_sentence(rule: BusinessRule) -> str:
    """What the rule does, to which items, for whom and when."""
    return gettext("%(does)s%(whom)s%(when)s.") % {
        "does": _does(rule),
        "whom": _whom(rule),
        "when": _when(rule),
    }


def change_words(details: Mapping[str, Any]) -> list[str]:
    """What the audit log says of a rule that was made, changed or deleted, line by line."""
    if was := details.get("was"):
        return [f"{was['name']}: {rule_sentence(_rule_of(was))}"]
    changed = details.get("changed", {})
    if changed and all(before is None for before, _ in changed.values()):
        made = {name: now for name, (_, now) in changed.items()}
        return [f"{made['name']}: {rule_sentence(_rule_of(made))}"]
    return [
        f"{_FIELDS.get(name, name)}: {_value(name, before)} → {_value(name, now)}"
        for name, (before, now) in changed.items()
    ]


def _rule_of(content: Mapping[str, Any]) -> BusinessRule:
    """A rule, unsaved, of what was kept of it (:meth:`BusinessRule.content`)."""
    moments = {
        name: datetime.fromisoformat(content[name]) if content.get(name) else None
        for name in ("starts_at", "ends_at")
    }
    plain = {name: content[name] for name in _FIELDS if name in content}
    return BusinessRule(**plain | moments)


def _value(name: str, value: Any) -> str:
    if name == "conditions":
        return _items(value)
    if name == "action":
        return str(BusinessRule.Action(value).label)
    if name in ("starts_at", "ends_at") and value:
        return _time(datetime.fromisoformat(value))
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return "–" if value in (None, "") else str(value)


def _does(rule: BusinessRule) -> str:
    items, amount = _items(rule.conditions), f"{abs(rule.amount):g}"
    if rule.action == BusinessRule.Action.HIDE:
        return gettext("Hide %(items)s") % {"items": items}
    if rule.action == BusinessRule.Action.BOOST:
        words = gettext("Move %(items)s up by what %(worth)s") if rule.amount > 0 else ""
        words = words or gettext("Move %(items)s down by what %(worth)s")
        return words % {"items": items, "worth": _worth(abs(rule.amount))}
    if rule.action == BusinessRule.Action.PIN:
        words = gettext("Put the first of %(items)s at place %(place)s of the first row")
        return words % {"items": items, "place": amount}
    words = gettext("Show at most %(number)s per %(per)s in a row")
    words %= {"number": amount, "per": BusinessRule.Per(rule.per).label}
    return words + (gettext(", counting %(items)s") % {"items": items} if rule.conditions else "")


def _worth(strength: float) -> str:
    words = ngettext(
        "%(number)s similar saved item adds",
        "%(number)s similar saved items add",
        1 if strength == 1 else 2,
    )
    return words % {"number": f"{strength:g}"}


def _items(conditions: dict[str, Any]) -> str:
    parts = [
        str(words) % {"names": _any(conditions[name])}
        for name, words in _NAMED.items()
        if conditions.get(name)
    ]
    if language := conditions.get("language"):
        parts.append(gettext("in the language %(language)s") % {"language": language})
    parts += [
        str(words) % {"price": f"{conditions[name]:g}"}
        for name, words in _PRICES.items()
        if conditions.get(name) is not None
    ]
    if (days := conditions.get("older_than_days")) is not None:
        words = ngettext("older than %(days)s day", "older than %(days)s days", days)
        parts.append(words % {"days": days})
    if (days := conditions.get("newer_than_days")) is not None:
        words = ngettext("of the last %(days)s day", "of the last %(days)s days", days)
        parts.append(words % {"days": days})
    if attribute := conditions.get("attribute"):
        named = {"name": attribute["name"], "value": attribute["value"]}
        parts.append(str(_COMPARED[attribute["is"]]) % named)
    if not parts:
        return gettext("all items")
    return gettext("items %(that)s") % {
        "that": pgettext("conditions of a rule", " and ").join(parts)
    }


def _any(names: list[str]) -> str:
    shown = gettext(" or ").join(f"“{name}”" for name in names[:_SHOWN_NAMES])
    more = len(names) - _SHOWN_NAMES
    return shown + (gettext(" or %(n)s more") % {"n": more} if more > 0 else "")


def _whom(rule: BusinessRule) -> str:
    if not rule.audience:
        return gettext(" for everyone")
    experiment, _, arm = rule.audience.partition("/")
    words = gettext(" for readers in arm “%(arm)s” of the experiment “%(experiment)s”")
    return words % {"arm": arm, "experiment": experiment}


def _when(rule: BusinessRule) -> str:
    start = gettext(" from %(time)s") % {"time": _time(rule.starts_at)} if rule.starts_at else ""
    end = gettext(" until %(time)s") % {"time": _time(rule.ends_at)} if rule.ends_at else ""
    return start + end


def _time(moment: datetime) -> str:
    return date(moment.astimezone(UTC), "j F Y H:i")
