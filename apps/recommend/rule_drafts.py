"""A business rule as a form or a request gives it, checked value by value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from apps.core.errors import InvalidInput
from apps.recommend.models import BusinessRule, Experiment, Item

MOST_BOOST, LAST_PLACE, MOST_CAP, MOST_NAMES = 5.0, 12, 50, 500
CONDITIONS = (
    "tags",
    "authors",
    "item_ids",
    "language",
    "price_min",
    "price_max",
    "older_than_days",
    "newer_than_days",
    "attribute",
)
_Action = BusinessRule.Action


def rule_draft(given: Mapping[str, Any], rule: BusinessRule | None = None) -> BusinessRule:
    """The rule that ``given`` describes, unsaved; ``rule`` keeps its row.

    Raises ``InvalidInput`` naming the first thing that is off.
    """
    draft = BusinessRule(
        pk=rule.pk if rule else None,
        name=" ".join(str(given.get("name") or "").replace("\x00", " ").split()),
        action=str(given.get("action") or ""),
        conditions=_conditions(given.get("conditions") or {}),
        per=str(given.get("per") or ""),
        priority=_whole("priority", given.get("priority") or 0, -1000, 1000),
        enabled=bool(given.get("enabled", True)),
        audience=str(given.get("audience") or "").strip()[:90],
        starts_at=_moment("starts_at", given.get("starts_at")),
        ends_at=_moment("ends_at", given.get("ends_at")),
    )
    if rule:
        draft.created_at = rule.created_at
    _check_names(draft, rule)
    if not 0 < len(draft.name) <= 120:
        raise _bad("Give the rule a name of at most 120 characters.")
    if draft.action not in _Action.values:
        raise _bad(f"action is one of {', '.join(_Action.values)}.")
    draft.amount = _amount(draft.action, given.get("amount"))
    if draft.action == _Action.CAP and draft.per not in BusinessRule.Per.values:
        raise _bad("A cap counts per author or per tag.")
    if draft.action != _Action.CAP:
        draft.per = ""
        if not draft.conditions:
            raise _bad("Say which items the rule is about.")
    if draft.starts_at and draft.ends_at and draft.ends_at <= draft.starts_at:
        raise _bad("The rule ends before it starts.")
    return draft


def _bad(problem: str) -> InvalidInput:
    return InvalidInput(problem, code="invalid_rule")


def _amount(action: str, value: Any) -> float:
    if action == _Action.HIDE:
        return 0.0
    if action == _Action.BOOST:
        amount = _number("strength", value, -MOST_BOOST, MOST_BOOST)
        if not amount:
            raise _bad("A strength of 0 moves nothing.")
        return amount
    if action == _Action.PIN:
        return _whole("place", value, 1, LAST_PLACE)
    return _whole("number", value, 1, MOST_CAP)


def _conditions(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise _bad("conditions is not an object.")
    unknown = set(given) - set(CONDITIONS)
    if unknown:
        raise _bad(f"conditions may not have {', '.join(sorted(map(repr, unknown)))}.")
    checked: dict[str, Any] = {}
    for name in ("tags", "authors", "item_ids"):
        checked[name] = _names(name, given.get(name))
    checked["language"] = str(given.get("language") or "").strip().lower()[:35]
    for name in ("price_min", "price_max"):
        checked[name] = _optional(name, given.get(name), 0, 1e10)
    for name in ("older_than_days", "newer_than_days"):
        days = _optional(name, given.get(name), 0, 1_000_000)
        checked[name] = None if days is None else int(days)
    if _beyond(checked["price_min"], checked["price_max"]):
        raise _bad("No price is at least price_min and at most price_max.")
    if _beyond(checked["older_than_days"], checked["newer_than_days"]):
        raise _bad("No item is older than older_than_days and of the last newer_than_days.")
    checked["attribute"] = _attribute(given.get("attribute"))
    return {name: value for name, value in checked.items() if value not in (None, "", [])}


def _beyond(low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and low > high


def _check_names(draft: BusinessRule, rule: BusinessRule | None) -> None:
    """Refuse ids and an audience that are unknown, unless ``rule`` had them before: what a rule is
    about may go while it is kept, and it can still be changed and switched off."""
    named = draft.conditions.get("item_ids", [])
    new = set(named) - set(rule.conditions.get("item_ids", []) if rule else [])
    known = dict(Item.objects.filter(external_id__in=new).values_list("external_id", "deleted_at"))
    for name in named:
        if name in new and known.get(name, True):
            is_gone = name in known
            raise _bad(f"The item {name[:80]!r} {'is deleted' if is_gone else 'is not there'}.")
    if draft.audience and (rule is None or draft.audience != rule.audience):
        key, _, arm = draft.audience.partition("/")
        experiment = Experiment.objects.filter(key=key).first()
        if experiment is None or arm not in {held["name"] for held in experiment.arms}:
            raise _bad(f"There is no arm {draft.audience!r} (experiment/arm).")


def _names(name: str, value: Any) -> list[str]:
    parts = value or []
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise _bad(f"{name} is not a list of texts.")
    names = list(dict.fromkeys(" ".join(part.split()) for part in parts if part.strip()))
    if len(names) > MOST_NAMES or any(len(held) > 200 for held in names):
        raise _bad(f"{name} holds at most {MOST_NAMES} names of at most 200 characters.")
    return names


def _attribute(value: Any) -> dict[str, Any] | None:
    if not value:
        return None
    if not isinstance(value, Mapping) or set(value) != {"name", "is", "value"}:
        raise _bad('attribute has "name", "is" and "value".')
    name, held = str(value["name"]).strip(), value["value"]
    # SQLite finds no key with an escaped character; a number would mean a place in a list.
    if (
        not 0 < len(name) <= 64
        or name.isdigit()
        or not name.isprintable()
        or set(name) & {'"', "\\"}
    ):
        raise _bad("attribute needs a name of at most 64 letters that is no number.")
    if value["is"] not in ("=", "!=", ">", "<"):
        raise _bad("attribute is one of =, !=, >, <.")
    if isinstance(held, float) and not math.isfinite(held):
        raise _bad("attribute needs a finite value.")
    if not isinstance(held, str | int | float | bool) or len(str(held)) > 200:
        raise _bad("attribute needs a text, a number or true or false as value.")
    if value["is"] in (">", "<") and (isinstance(held, bool | str)):
        raise _bad("attribute is more or less than a number.")
    return {"name": name, "is": value["is"], "value": held}


def _number(name: str, value: Any, low: float, high: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not low <= number <= high:
        raise _bad(f"{name} is a number from {low:g} to {high:g}.")
    return number


def _whole(name: str, value: Any, low: int, high: int) -> int:
    number = _number(name, value, low, high)
    if number != int(number):
        raise _bad(f"{name} is a whole number.")
    return int(number)


def _optional(name: str, value: Any, low: float, high: float) -> float | None:
    return None if value is None or value == "" else _number(name, value, low, high)


def _moment(name: str, value: Any) -> datetime | None:
    if not value:
        return None
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _bad(f"{name} {str(value)[:40]!r} is no date or time.") from error
