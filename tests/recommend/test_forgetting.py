"""A reader who used everything is forgotten: no table, file or cache holds a trace of them."""

from __future__ import annotations

import gc
import json
import sys
import types
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.apps import apps
from django.db import connection, models
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import AuditEntry, User
from apps.core import gateway
from apps.core.errors import InvalidInput, NotAllowed
from apps.core.models import Event, Job
from apps.core.traces import log_truncate, relations_to
from apps.modelhub.services import example_add
from apps.recommend import behaviour, tasks
from apps.recommend.forget_views import RECEIPT
from apps.recommend.models import ForgetReceipt, Item, Reader
from apps.recommend.services import events
from apps.recommend.services.forgetting import reader_forget
from apps.recommend.services.readers import reader_for_key, reader_for_user, wish_set
from apps.recommend.traces import proof_of, sealed
from apps.recommend.visitors import COOKIE, cookie_value
from ml.serving.fakes import FakeEngine
from tests.recommend.factories import ReaderFactory, did, load_books

MARK = "zanzibarquince"


@pytest.fixture
def engine(engine: FakeEngine) -> Iterator[FakeEngine]:
    """One that keeps what it computed, as the real one does."""
    caching = FakeEngine(cache_size=64)
    gateway.use_engine(caching)
    yield caching
    caching.close()


def used_everything(client: Client, user: User) -> Reader:
    """A signed-in reader who has left the mark, or an id, in every place that there is."""
    client.force_login(user)
    client.get(reverse("recommend:search"), {"q": f"a captain {MARK}"})
    reader = reader_for_user(user=user)
    wish_set(reader=reader, sentence=f"storms and {MARK} at sea, no {MARK} ghosts")
    acts = [("sea-1", "save"), ("sea-2", "like"), ("sea-2", "dislike"), ("ghost-1", "click")]
    for at, (item, kind) in enumerate(acts):
        events.interaction_record(
            reader=reader, item_id=item, kind=kind, event_id=f"{MARK}-{at}", source="test"
        )
    events.preference_set(reader=reader, subject="tag", value=f"{MARK} tales", stance="more")
    client.get(reverse("recommend:home"))
    client.get(reverse("recommend:profile"))
    example_add(app="discover", task="topic", text=f"my {MARK}", new_label="sea", actor=user)
    mentioned_elsewhere(reader, user)
    return reader


def mentioned_elsewhere(reader: Reader, user: User) -> None:
    named = {"reader": str(reader.key), "words": MARK}
    Event.objects.create(stream="recommend.team", seq=1, kind="played", payload=named)
    AuditEntry.objects.create(action="played", object_id=str(reader.key), details=named)
    Job.objects.create(kind="recommend.play", title="Play", arguments=named, result=named)


def fill_every_relation(reader: Reader) -> list[str]:
    """A row of each table that points to readers, also of one that no feature above has filled."""
    labels = []
    for model, field in relations_to(Reader):
        labels.append(model._meta.label)
        if not model._base_manager.filter(**{field.name: reader}).exists():
            _row(model, {field.name: reader}, MARK)
    return labels


def _row(model: type[models.Model], given: dict[str, Any], words: str) -> models.Model:
    values = {
        field.name: _value(field, words)
        for field in model._meta.concrete_fields
        if not (field.name in given or field.has_default() or isinstance(field, models.AutoField))
    }
    return model._base_manager.create(**given, **values)


def _value(field: Any, words: str) -> Any:
    if field.null:
        return None
    if field.is_relation:
        other = field.related_model
        return other._base_manager.first() or _row(other, {}, "anything")
    if isinstance(field, models.DateTimeField):
        return timezone.now()
    if isinstance(field, models.JSONField):
        return [[words, 1.0]]
    if isinstance(field, models.CharField | models.TextField):
        return words[: field.max_length]
    return uuid.uuid4() if isinstance(field, models.UUIDField) else 0


@pytest.fixture
def later_table(transactional_db: None) -> Iterator[type[models.Model]]:
    """A table that nobody told the forgetting of: it names readers without pointing to them."""

    class Sighting(models.Model):  # noqa: DJ008
        reader_key = models.UUIDField()
        words = models.TextField()

        class Meta:
            app_label = "recommend"

    with connection.schema_editor() as editor:
        editor.create_model(Sighting)
    yield Sighting
    with connection.schema_editor() as editor:
        editor.delete_model(Sighting)
    del apps.all_models["recommend"]["sighting"]
    apps.clear_cache()


