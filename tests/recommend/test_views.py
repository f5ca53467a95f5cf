from __future__ import annotations

from unittest.mock import ANY

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.core.models import Job
from apps.recommend.models import Interaction, Item, Reader
from apps.recommend.services.catalogue import item_delete
from apps.recommend.visitors import COOKIE
from ml.serving.fakes import FakeEngine
from tests.recommend.factories import load_books

pytestmark = pytest.mark.django_db


def act(
    client: Client,
    item_id: str,
    kind: str = "save",
    event_id: str = "e1",
    value: float | None = None,
) -> None:
    event = {"event_id": event_id, "item_id": item_id, "kind": kind, "value": value}
    response = client.post(
        reverse("api-recommend-interactions"),
        {"interactions": [event]},
        content_type="application/json",
    )
    assert response.json()["refused"] == []


@pytest.mark.parametrize("name", ["home", "search", "profile"])
def test_pages_open_without_an_account_and_leave_no_row(
    client: Client, books: None, name: str
) -> None:
    response = client.get(reverse(f"recommend:{name}"))
    assert response.status_code == 200
    assert response.cookies[COOKIE]["httponly"]
    assert not Reader.objects.exists()


def test_an_empty_catalogue_says_so(client: Client) -> None:
    assert b"The catalogue is empty" in client.get(reverse("recommend:home")).content


def test_the_visitor_is_known_again_by_the_cookie(client: Client, books: None) -> None:
    client.get(reverse("recommend:home"))
    act(client, "sea-1")
    page = client.get(reverse("recommend:home"))
    assert b"Because you saved The Salt Road" in page.content
    assert b"The Salt Road" in client.get(reverse("recommend:profile")).content
    assert b"The Salt Road" not in Client().get(reverse("recommend:profile")).content


def test_signing_up_keeps_the_history(client: Client, books: None) -> None:
    client.get(reverse("recommend:home"))
    act(client, "sea-1")
    client.post(
        reverse("accounts:sign-up"), {"username": "newcomer", "password": "a-long-enough-word"}
    )
    user = User.objects.get(username="newcomer")
    assert Reader.objects.get(user=user).interactions.count() == 1


def test_after_signing_out_the_browser_is_a_stranger(
    client: Client, books: None, mei: User
) -> None:
    client.get(reverse("recommend:home"))
    act(client, "sea-1")
    client.post(
        reverse("accounts:sign-in"), {"username": mei.username, "password": "correct-horse"}
    )
    assert Reader.objects.get(user=mei).interactions.count() == 1
    client.post(reverse("accounts:sign-out"))
    assert b"Nothing saved yet" in client.get(reverse("recommend:profile")).content


def test_markup_in_titles_is_escaped_everywhere(client: Client) -> None:
    title = "<script>alert('x')</script> & <img src=x onerror=alert(1)>"
    load_books(
        {"item_id": "<b>evil</b>/x", "title": title, "text": f"ocean {title}", "tags": title}
    )
    client.get(reverse("recommend:home"))
    act(client, "<b>evil</b>/x", kind="like")
    for url in (
        reverse("recommend:home"),
        reverse("recommend:search") + "?q=alert+<script>",
        reverse("recommend:item", args=["<b>evil</b>/x"]),
        reverse("recommend:profile"),
    ):
        content = client.get(url).content
        assert b"<script>alert" not in content
        assert b"<img src=x" not in content
        assert b"<b>evil" not in content


def test_the_item_page_shows_what_is_like_it_and_why(client: Client, books: None) -> None:
    client.get(reverse("recommend:home"))
    act(client, "sea-1")
    response = client.get(reverse("recommend:item", args=["sea-4"]))
    assert b"You saved The Salt Road" in response.content
    assert b"Harbour Lights" in response.content


def test_the_item_page_shows_what_one_rated(client: Client, books: None) -> None:
    client.get(reverse("recommend:home"))

    def given() -> list[int]:
        stars = client.get(reverse("recommend:item", args=["sea-4"])).context["stars"]
        return [number for number, is_given in stars if is_given]

    assert given() == []
    act(client, "sea-4", kind="rating", value=4, event_id="four")
    assert given() == [4]
    act(client, "sea-4", kind="rating", value=8, event_id="eight")  # of ten, told by a program
    assert given() == []


@pytest.mark.parametrize("item_id", ["nothing", "sea-1"])
def test_a_missing_item_is_a_page_of_its_own(client: Client, books: None, item_id: str) -> None:
    item_delete(external_id="sea-1")
    response = client.get(reverse("recommend:item", args=[item_id]))
    assert response.status_code == 404
    assert b"item" in response.content


