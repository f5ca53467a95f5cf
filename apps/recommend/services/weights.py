"""Writes of event weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.accounts.services import audit_record
from apps.core.errors import InvalidInput, NotAllowed
from apps.recommend import weights
from apps.recommend.models import EventWeight

LIMIT = 5.0


def weights_set(*, actor: Any, given: Mapping[str, Any]) -> dict[str, float]:
    """Set the weights of the kinds in ``given`` (``None`` restores a default); all weights then.

    Raises ``NotAllowed`` and ``InvalidInput``, and writes all or none.
    """
    if not actor.has_perm("recommend.manage"):
        raise NotAllowed("Only administrators set event weights.")
    wanted = {kind: _checked(kind, weight) for kind, weight in given.items()}
    before = weights.refresh()
    with transaction.atomic():
        for kind, weight in wanted.items():
            if weight is None or weight == weights.DEFAULTS[kind]:
                EventWeight.objects.filter(kind=kind).delete()
            else:
                EventWeight.objects.update_or_create(kind=kind, defaults={"weight": weight})
        after = weights.refresh()
        changed = {
            kind: [before[kind], after[kind]] for kind in after if before[kind] != after[kind]
        }
        if changed:
            audit_record(actor=actor, action="event_weights.changed", weights=changed)
    return after


def _checked(kind: str, weight: Any) -> float | None:
    if kind not in weights.DEFAULTS:
        raise InvalidInput(
            "%(kind)r is none of %(defaults)s.",
            code="invalid_weight",
            kind=kind[:40],
            defaults=", ".join(weights.DEFAULTS),
        )
    if weight is None or weight == "":
        return None
    try:
        number = float(weight)
    except (TypeError, ValueError):
        number = math.nan
    if not -LIMIT <= number <= LIMIT:
        raise InvalidInput(
            "%(kind)s: a weight is a number from %(least)s to %(most)s.",
            code="invalid_weight",
            kind=kind,
            least=f"{-LIMIT:g}",
            most=f"{LIMIT:g}",
        )
    return number