def traces_in_tables(marks: list[str], pk: int) -> list[str]:
    """``table.column`` of every column with a mark, and of every foreign key to the reader."""
    found = []
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            quoted = connection.ops.quote_name(table)
            keys = connection.introspection.get_relations(cursor, table)
            for column in connection.introspection.get_table_description(cursor, table):
                name = connection.ops.quote_name(column.name)
                text = f"lower(CAST({name} AS TEXT))"
                wanted, values = [f"{text} LIKE %s"] * len(marks), [f"%{mark}%" for mark in marks]
                if keys.get(column.name, ("", ""))[1] == "recommend_reader":
                    wanted.append(f"{name} = %s")
                    values.append(str(pk))
                cursor.execute(f"SELECT 1 FROM {quoted} WHERE {' OR '.join(wanted)}", values)
                if cursor.fetchone():
                    found.append(f"{table}.{column.name}")
    return found


def traces_in_memory(marks: list[str]) -> list[str]:
    """Names of what the modules of the project hold, caches included, that contain a mark."""
    found, seen = [], set()
    roots = [
        (f"{name}.{key}", value)
        for name, module in list(sys.modules.items())
        if name.split(".")[0] in ("apps", "ml") and module is not None
        for key, value in list(vars(module).items())
    ]
    while roots:
        name, value = roots.pop()
        kind = type(value)  # not isinstance, which has lazy objects make up their mind
        if id(value) in seen or issubclass(kind, type | types.ModuleType):
            continue
        seen.add(id(value))
        if issubclass(kind, str | bytes) or kind.__name__ == "UUID":
            text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
            if any(mark in text.lower() for mark in marks):
                found.append(name)
        elif not issubclass(kind, types.FunctionType | np.ndarray):
            inner = name if len(name) > 300 else f"{name} {kind.__name__}"
            roots += [(inner, held) for held in gc.get_referents(value)]
    return found


def traces_in_files(folders: list[Path], marks: list[str]) -> list[str]:
    return [
        f"{path.name}: {mark}"
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
        for mark in marks
        if mark.encode() in path.read_bytes().lower()
    ]


@pytest.mark.django_db(transaction=True)
def test_nothing_of_a_reader_is_left_anywhere(
    client: Client,
    mei: User,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    engine: FakeEngine,
    later_table: type[models.Model],
) -> None:
    load_books()
    monkeypatch.setattr(behaviour, "LEAST_POSITIVES", 1)
    other = ReaderFactory()
    did(other, "save", "sea-1", "sea-3", "ghost-2")
    reader = used_everything(client, mei)
    labels = fill_every_relation(reader)
    later_table._base_manager.create(reader_key=reader.key, words=MARK)
    assert tasks.fit_behaviour.func()
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / "refused.errors.csv").write_text(f"2,reader {reader.key}\n")
    marks = [str(reader.key), reader.key.hex, MARK]
    before = traces_in_tables(marks, reader.pk)
    for table in (
        "recommend_interaction.event_id",
        "recommend_preference.value",
        "recommend_replacedevent.event_id",
        "recommend_impression.reader_id",
        "recommend_reader.wish",
        "core_stream.name",
        "core_event.payload",
        "core_job.arguments",
        "accounts_auditentry.details",
        "modelhub_labelledexample.text",
        "recommend_sighting.reader_key",
    ):
        assert table in before
    assert {"recommend.Exposure", "recommend.Impression"} <= set(labels)
    engine.gate.batches.clear()  # what the fake alone notes down
    assert traces_in_memory(marks)

    response = client.post(reverse("recommend:forget"))
    shown = client.get(response.url)

    assert traces_in_tables(marks, reader.pk) == []
    assert traces_in_memory(marks) == []
    assert list(other.interactions.values_list("item__external_id", flat=True)) == [
        "sea-1",
        "sea-3",
        "ghost-2",
    ]
    receipt = shown.context["receipt"]
    assert receipt["deleted"]["interactions"] == 3
    assert receipt["deleted"]["examples"] == 1
    assert receipt["deleted"]["mentions"] == 3
    proof = receipt["proof"]
    # The links between items were fitted to what the reader did: the receipt says so until the
    # next fit, which does not wait for its period.
    assert (proof["rows"], proof["events"], proof["cached"], proof["files"]) == (0, 0, 0, [])
    assert proof["fitted"] == 1
    assert b"Not all is gone yet" in shown.content
    assert tasks.settle_forgotten.func()
    shown = client.get(response.url)
    assert shown.context["receipt"]["proof"]["clean"]
    assert b"Nothing found" in shown.content
    assert set(labels) <= set(shown.context["receipt"]["proof"]["tables"])
    folders = [tmp_path]
    if connection.vendor == "sqlite":
        log_truncate()
        folders.append(Path(connection.settings_dict["NAME"]).parent)
    assert traces_in_files(folders, marks) == []


