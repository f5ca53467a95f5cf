"""Decides what holds of an object that people corrected in different ways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from apps.accounts.services import audit_record
from apps.core import locks
from apps.core.errors import InvalidInput, NotFound
from apps.modelhub.models import LabelledExample
from apps.modelhub.selectors.disputes import dispute_get, disputes_seen
from apps.modelhub.services.examples import entities_add, example_add
from ml.labelling.spans import Span


def dispute_decide(
    *,
    task: str,
    subject: str,
    actor: Any,
    label: str = "",
    spans: Sequence[Span] | None = None,
) -> LabelledExample:
    """Store the verdict, of which alone models learn from then on; a later one replaces it.

    ``label`` says it of one label, ``spans`` of entities. Raises ``NotFound`` where people agree
    and for what the actor may not read, ``InvalidInput`` for an answer that cannot be used.
    """
    with transaction.atomic():
        # Two leads who decide at a moment would leave two verdicts.
        locks.hold(f"modelhub.dispute.{task}.{subject}")
        dispute = dispute_get(task=task, subject=subject)
        if not disputes_seen(actor, [dispute]):
            raise NotFound("People do not disagree about this.", code="no_dispute")
        of = dispute.first
        LabelledExample.objects.filter(task=task, subject=subject, decides=True).exclude(
            actor=actor
        ).delete()
        stored: dict[str, Any] = {
            "app": of.app,
            "task": task,
            "text": of.text,
            "confidence": of.confidence,
            "model_version": of.model_version,
            "actor": actor,
            "subject": subject,
            "provenance": of.provenance,
            "decides": True,
        }
        if of.spans is None:
            verdict = example_add(new_label=label, old_label=of.old_label, **stored)
        elif spans is None:
            raise InvalidInput("Say where the entities are.", fields={"spans": "missing"})
        else:
            before = [_span(one) for one in of.old_spans or []]
            verdict = entities_add(spans=spans, old_spans=before, **stored)
        audit_record(
            actor=actor,
            action="example.decided",
            object_type="example",
            object_id=verdict.pk,
            task=task,
        )
    return verdict


def _span(one: Sequence[Any]) -> Span:
    start, end, label = one
    return start, end, label
