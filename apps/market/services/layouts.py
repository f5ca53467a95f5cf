"""Saves and forgets a person's layouts."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from apps.core.errors import InvalidInput, NotAllowed, NotFound
from apps.market.models import Layout

MOST = 30
VIEW: dict[str, tuple[str, ...]] = {
    "scheme": ("", "chinese", "blind"),
    "clock": ("", "utc", "local"),
    "density": ("", "compact"),
}
"""What of a page's looks is saved, and the values that it may have; the first is the default."""

_ROOT = "/market/"


def layout_save(*, actor: Any, name: str, path: str, view: dict[str, Any]) -> Layout:
    """Save a layout under its name; one of that name is replaced.

    Raises ``NotAllowed``, and ``InvalidInput`` naming what is off.
    """
    if not actor.has_perm("market.view_news"):
        raise NotAllowed("Only analysts have layouts.")
    name = " ".join(name.split())
    problems: dict[str, str] = {}
    if not 0 < len(name) <= 60:
        problems["name"] = "Give it a name of 1 to 60 characters."
    if not path.startswith(_ROOT) or len(path) > 500:
        problems["path"] = f"A page below {_ROOT}, of at most 500 characters."
    for key, value in view.items():
        if key not in VIEW or value not in VIEW[key]:
            problems["view"] = f"{key}: there is no such look."
    with transaction.atomic():
        others = Layout.objects.filter(owner=actor).exclude(name=name)
        if others.count() >= MOST:
            problems["name"] = f"At most {MOST} layouts; delete one first."
        if problems:
            told = " ".join(problems.values())
            raise InvalidInput("The layout is not saved. %(told)s", fields=problems, told=told)
        layout, _ = Layout.objects.update_or_create(
            owner=actor, name=name, defaults={"path": path, "view": view}
        )
    return layout


def layout_delete(*, actor: Any, layout_id: int) -> None:
    """Delete a layout of the actor's; raises ``NotFound``."""
    deleted, _ = Layout.objects.filter(id=layout_id, owner=actor).delete()
    if not deleted:
        raise NotFound("There is no such layout.")