@pytest.mark.django_db
def test_a_receipt_names_nobody_and_only_its_own_text_looks_again(
    client: Client, books: None
) -> None:
    reader = ReaderFactory(external_id="customer-4711-of-a-shop")
    did(reader, "save", "sea-1")
    receipt, looked_for = reader_forget(reader=reader)
    kept = str(list(ForgetReceipt.objects.values_list()))
    assert not [mark for mark in looked_for.marks if mark in kept]
    seal = sealed(looked_for, receipt)
    assert proof_of(seal).is_clean
    Event.objects.create(stream="other", seq=1, kind="x", payload={"of": reader.external_id})
    answer = client.post(
        reverse("api-recommend-receipt-check"), {"check": seal}, content_type="application/json"
    ).json()
    assert (answer["receipt"], answer["proof"]["events"]) == (receipt.number, 1)
    assert not answer["proof"]["clean"]
    for forged in ("", "x:y:z", seal[:-2], sealed(looked_for, ForgetReceipt(number="0" * 12))):
        with pytest.raises(InvalidInput):
            proof_of(forged)


@pytest.mark.django_db
def test_what_must_not_be_deleted_for_others_is_named(reader: Reader, books: None) -> None:
    item = Item.objects.get(external_id="sea-1")
    Item.objects.filter(pk=item.pk).update(text=f"A letter to {reader.key}.")
    receipt, _ = reader_forget(reader=reader)
    assert receipt.left == ["recommend.Item"]
    assert Item.objects.filter(pk=item.pk).exists()


@pytest.mark.django_db
def test_an_open_page_does_not_bring_a_forgotten_reader_back(
    client: Client, reader: Reader, books: None
) -> None:
    client.cookies[COOKIE] = cookie_value(reader.key)
    client.post(reverse("recommend:forget"))
    client.cookies[COOKIE] = cookie_value(reader.key)
    with pytest.raises(NotAllowed):
        reader_for_key(key=reader.key)
    response = client.get(reverse("recommend:profile"))
    assert response.cookies[COOKIE].value != cookie_value(reader.key)
    assert not Reader.objects.exists()


@pytest.mark.django_db
def test_without_a_history_there_is_nothing_to_forget(client: Client, books: None) -> None:
    response = client.post(reverse("recommend:forget"), follow=True)
    assert b"Nothing was known about you" in response.content
    assert client.get(reverse("recommend:receipt")).status_code == 422
    client.cookies[RECEIPT] = "forged"
    assert b"Nothing was known" in client.get(reverse("recommend:forgotten")).content
    assert not ForgetReceipt.objects.exists()


@pytest.mark.django_db
def test_ones_data_are_exported_whole_but_for_vectors(
    client: Client, mei: User, books: None
) -> None:
    reader = used_everything(client, mei)
    file = client.get(reverse("recommend:export"))
    assert "attachment" in file["Content-Disposition"]
    found = json.loads(file.content)
    assert found["reader"]["wish"] == reader.wish
    assert "wish_vectors" not in found["reader"]
    assert found["left_out"] == ["recommend.Reader.wish_vectors"]
    rows = found["tables"]["recommend.Interaction"]
    assert [row["item"] for row in rows] == ["sea-1", "sea-2", "ghost-1"]
    assert found["tables"]["recommend.ReplacedEvent"][0]["event_id"] == f"{MARK}-1"
    assert found["events"][0]["payload"]["cause"]["kind"] == "wish"
    assert found["examples"][0]["text"] == f"my {MARK}"
    assert set(found["tables"]) == {model._meta.label for model, _ in relations_to(Reader)}
    again = client.get(reverse("api-recommend-export")).json()
    assert {name: len(rows) for name, rows in again["tables"].items()} == {
        name: len(rows) for name, rows in found["tables"].items()
    }


@pytest.mark.django_db
def test_nobody_exports_or_forgets_another_reader(
    client: Client, mei: User, keeper_client: Client, books: None
) -> None:
    theirs = reader_for_user(user=mei)
    did(theirs, "save", "sea-1")
    visitor = ReaderFactory()
    did(visitor, "save", "sea-2")
    export, profile = reverse("api-recommend-export"), reverse("api-recommend-profile")
    # A cookie made with an account's key, and one that nobody signed, open no reader.
    for cookie in (cookie_value(theirs.key), str(visitor.key)):
        client.cookies[COOKIE] = cookie
        assert client.get(export).status_code == 404
        assert json.loads(client.get(reverse("recommend:export")).content)["reader"] is None
    client.cookies[COOKIE] = cookie_value(visitor.key)
    for call in (client.get, client.delete):
        url = export if call == client.get else profile
        assert call(f"{url}?reader={theirs.key}").status_code == 403
        assert call(f"{url}?reader=unknown").status_code == 403
    assert client.get(export).json()["tables"]["recommend.Interaction"][0]["item"] == "sea-2"
    assert Reader.objects.count() == 2
    assert keeper_client.get(f"{export}?reader=unknown").status_code == 404
    assert keeper_client.get(f"{export}?reader={theirs.key}").status_code == 200
    receipt = keeper_client.delete(f"{profile}?reader={theirs.key}").json()
    assert receipt["deleted"]["interactions"] == 1
    assert list(Reader.objects.exclude(pk=visitor.pk).values_list("user__username")) == [
        ("keeper",)
    ]
