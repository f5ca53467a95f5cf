"""Finds what the database holds of one row, in whatever tables there are, through their registry.

What erases a person goes by this instead of by a list, so that a table that comes later is found.
A row is a trace when it points to the row in question (a foreign key, or a content type with an
object id) or when one of its texts holds a mark of it, such as its key.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import (
    CharField,
    F,
    Field,
    FileField,
    JSONField,
    Model,
    Q,
    QuerySet,
    TextField,
    UUIDField,
)
from django.db.models.functions import Cast
from django.utils.crypto import salted_hmac

LEAST_MARK = 12
"""Characters: a shorter mark would be found in rows that have nothing to do with it."""
_TEXTS = (CharField, TextField, JSONField, UUIDField, FileField)


def subject_hash(salt: str, subject: str) -> str:
    """What names somebody in a receipt and cannot be turned back."""
    return salted_hmac(salt, subject, algorithm="sha256").hexdigest()


def tables() -> list[type[Model]]:
    """Every table that this installation's migrations made, join tables included."""
    models = apps.get_models(include_auto_created=True)
    return [model for model in models if model._meta.managed and not model._meta.proxy]


def relations_to(model: type[Model]) -> list[tuple[type[Model], Any]]:
    """Each table with a foreign key to ``model``, and the key; one with two keys comes twice."""
    return [
        (other, field)
        for other in tables()
        for field in other._meta.concrete_fields
        if field.is_relation and field.related_model is model
    ]


def rows_pointing(model: type[Model], to: type[Model], pk: Any) -> QuerySet[Any] | None:
    """Rows of ``model`` that point to the row ``pk`` of ``to``; ``None`` when none can."""
    points = [Q(**{f"{field.name}_id": pk}) for other, field in relations_to(to) if other is model]
    fields = {field.name: field for field in model._meta.concrete_fields}
    kind = fields.get("content_type")
    if kind is not None and kind.related_model is ContentType and "object_id" in fields:
        points.append(Q(content_type=ContentType.objects.get_for_model(to), object_id=str(pk)))
    return _any_of(model._base_manager.all(), points)


def rows_naming(model: type[Model], marks: Sequence[str]) -> QuerySet[Any] | None:
    """Rows of ``model`` that hold one of ``marks`` in a text; ``None`` when no column can.

    Vectors and other binary columns are not read.
    """
    shortest = min(map(len, marks), default=LEAST_MARK)
    columns = [field for field in model._meta.concrete_fields if _may_hold(field, shortest)]
    as_text = {
        f"trace_{at}": Cast(F(field.attname), TextField()) for at, field in enumerate(columns)
    }
    points = [Q(**{f"{name}__contains": mark}) for name in as_text for mark in marks]
    return _any_of(model._base_manager.alias(**as_text), points)


def traces_of(model: type[Model], pk: Any, marks: Sequence[str]) -> dict[str, int]:
    """How many rows of each table are a trace of the row ``pk`` of ``model``, with marks of it.

    Every table is named, those without a trace with 0.
    """
    return {table._meta.label: _count(table, model, pk, marks) for table in tables()}


def log_truncate() -> None:
    """Write SQLite's log into the database and empty it: it holds pages as they were before what is
    on them was deleted. Another database sees to its log itself."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _count(table: type[Model], model: type[Model], pk: Any, marks: Sequence[str]) -> int:
    found: set[Any] = set()
    for rows in (rows_pointing(table, model, pk), rows_naming(table, marks)):
        if rows is not None:
            found.update(rows.values_list("pk", flat=True))
    return len(found)


def _may_hold(field: Field[Any, Any], length: int) -> bool:
    target = field.target_field if field.is_relation else field  # type: ignore[attr-defined]
    if not isinstance(target, _TEXTS):
        return False
    return isinstance(target, UUIDField) or (target.max_length or length) >= length


def _any_of(rows: QuerySet[Any], points: Sequence[Q]) -> QuerySet[Any] | None:
    return rows.filter(reduce(or_, points)) if points else None
