"""Replies that the team keeps: written, changed, deleted."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.accounts.services import audit_record
from apps.core.errors import Conflict, NotFound
from apps.core.typed import typed
from apps.support.models import Macro

LIMIT = 500


def macro_list() -> list[Macro]:
    return list(Macro.objects.all()[:LIMIT])


def macro_save(*, macro_id: int | None, operator: User, name: str, text: str) -> Macro:
    """Store a new macro (``macro_id`` is ``None``) or change one.

    Raises ``Conflict`` when the name is taken, ``NotFound`` when there is no such macro.
    """
    try:
        with transaction.atomic():
            macro = Macro() if macro_id is None else _get(macro_id)
            macro.name, macro.text = " ".join(name.split()), typed(text)
            macro.save()
            _record(operator, "macro.saved", macro)
    except IntegrityError as error:
        raise Conflict(
            "There is a macro called %(name)r.",
            code="macro_exists",
            fields={"name": "taken"},
            name=name,
        ) from error
    return macro


def macro_delete(*, macro_id: int, operator: User) -> None:
    with transaction.atomic():
        macro = _get(macro_id)
        _record(operator, "macro.deleted", macro)
        macro.delete()


def _get(macro_id: int) -> Macro:
    macro = Macro.objects.filter(id=macro_id).first()
    if macro is None:
        raise NotFound("There is no such macro.", code="macro_not_found")
    return macro


def _record(operator: User, action: str, macro: Macro) -> None:
    audit_record(
        actor=operator, action=action, object_type="macro", object_id=macro.pk, name=macro.name
    )
