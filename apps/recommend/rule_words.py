"""A business rule as a plain sentence."""

from __future__ import annotations

from typing import Any

from apps.recommend.models import BusinessRule

_COMPARED = {"=": "is", "!=": "is not", ">": "is more than", "<": "is less than"}


def rule_sentence(rule: BusinessRule) -> str:
    """What the rule does, to which items, for whom and when."""
    items = _items(rule.conditions)
    does = {
        "hide": f"Hide {items}",
        "boost": f"Move {items} {'up' if rule.amount > 0 else 'down'} "
        f"by {abs(rule.amount):g} similar saved items’ worth",
        "pin": f"Put the first of {items} at place {rule.amount:g} of the first row",
        "cap": f"Show at most {rule.amount:g} per {rule.per} in a row"
        + (f", counting {items}" if rule.conditions else ""),
    }[rule.action]
    return f"{does}{_whom(rule)}{_when(rule)}."


def _items(conditions: dict[str, Any]) -> str:
    parts = []
    if conditions.get("item_ids"):
        parts.append(f"that are {_any(conditions['item_ids'])}")
    if conditions.get("tags"):
        parts.append(f"tagged {_any(conditions['tags'])}")
    if conditions.get("authors"):
        parts.append(f"by {_any(conditions['authors'])}")
    if conditions.get("language"):
        parts.append(f"in the language {conditions['language']}")
    if conditions.get("price_min") is not None:
        parts.append(f"that cost {conditions['price_min']:g} or more")
    if conditions.get("price_max") is not None:
        parts.append(f"that cost {conditions['price_max']:g} or less")
    if conditions.get("older_than_days") is not None:
        parts.append(f"older than {conditions['older_than_days']} days")
    if conditions.get("newer_than_days") is not None:
        parts.append(f"of the last {conditions['newer_than_days']} days")
    if attribute := conditions.get("attribute"):
        parts.append(f"whose {attribute['name']} {_COMPARED[attribute['is']]} {attribute['value']}")
    return f"items {' and '.join(parts)}" if parts else "all items"


def _any(names: list[str]) -> str:
    shown = [f"“{name}”" for name in names[:4]]
    more = len(names) - len(shown)
    return " or ".join(shown) + (f" or {more} more" if more > 0 else "")


def _whom(rule: BusinessRule) -> str:
    if not rule.audience:
        return " for everyone"
    experiment, _, arm = rule.audience.partition("/")
    return f" for readers in arm “{arm}” of the experiment “{experiment}”"


def _when(rule: BusinessRule) -> str:
    start = f" from {rule.starts_at:%-d %B %Y %H:%M}" if rule.starts_at else ""
    end = f" until {rule.ends_at:%-d %B %Y %H:%M}" if rule.ends_at else ""
    return start + end
