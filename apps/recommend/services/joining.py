"""Hands what a visitor did to the account that the visitor signs in to."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Exists, Model, OuterRef, UniqueConstraint

from apps.core.traces import relations_to
from apps.recommend.models import Interaction, Reader
from apps.recommend.services.events import wish_changed
from apps.recommend.services.forgetting import reader_erase
from apps.recommend.services.opinions import EXCLUSIVE, keep_replaced

_OWN = {"id", "key", "user", "external_id", "simulated", "created_at"}
"""What says who a reader is; the other columns say something about their taste."""
_TOGETHER = "wish"
"""Columns that begin so belong to one sentence and are never mixed."""


def reader_join(*, key: uuid.UUID, user: Any) -> Reader:
    """Hand what a visitor did to the person who has just signed in, and return their reader.

    A person without a history takes over the visitor's row; otherwise the rows of every table that
    points to the visitor move. What both hold (an event id, a preference) is kept as the person
    has it, and of two opinions on an item the later one. A repeated call changes nothing.
    """
    with transaction.atomic():
        # Locking the person lets two sign-ins at once join one after the other.
        get_user_model().objects.select_for_update().get(pk=user.pk)
        visitor = Reader.objects.filter(key=key, user=None, external_id=None).first()
        own = Reader.objects.filter(user=user).first()
        if visitor is None:
            return own or Reader.objects.create(user=user)
        if own is None:
            visitor.user = user
            visitor.save(update_fields=["user"])
            return visitor
        for model, field in relations_to(Reader):
            _move(model, field, visitor, own)
        _settle_opinions(own)
        _complete(own, visitor)
        reader_erase(reader=visitor)
        wish_changed(reader=own)
    return own


def _move(model: type[Model], field: Any, visitor: Reader, own: Reader) -> None:
    """Point the visitor's rows to ``own``, but for those that a unique key of ``own``'s has."""
    rows = model._base_manager.filter(**{field.name: visitor})
    for others in _unique_with(model, field):
        same: Any = {name: OuterRef(name) for name in others}
        held = model._base_manager.filter(**{field.name: own}, **same)
        rows = rows.filter(~Exists(held))
    # By their keys: a table may not be both changed and asked in one statement everywhere.
    for batch in _batches(list(rows.values_list("pk", flat=True))):
        model._base_manager.filter(pk__in=batch).update(**{field.name: own})


def _batches(pks: list[Any], size: int = 5000) -> list[list[Any]]:
    return [pks[at : at + size] for at in range(0, len(pks), size)]


def _unique_with(model: type[Model], field: Any) -> list[tuple[str, ...]]:
    """The other columns of each unique key that ``field`` is part of."""
    keys: list[tuple[str, ...]] = [(field.name,)] if field.unique else []
    keys += [tuple(key) for key in model._meta.unique_together]
    keys += [
        tuple(constraint.fields)
        for constraint in model._meta.constraints
        if isinstance(constraint, UniqueConstraint)
    ]
    return [tuple(name for name in key if name != field.name) for key in keys if field.name in key]


def _settle_opinions(own: Reader) -> None:
    """Of several opinions of a kind on one item keep the latest; the others count as replaced."""
    older: list[tuple[Interaction, str]] = []
    for group in EXCLUSIVE:
        latest: dict[int, Interaction] = {}
        for opinion in own.interactions.filter(kind__in=group).order_by("at", "pk"):
            if opinion.item_id in latest:
                older.append((latest[opinion.item_id], opinion.event_id))
            latest[opinion.item_id] = opinion
    keep_replaced(older)
    for batch in _batches([one.pk for one, _ in older]):
        own.interactions.filter(pk__in=batch).delete()


def _complete(own: Reader, visitor: Reader) -> None:
    """Take over what the visitor has said and the person has not."""
    changed = []
    has_sentence = bool(own.wish)
    for field in Reader._meta.concrete_fields:
        name = field.name
        if name in _OWN or (name.startswith(_TOGETHER) and has_sentence):
            continue
        blank = field.get_default()
        if getattr(own, name) == blank and getattr(visitor, name) != blank:
            setattr(own, name, getattr(visitor, name))
            changed.append(name)
    own.created_at = min(own.created_at, visitor.created_at)
    own.save(update_fields=[*changed, "created_at"])
