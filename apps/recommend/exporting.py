"""All that Discover keeps of one reader, as JSON: each table that points to them or names them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import BinaryField, Model
from django.utils import timezone

from apps.core.models import Event
from apps.core.traces import relations_to
from apps.modelhub.models import LabelledExample
from apps.recommend.models import Item, Reader
from apps.recommend.traces import APP

FORMAT = 1
_CHUNK = 2000
_ABOUT = {
    "format": "the version of this layout",
    "reader": "you, with the sentence that you said",
    "tables": "the rows of each table that belong to you; an item is named by its id",
    "events": "what your open pages were told",
    "examples": "what you corrected in Discover",
    "left_out": "columns of numbers that were computed from the rest",
}


def reader_export(reader: Reader) -> dict[str, Any]:
    """The reader's own columns, their rows of every table, their events and corrections.

    Vectors are left out and named in ``left_out``.
    """
    models = list(dict.fromkeys(model for model, _ in relations_to(Reader)))
    return {
        "format": FORMAT,
        "about": _ABOUT,
        "made_at": timezone.now(),
        "reader": next(_rows(Reader, "pk", reader.pk)),
        "tables": {
            model._meta.label: [
                row
                for other, field in relations_to(Reader)
                if other is model
                for row in _rows(model, field.attname, reader.pk)
            ]
            for model in models
        },
        "events": list(
            Event.objects.filter(stream=reader.stream)
            .order_by("seq")
            .values("seq", "kind", "payload", "created_at")
        ),
        "examples": _examples(reader),
        "left_out": sorted(_left_out([Reader, *models])),
    }


def export_text(reader: Reader) -> str:
    """:func:`reader_export` as the text of a file."""
    # Without indentation, which alone would make the encoder ten times as slow.
    return json.dumps(reader_export(reader), cls=DjangoJSONEncoder, ensure_ascii=False)


def _rows(model: type[Model], column: str, pk: int) -> Iterator[dict[str, Any]]:
    """The rows whose ``column`` is ``pk``, oldest first, with names of columns as they are stored;
    an item by its outside id and without the number that it has here."""
    columns = {
        (f"{field.name}__external_id" if field.related_model is Item else field.attname): (
            field.name if field.related_model is Item else field.attname
        )
        for field in model._meta.concrete_fields
        if not isinstance(field, BinaryField)
    }
    rows = model._base_manager.filter(**{column: pk}).order_by("pk").values_list(*columns)
    names = list(columns.values())
    for row in rows.iterator(chunk_size=_CHUNK):
        yield dict(zip(names, row, strict=True))


def _examples(reader: Reader) -> list[dict[str, Any]]:
    if reader.user_id is None:
        return []
    rows = LabelledExample.objects.filter(app=APP, actor_id=reader.user_id).order_by("pk")
    names = ("task", "text", "old_label", "new_label", "created_at")
    return [dict(zip(names, row, strict=True)) for row in rows.values_list(*names)]


def _left_out(models: list[type[Model]]) -> Iterator[str]:
    for model in models:
        for field in model._meta.concrete_fields:
            if isinstance(field, BinaryField):
                yield f"{model._meta.label}.{field.name}"
