"""Which items a business rule is about.

``conditions`` may have: ``tags`` and ``authors`` (one of them), ``item_ids``, ``language``,
``price_min`` and ``price_max``, ``older_than_days`` and ``newer_than_days`` (by the day it came
out, or by the day it was added if that is unknown), and ``attribute`` (``name``, ``is`` one of
``=``, ``!=``, ``>``, ``<``, ``value``). An item fits when all that are there hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.db.models import Q, QuerySet
from django.db.models.fields.json import KeyTransform
from django.utils import timezone
from numpy.typing import NDArray

from apps.recommend.index import Snapshot
from apps.recommend.models import Item

COMPARISONS: dict[str, str] = {"=": "", ">": "__gt", "<": "__lt"}


def matching(conditions: Mapping[str, Any], snapshot: Snapshot) -> NDArray[np.bool_]:
    """Whether each item of ``snapshot`` fits, shape (items,)."""
    fits = np.ones(len(snapshot), dtype=bool)
    for name, places in (("tags", snapshot.with_tag), ("authors", snapshot.with_author)):
        if conditions.get(name):
            fits &= _at(snapshot, *(places[held] for held in conditions[name] if held in places))
    if conditions.get("item_ids"):
        known = snapshot.by_external
        named = [known[name] for name in conditions["item_ids"] if name in known]
        fits &= _at(snapshot, np.array(named, dtype=np.int64))
    asked = _in_table(conditions)
    if asked is not None:
        pks = asked.values_list("id", flat=True)
        found = [snapshot.positions[pk] for pk in pks if pk in snapshot.positions]
        fits &= _at(snapshot, np.array(found, dtype=np.int64))
    return fits


def _at(snapshot: Snapshot, *places: NDArray[np.int64]) -> NDArray[np.bool_]:
    marked = np.zeros(len(snapshot), dtype=bool)
    for held in places:
        marked[held] = True
    return marked


def _in_table(conditions: Mapping[str, Any]) -> QuerySet[Item] | None:
    """The items that fit what only the table knows; ``None`` when that is not asked."""
    wanted = [
        _simple(conditions),
        _age(conditions.get("older_than_days"), "older"),
        _age(conditions.get("newer_than_days"), "newer"),
    ]
    attribute = conditions.get("attribute")
    if not any(wanted) and not attribute:
        return None
    items = Item.objects.filter(*[part for part in wanted if part], deleted_at=None)
    return _with_attribute(items, attribute) if attribute else items


def _simple(conditions: Mapping[str, Any]) -> Q:
    asked = Q()
    if conditions.get("language"):
        language = conditions["language"].lower()
        asked &= Q(language=language) | Q(language__startswith=f"{language}-")
    if conditions.get("price_min") is not None:
        asked &= Q(price__gte=conditions["price_min"])
    if conditions.get("price_max") is not None:
        asked &= Q(price__lte=conditions["price_max"])
    return asked


def _age(days: int | None, side: str) -> Q:
    if days is None:
        return Q()
    now = timezone.now()
    try:
        limit = (now - timedelta(days=days)).date()
    except OverflowError:
        limit = date.min
    iso = limit.isoformat()
    # A year alone counts from its first day.
    same_year = Q(year=limit.year)
    if side == "older":
        known = Q(year__lt=limit.year) | (same_year & Q(published__lt=iso))
        return known | Q(year=None, created_at__date__lt=limit)
    known = Q(year__gt=limit.year) | (same_year & Q(published__gte=iso))
    return known | Q(year=None, created_at__date__gte=limit)


def _with_attribute(items: QuerySet[Item], attribute: Mapping[str, Any]) -> QuerySet[Item]:
    name, value = attribute["name"], attribute["value"]
    held = items.annotate(held=KeyTransform(name, "attributes"))
    if attribute["is"] == "!=":
        return held.exclude(held=value)
    return held.filter(**{f"held{COMPARISONS[attribute['is']]}": value})
