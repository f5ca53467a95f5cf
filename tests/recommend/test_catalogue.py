from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import AuditEntry, User
from apps.core.errors import InvalidInput
from apps.core.file_imports import RowError
from apps.core.models import Job
from apps.recommend import index, weights
from apps.recommend.item_values import shown_image
from apps.recommend.models import Item, Kind, Preference, Reader
from apps.recommend.rows import item_row
from apps.recommend.services import catalogue, events
from apps.recommend.services.imports import items_import
from apps.recommend.services.weights import weights_set
from tests.recommend.factories import load_books

pytestmark = pytest.mark.django_db

RICH = {
    "item_id": "r",
    "title": "Rich",
    "image_url": "https://img.example.org/r.png",
    "price": "12.5",
    "currency": "eur",
    "language": "pt-BR",
    "expires_at": "2999-01-01",
    "attributes": {"age": 12, "formats": ["paper", "sound"]},
}


def send(client: Client, method: str, url: str, body: Any) -> Any:
    return getattr(client, method)(url, json.dumps(body), content_type="application/json")


def test_an_item_keeps_all_it_says_and_is_left_alone_when_said_again(
    keeper_client: Client,
) -> None:
    url = reverse("api-recommend-items")
    assert send(keeper_client, "post", url, {"items": [RICH]}).json()["added"] == 1
    shown = keeper_client.get(reverse("api-recommend-item", args=["r"])).json()
    assert shown["image_url"] == RICH["image_url"]
    assert (shown["price"], shown["currency"], shown["language"]) == ("12.50", "EUR", "pt-br")
    assert shown["attributes"] == RICH["attributes"]
    assert send(keeper_client, "post", url, {"items": [RICH]}).json()["unchanged"] == 1
    gone = send(keeper_client, "post", url, {"delete": ["r", "unknown"]}).json()
    assert gone["deleted"] == 1


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("image_url", "http://img.example.org/r.png"),
        ("image_url", "javascript:alert(1)"),
        ("image_url", "https://me:secret@img.example.org/r.png"),
        ("image_url", "https://"),
        ("image_url", "https://10.0.0.1/r.png"),
        ("image_url", "https://[::1]/r.png"),
        ("image_url", "https://localhost/r.png"),
        ("price", "free"),
        ("price", -1),
        ("price", "NaN"),
        ("currency", "EURO"),
        ("language", "not a language"),
        ("expires_at", "soon"),
        ("attributes", "[1]"),
        ("attributes", '{"a": NaN}'),
        ("attributes", {"a": "x" * 20_000}),
        ("attributes", {"a": "\x00"}),
        ("attributes", {"a": "\ud800"}),
        ("attributes", '{"\\udfff": 1}'),
        ("published_at", "2026-02-31"),
        ("published_at", "2026-13"),
        ("item_id", ".."),
        ("item_id", "a/./b"),
    ],
)
def test_a_bad_value_is_named_with_its_column(column: str, value: Any) -> None:
    with pytest.raises(RowError, match=column):
        item_row({"item_id": "a", "title": "A", column: value})


def test_an_item_does_not_expire_before_it_is_out() -> None:
    dates = {"published_at": "2026-05", "expires_at": "2026-04-30"}
    with pytest.raises(RowError, match="expires_at is before published_at '2026-05'"):
        item_row({"item_id": "a", "title": "A", **dates})
    assert item_row({"item_id": "a", "title": "A", **dates, "expires_at": "2026-05-01"}).year


def test_half_characters_of_a_file_become_question_marks() -> None:
    row = item_row({"item_id": "a", "title": "On\ud800e", "tags": ["s\udfffea"]})
    assert (row.title, row.tags) == ("On?e", ("s?ea",))


def test_pictures_are_shown_from_named_hosts_alone(settings: Any) -> None:
    settings.IMAGE_HOSTS = ["img.example.org", "10.0.0.1:8443"]
    inside = {"item_id": "a", "title": "A", "image_url": "https://10.0.0.1:8443/r.png"}
    assert shown_image(item_row(inside).image_url)  # the policy names it
    assert shown_image(RICH["image_url"]) == RICH["image_url"]  # type: ignore[arg-type]
    assert shown_image("https://elsewhere.example.org/r.png") == ""


