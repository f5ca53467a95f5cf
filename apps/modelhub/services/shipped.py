"""Serving what was shipped with a newer Trefoil, instead of what an installation has served."""

from __future__ import annotations

from typing import Any

from apps.core.errors import Conflict
from apps.modelhub.models import Promotion
from apps.modelhub.selectors.shipped import newer_shipped
from apps.modelhub.services.promotions import version_promote

REASON = "the newer shipped version"


def shipped_take(*, actor: Any, name: str, reason: str = "") -> list[Promotion]:
    """Serve the shipped model ``name`` for each task of which it is newer; the promotions.

    No run of here judged it, so it takes ``modelhub.override_gate`` as any version that passed no
    gate. Raises ``Conflict`` when nothing of it is newer, or it is not built.
    """
    newer = [one for one in newer_shipped() if one.name == name]
    if not newer:
        raise Conflict(
            "No shipped %(name)s is newer than what is served.", code="not_newer", name=name
        )
    if missing := [one.task for one in newer if not one.built]:
        raise Conflict(
            (
                "The shipped version of %(missing)s is not built here yet; run: manage.py "
                "build_models"
            ),
            code="not_built",
            missing=", ".join(missing),
        )
    return [
        version_promote(
            actor=actor,
            task=one.task,
            version=one.version,
            reason=reason.strip() or REASON,
            expected=one.live,
            override=True,
        )
        for one in newer
    ]