def test_an_item_without_text_or_tags_has_a_page(client: Client) -> None:
    load_books({"item_id": "bare", "title": "Bare"})
    response = client.get(reverse("recommend:item", args=["bare"]))
    assert b"There is no description" in response.content


def test_search_marks_the_matched_words(client: Client, books: None) -> None:
    response = client.get(reverse("recommend:search"), {"q": "castle garden"})
    assert b"<mark>castle</mark> <mark>garden</mark>" in response.content


def test_search_says_when_the_models_are_away(
    client: Client, books: None, engine: FakeEngine
) -> None:
    with engine.overloaded():
        response = client.get(reverse("recommend:search"), {"q": "castle"})
    assert response.status_code == 200
    assert b"busy at this moment" in response.content


def test_forgetting_shows_a_receipt_and_starts_afresh(client: Client, books: None) -> None:
    client.get(reverse("recommend:home"))
    act(client, "sea-1")
    before = client.cookies[COOKIE].value
    response = client.post(reverse("recommend:forget"))
    assert response.cookies[COOKIE].value not in ("", before)
    assert b"You are forgotten" in client.get(response.url).content
    assert not Interaction.objects.exists()
    assert b"Nothing saved yet" in client.get(reverse("recommend:profile")).content


def test_the_catalogue_page_is_for_administrators(client: Client, mei: User) -> None:
    url = reverse("recommend:catalogue")
    assert client.get(url).status_code == 403
    client.force_login(mei)
    assert client.get(url).status_code == 403
    assert client.post(url, {"kind": "items"}).status_code == 403


def test_an_administrator_imports_an_upload_as_a_job(
    keeper_client: Client, django_capture_on_commit_callbacks: ANY
) -> None:
    upload = SimpleUploadedFile("new.csv", b"item_id,title,text,tags\na,One,t,x\n")
    with django_capture_on_commit_callbacks(execute=True):
        response = keeper_client.post(
            reverse("recommend:catalogue"), {"kind": "items", "file": upload}
        )
    job = Job.objects.get(kind="recommend.import_items")
    assert response.url == reverse("core:job", args=[job.id])
    assert job.status == Job.Status.SUCCEEDED
    assert Item.objects.filter(external_id="a").exists()


def test_a_bad_upload_fails_its_job_with_the_row(
    keeper_client: Client, django_capture_on_commit_callbacks: ANY
) -> None:
    upload = SimpleUploadedFile("bad.csv", b"item_id,title,text,tags\na,,t,x\n")
    with django_capture_on_commit_callbacks(execute=True):
        keeper_client.post(reverse("recommend:catalogue"), {"kind": "items", "file": upload})
    job = Job.objects.get(kind="recommend.import_items")
    assert job.status == Job.Status.FAILED
    assert "bad.csv, row 2: title is empty" in job.message


def test_an_upload_of_another_type_is_refused(keeper_client: Client) -> None:
    upload = SimpleUploadedFile("evil.exe", b"MZ")
    response = keeper_client.post(reverse("recommend:catalogue"), {"kind": "items", "file": upload})
    assert response.status_code == 422
    assert not Job.objects.exists()


def test_a_stay_is_told_by_a_beacon_and_counts_once(client: Client, books: None) -> None:
    client.get(reverse("recommend:home"))
    url = reverse("recommend:stay", args=["sea-1"])
    told = {"event_id": "stay-1", "seconds": "42"}
    assert client.post(url, told).status_code == 204
    assert not Reader.objects.exists()  # who has done nothing yet leaves nothing behind
    act(client, "sea-2")
    for _ in range(2):
        assert client.post(url, told).status_code == 204
    stayed = Interaction.objects.get(kind="dwell")
    assert (stayed.item.external_id, stayed.value, stayed.source) == ("sea-1", 42.0, "beacon")


@pytest.mark.parametrize(
    "told", [{}, {"event_id": "e", "seconds": "long"}, {"event_id": "e", "seconds": "-1"}]
)
def test_a_beacon_without_sense_stores_nothing(
    client: Client, books: None, told: dict[str, str]
) -> None:
    client.get(reverse("recommend:home"))
    act(client, "sea-2")
    assert client.post(reverse("recommend:stay", args=["sea-1"]), told).status_code == 422
    assert not Interaction.objects.filter(kind="dwell").exists()


def test_a_beacon_of_another_site_is_refused(books: None) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.get(reverse("recommend:home"))
    told = {"event_id": "e", "seconds": "42"}
    assert strict.post(reverse("recommend:stay", args=["sea-1"]), told).status_code == 403