def test_items_come_and_go_with_their_dates(books: None) -> None:
    soon = (timezone.now() + timedelta(days=40)).date().isoformat()
    load_books({"item_id": "later", "title": "Later", "published_at": soon})
    assert not Item.objects.get(external_id="later").is_shown
    Item.objects.filter(external_id="sea-1").update(expires_at=timezone.now())
    Item.objects.filter(external_id="later").update(published="2001-01-01", year=2001)
    assert index.snapshot().shown[index.snapshot().by_external["sea-1"]]
    assert catalogue.items_follow_clock() == 2
    seen = index.snapshot()
    assert not seen.shown[seen.by_external["sea-1"]]
    assert seen.shown[seen.by_external["later"]]
    assert catalogue.items_follow_clock() == 0


def test_a_file_deletes_what_it_says_is_gone(books: None, tmp_path: Path) -> None:
    file = tmp_path / "i.csv"
    file.write_text("item_id,title,text,tags,deleted\nsea-1,,,,true\nnew,New,t,x,\n")
    report = items_import(path=file, skip_bad=False, progress=catalogue.NoProgress())
    assert (report.added, report.deleted, report.skipped) == (1, 1, 0)
    assert Item.objects.get(external_id="sea-1").deleted_at is not None


def test_bad_rows_are_listed_in_the_language_of_whoever_imports(
    keeper_client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    rows = b"item_id,title,text,tags\na,T,t,x\nb,,t,x\nc,T\n"
    keeper_client.cookies["django_language"] = "zh-hans"
    with django_capture_on_commit_callbacks(execute=True):
        keeper_client.post(
            reverse("recommend:catalogue"),
            {"kind": "items", "file": SimpleUploadedFile("bad.csv", rows), "skip_bad": "on"},
        )
    job = Job.objects.get()
    words = ["title 为空", "有 2 个单元格，表头有 4 个"]
    assert job.result["errors"] == [
        f"bad.csv，第 {row} 行：{told}" for row, told in zip((3, 4), words, strict=True)
    ]
    answer = keeper_client.get(reverse("recommend:catalogue-import-errors", args=[job.id]))
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines == ["row,problem", f"3,{words[0]}", f"4,{words[1]}"]


def test_all_bad_rows_of_an_import_are_downloaded(
    keeper_client: Client, mei: User, django_capture_on_commit_callbacks: Any
) -> None:
    rows = "".join(f"a{n},{'' if n % 2 else 'T'},t,x\n" for n in range(300))
    upload = SimpleUploadedFile("bad.csv", f"item_id,title,text,tags\n{rows}".encode())
    with django_capture_on_commit_callbacks(execute=True):
        keeper_client.post(
            reverse("recommend:catalogue"), {"kind": "items", "file": upload, "skip_bad": "on"}
        )
    job = Job.objects.get()
    assert (job.status, job.result["added"], job.result["skipped"]) == ("succeeded", 150, 150)
    assert len(job.result["errors"]) == 50
    assert not Path(job.arguments["path"]).exists()
    done = "150 new, 0 changed, 0 as they were, 0 deleted, 150 skipped"
    assert job.message == done
    page = keeper_client.get(reverse("recommend:catalogue")).content.decode()
    assert "Bad rows" in page
    assert done in page
    for name in ("recommend:catalogue-import-errors", "api-recommend-import-errors"):
        answer = keeper_client.get(reverse(name, args=[job.id]))
        lines = b"".join(answer.streaming_content).decode().splitlines()
        assert (lines[0], lines[1], len(lines)) == ("row,problem", "3,title is empty", 151)
    stranger = Client()
    stranger.force_login(mei)
    for name in ("recommend:catalogue-import-errors", "api-recommend-import-errors"):
        assert stranger.get(reverse(name, args=[job.id])).status_code == 403


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=whale+captain", {"The Salt Road", "The Whaler"}),
        ("q=ghost-3", {"The Tower"}),
        ("tag=storm", {"Under Canvas"}),
        ("state=unavailable", {"Red Planet"}),
        ("state=no_text", {"Bare"}),
        ("state=same_text", {"Twin"}),
        ("state=deleted", {"Quiet Stars"}),
        ("q=nothing+like+it", set()),
    ],
)
def test_items_are_found_by_words_and_state(
    keeper_client: Client, query: str, found: set[str]
) -> None:
    twins = [{"item_id": f"twin-{n}", "title": "Twin", "text": "One text."} for n in (1, 2)]
    load_books({"item_id": "bare", "title": "Bare"}, *twins)
    catalogue.item_delete(external_id="moon-3")
    Item.objects.filter(external_id="moon-2").update(available=False)
    page = keeper_client.get(f"{reverse('recommend:catalogue')}?{query}")
    assert {item.title for item in page.context["items"]} == found


