"""Forgets a reader: what is deleted where, and the receipt of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from django.db.models import Model

from apps.accounts.services import audit_record
from apps.core import gateway
from apps.core.events import group_name
from apps.core.models import Event, Stream
from apps.core.traces import relations_to, rows_naming, rows_pointing, tables
from apps.modelhub.services import examples_forget_of
from apps.recommend import traces
from apps.recommend.models import ForgetReceipt, Reader, reader_stream
from apps.recommend.services.catalogue import ENCODER
from apps.recommend.services.readers import wish_parts
from apps.recommend.subjects import subject_of
from apps.recommend.traces import Traces, text_digest
from apps.recommend.wish import parse_wish

WITHDRAWN = "reader.withdrawn"
_EMPTIED: dict[str, dict[str, Any]] = {
    "core.Event": {"kind": WITHDRAWN, "payload": {}},
    "core.Job": {"title": "", "arguments": {}, "message": "", "result": None},
    "accounts.AuditEntry": {"object_id": "", "details": {}},
}
"""Rows that stay without what named the reader: a stream's numbers are dense, an audit is kept."""
_DELETED = frozenset({"admin.LogEntry", "django_tasks_database.DBTaskResult"})
"""Tables beside Discover's own whose rows go when they name the reader."""
_SHARED = frozenset({"recommend.Item", "recommend.Experiment", "recommend.BusinessRule"})
"""Discover's tables whose rows are not a reader's, even where they name one."""


def reader_forget(*, reader: Reader, actor: Any | None = None) -> tuple[ForgetReceipt, Traces]:
    """Delete a reader with all that is known of them: the receipt, and what a check looks for.

    The receipt holds nothing of the reader; the second value does, and is for the reader alone.
    ``left`` of the receipt names the tables with rows that name the reader and cannot be deleted
    without harm to others, and the versions of data sets that hold words of theirs. The reader's
    open pages are told outside the log, since the log of their stream goes too.
    """
    looked_for = Traces(
        key=reader.key,
        pk=reader.pk,
        user=reader.user_id,
        external_id=reader.external_id or "",
        words=tuple(text_digest(text) for text in wish_parts(parse_wish(reader.wish))),
    )
    # Every table is read, so before the transaction: it would keep others from writing.
    named = _named(looked_for)
    with transaction.atomic():
        counts = reader_erase(reader=reader)
        left = _clear_named(named, counts)
        if looked_for.user is not None:
            forgotten = examples_forget_of(app=traces.APP, actor=looked_for.user)
            counts["examples"] += forgotten.number
            left += forgotten.datasets
        receipt = ForgetReceipt.objects.create(
            subject=subject_of(looked_for.key), counts=dict(counts), left=sorted(left)
        )
        if actor is not None and actor.is_authenticated:
            audit_record(actor=actor, action="reader.forgotten")
        transaction.on_commit(lambda: _let_go(looked_for), robust=True)
    return receipt, looked_for


def reader_erase(*, reader: Reader) -> Counter[str]:
    """Delete a reader's row with its stream and the rows that point to it: how much of what."""
    stream = reader_stream(reader.key)
    counts: Counter[str] = Counter({"interactions": 0, "preferences": 0})
    counts["wishes"] = int(bool(reader.wish))
    counts["events"] = Event.objects.filter(stream=stream).delete()[0]
    Stream.objects.filter(name=stream).delete()
    for model, _ in relations_to(Reader):
        rows = rows_pointing(model, Reader, reader.pk)
        if rows is not None:
            _delete(rows, counts)
    Reader.objects.filter(pk=reader.pk).delete()
    return counts


def _named(looked_for: Traces) -> dict[type[Model], list[Any]]:
    """The rows, by table, that neither point to the reader nor are of its stream but name it."""
    stream = reader_stream(looked_for.key)
    found = {}
    for model in tables():
        if model in (Reader, Stream):
            continue
        rows = rows_naming(model, looked_for.marks)
        if rows is not None and model is Event:
            rows = rows.exclude(stream=stream)
        pks = list(rows.values_list("pk", flat=True)) if rows is not None else []
        about = rows_pointing(model, Reader, looked_for.pk)
        if about is not None and model._meta.label in _DELETED:
            pks += about.values_list("pk", flat=True)
        if pks:
            found[model] = pks
    return found


def _clear_named(named: dict[type[Model], list[Any]], counts: Counter[str]) -> list[str]:
    """Delete or empty those rows; the tables with rows that had to stay as they are."""
    left = []
    for model, pks in named.items():
        rows = model._base_manager.filter(pk__in=pks)
        label = model._meta.label
        if label in _EMPTIED:
            counts["mentions"] += rows.update(**_EMPTIED[label])
        elif label in _DELETED or (model._meta.app_label == "recommend" and label not in _SHARED):
            _delete(rows, counts)
        elif rows.exists():
            left.append(label)
    return left


def _delete(rows: Any, counts: Counter[str]) -> None:
    for label, number in rows.delete()[1].items():
        counts[_NAMES.get(label, label)] += number


_NAMES = {
    "recommend.Interaction": "interactions",
    "recommend.Preference": "preferences",
    "recommend.ReplacedEvent": "replaced events",
}


def _let_go(looked_for: Traces) -> None:
    """What lies outside the database: predictions in memory, files, the reader's open pages."""
    gateway.drop_cached(ENCODER)
    traces.files_clear(looked_for.marks)
    _tell_forgotten(reader_stream(looked_for.key))


def _tell_forgotten(stream: str) -> None:
    layer = get_channel_layer()
    if layer is not None:
        message = {"type": "reader.forgotten", "stream": stream}
        async_to_sync(layer.group_send)(group_name(stream), message)
