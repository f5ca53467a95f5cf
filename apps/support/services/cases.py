"""Cases that flows open for customers."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID

from apps.support.models import ServiceCase

_SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without those that are read for others


def case_open(
    *, kind: str, key: str, conversation_id: UUID | None, details: dict[str, Any]
) -> ServiceCase:
    """Open a case; the same ``key`` again opens none and returns the first."""
    reference = "C-" + "".join(secrets.choice(_SIGNS) for _ in range(8))
    case, _ = ServiceCase.objects.get_or_create(
        key=key,
        defaults={
            "kind": kind,
            "reference": reference,
            "conversation_id": conversation_id,
            "details": details,
        },
    )
    return case