def test_an_item_is_changed_deleted_and_brought_back_on_its_page(
    keeper_client: Client, books: None
) -> None:
    url = reverse("recommend:catalogue-item", args=["sea-1"])
    form = {"title": "<b>Salt</b>", "text": "A new text.", "tags": "a|b", "available": "on"}
    assert keeper_client.post(url, form).status_code == 302
    item = Item.objects.get(external_id="sea-1")
    assert (item.title, item.tags, item.vector_hash) == ("<b>Salt</b>", ["a", "b"], item.text_hash)
    assert b"<b>Salt" not in keeper_client.get(url).content
    refused = keeper_client.post(url, {**form, "price": "dear"})
    assert refused.status_code == 422
    assert b"price &#x27;dear&#x27;" in refused.content
    remove = reverse("recommend:catalogue-item-remove", args=["sea-1"])
    keeper_client.post(remove)
    assert Item.objects.get(external_id="sea-1").deleted_at is not None
    keeper_client.post(remove)
    assert Item.objects.get(external_id="sea-1").deleted_at is None


@pytest.mark.parametrize("name", ["catalogue", "catalogue-new", "weights", "api-recommend-weights"])
def test_the_teams_pages_are_for_administrators(client: Client, mei: User, name: str) -> None:
    url = reverse(name if name.startswith("api") else f"recommend:{name}")
    assert client.get(url).status_code in (401, 403)
    client.force_login(mei)
    assert client.get(url).status_code == 403


def test_event_weights_are_set_kept_and_restored(keeper: User, keeper_client: Client) -> None:
    before = weights.strength_of("click", None)
    url = reverse("api-recommend-weights")
    answer = send(keeper_client, "patch", url, {"weights": {"click": 0.7, "rating": 2}})
    assert answer.json()["weights"]["click"] == 0.7
    assert weights.strength_of("click", None) == pytest.approx(0.7)
    assert weights.strength_of("rating", 5.0) == pytest.approx(2.0)
    entry = AuditEntry.objects.get(action="event_weights.changed")
    assert entry.details["weights"]["click"] == [before, 0.7]
    for bad in ({"stare": 1}, {"click": 99}):
        assert send(keeper_client, "patch", url, {"weights": bad}).status_code == 422
    page = reverse("recommend:weights")
    assert keeper_client.post(page, {"click": "much"}).status_code == 422
    keeper_client.post(page, {"restore": "1"})
    assert weights.strength_of("click", None) == pytest.approx(before)
    with pytest.raises(InvalidInput):
        weights_set(actor=keeper, given={"click": float("nan")})


def record(reader: Reader, **values: Any) -> None:
    given = {"kind": "not_interested", "event_id": "e1", "source": "test", **values}
    events.interaction_record(reader=reader, item_id="sea-1", **given)


def test_dwell_says_more_the_longer_it_is(reader: Reader, books: None) -> None:
    record(reader, kind="dwell", value=30)
    assert weights.strength_of(Kind.DWELL, 30) == pytest.approx(weights.DEFAULTS["dwell"] / 2)
    with pytest.raises(InvalidInput, match="seconds"):
        record(reader, kind="dwell", event_id="e2")


def test_not_interested_in_a_topic_or_an_author_mutes_it_once(reader: Reader, books: None) -> None:
    record(reader, subject="author")
    record(reader, subject="topic", name="adventure", event_id="e2")
    muted = {(row.subject, row.value) for row in reader.preferences.all()}
    assert muted == {("author", "Ada North"), ("tag", "adventure")}
    Preference.objects.all().delete()
    record(reader, subject="author")  # the same event again
    assert not reader.preferences.exists()
    with pytest.raises(InvalidInput, match="has no topic"):
        record(reader, subject="topic", name="ghosts", event_id="e3")
    assert not reader.interactions.filter(event_id="e3").exists()
    with pytest.raises(InvalidInput, match="subject"):
        record(reader, kind="save", subject="author", event_id="e4")
