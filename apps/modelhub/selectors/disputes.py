"""Corrections of one object in which people disagree, and what counts of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from apps.core.errors import NotFound
from apps.modelhub.models import LabelledExample
from apps.modelhub.origins import hidden_marks, mark_of


@dataclass(frozen=True, slots=True)
class Dispute:
    """What people said of one object, oldest first, and a team lead's verdict if there is one."""

    said: tuple[LabelledExample, ...]
    verdict: LabelledExample | None

    @property
    def first(self) -> LabelledExample:
        return self.said[0]

    @property
    def mark(self) -> str:
        """What the object came from (:mod:`apps.modelhub.origins`)."""
        return mark_of(self.first.app, self.first.provenance)


def disputes_seen(person: Any, found: Sequence[Dispute]) -> list[Dispute]:
    """Those whose texts the person may read."""
    hidden = hidden_marks(person, (one.mark for one in found))
    return [one for one in found if one.mark not in hidden]


def dispute_list(*, task: str = "") -> list[Dispute]:
    """Where people disagree, what nobody has decided first, then the newest."""
    found = [
        dispute for said in _by_subject(task).values() if (dispute := dispute_of(said)) is not None
    ]
    return sorted(found, key=lambda one: (one.verdict is not None, -one.said[-1].pk))


def dispute_get(*, task: str, subject: str) -> Dispute:
    """The disagreement about one object; raises ``NotFound`` where people agree."""
    said = LabelledExample.objects.filter(task=task, subject=subject).exclude(subject="")
    found = dispute_of(list(said.select_related("actor").order_by("updated_at", "id")))
    if found is None:
        raise NotFound("People do not disagree about this.", code="no_dispute")
    return found


def dispute_of(examples: Sequence[LabelledExample]) -> Dispute | None:
    """The disagreement in the examples of one object, if they hold one."""
    verdict = next((one for one in reversed(examples) if one.decides), None)
    said = tuple(one for one in examples if not one.decides)
    if not said or (verdict is None and len(_different(said)) < 2):
        return None
    return Dispute(said, verdict)


def outvoted(*, task: str = "") -> set[int]:
    """The keys of examples that nothing is to learn from: those of an object about which people
    disagree until a team lead has decided, and then all but the verdict."""
    keys = set()
    for dispute in dispute_list(task=task):
        keys |= {one.pk for one in dispute.said}
    return keys


def _by_subject(task: str) -> dict[tuple[str, str], list[LabelledExample]]:
    """The examples of objects of which there are several, oldest first."""
    rows = LabelledExample.objects.exclude(subject="")
    rows = rows.filter(task=task) if task else rows
    several = rows.values("task", "subject").annotate(n=Count("id")).filter(n__gt=1)
    by_subject: dict[tuple[str, str], list[LabelledExample]] = {}
    found = rows.filter(subject__in=several.values("subject")).select_related("actor")
    for example in found.order_by("updated_at", "id"):
        by_subject.setdefault((example.task, example.subject), []).append(example)
    return by_subject


def _different(said: Iterable[LabelledExample]) -> set[str]:
    return {json.dumps(one.said) for one in said}
