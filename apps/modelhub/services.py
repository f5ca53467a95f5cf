"""The door through which the apps hand over corrections."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from apps.accounts.services import audit_record
from apps.core.errors import InvalidInput
from apps.modelhub.models import LabelledExample

MAX_TEXT = 20_000


def example_add(
    *,
    app: str,
    task: str,
    text: str,
    new_label: str,
    old_label: str = "",
    confidence: float | None = None,
    model_version: str = "",
    actor: Any | None = None,
    provenance: dict[str, Any] | None = None,
) -> LabelledExample:
    """Store a correction as a labelled example, in the caller's transaction or its own.

    ``confidence`` is the model's in its old label, in [0, 1]; ``provenance`` names the object that
    was corrected. Raises ``InvalidInput`` for an unknown app, an empty or too long text or label.
    """
    problems = {
        "app": app not in LabelledExample.App.values,
        "task": not task.strip(),
        "text": not 0 < len(text.strip()) <= MAX_TEXT,
        "new_label": not 0 < len(new_label.strip()) <= 120,
        "confidence": confidence is not None and not 0 <= confidence <= 1,
    }
    bad = [name for name, is_bad in problems.items() if is_bad]
    if bad:
        raise InvalidInput(
            f"The example's {', '.join(bad)} cannot be used.",
            fields=dict.fromkeys(bad, "missing, too long or out of range"),
        )
    with transaction.atomic():
        example = LabelledExample.objects.create(
            app=app,
            task=task.strip(),
            text=text.strip(),
            old_label=old_label,
            new_label=new_label.strip(),
            confidence=confidence,
            model_version=model_version,
            actor=actor if actor is not None and actor.is_authenticated else None,
            provenance=provenance or {},
        )
        audit_record(
            actor=actor, action="example.added", object_type="example", object_id=example.pk
        )
    return example
