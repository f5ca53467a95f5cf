from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.accounts.models import User
from apps.core.models import Job
from apps.market.models import Alert, Article, Company, Rule, Source
from tests.market.factories import (
    AlertFactory,
    ArticleFactory,
    RuleFactory,
    ScoreFactory,
    SourceFactory,
    news,
    take_in,
)

pytestmark = pytest.mark.django_db(transaction=True)

ClientFor = Callable[[User], Client]
PAGES = ["/market/", "/market/tape/", "/market/alerts/", "/market/rules/", "/market/sources/"]


@pytest.fixture
def client(client_for: ClientFor, analyst: User) -> Client:
    return client_for(analyst)


def html(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return answer.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_pages_open_empty(client: Client, page: str) -> None:
    text = html(client, page)
    assert "style=" not in text
    assert "<script>" not in text


@pytest.mark.parametrize("page", [*PAGES, "/market/articles/1/", "/market/companies/1/"])
def test_only_analysts_see_pages(client_for: ClientFor, member: User, page: str) -> None:
    assert client_for(member).get(page).status_code == 403
    answer = Client().get(page)
    assert answer.status_code == 302
    assert "sign-in" in answer.headers["Location"]


def test_the_monitor_shows_news_alerts_and_what_moved(
    client: Client, analyst: User, halvern: Company
) -> None:
    RuleFactory(owner=analyst, name="My bad news")
    take_in(news("Halvern Steel plunges <script>alert(1)</script>", "It fell."))
    text = html(client, "/market/")
    assert "Halvern Steel plunges &lt;script&gt;" in text
    assert "<script>alert" not in text
    assert "My bad news" in text
    assert "HALV" in text
    assert re.search(r'data-tape-seq="1"', text)
    assert "style=" not in text


def test_the_monitor_shows_no_alerts_of_others(client: Client, colleague: User) -> None:
    AlertFactory(owner=colleague, rule_name="A colleague's rule")
    assert "A colleague" not in html(client, "/market/")
    assert "A colleague" not in html(client, "/market/alerts/?state=all")


def test_the_tape_is_filtered_as_a_fragment(client: Client, halvern: Company) -> None:
    take_in(news("Halvern Steel gains"), news("rates stay"))
    text = html(client, "/market/tape/?company=HALV+%C2%B7+Halvern+Steel&sentiment=positive")
    assert ">Halvern Steel</mark> gains</a>" in text
    assert "rates stay" not in text
    assert "<html" not in text
    assert "No news matches" in html(client, "/market/tape/?text=nothing+like+it")
    assert client.get("/market/tape/?before=soon").status_code == 422


def test_older_news_is_a_click_away(client: Client) -> None:
    for _ in range(45):
        ScoreFactory(article=ArticleFactory())
    text = html(client, "/market/")
    assert text.count('class="tape-row"') == 40 + 1  # one of them is the template of live rows
    found = re.search(r'hx-get="(/market/tape/\?[^"]*before=[^"]*)"', text)
    assert found
    assert html(client, found[1].replace("&amp;", "&")).count('class="tape-row"') == 5


def test_repeats_are_folded_into_their_story(client: Client, halvern: Company) -> None:
    title = "Halvern Steel gains after court clears the merger with Kobrand"
    take_in(*[news(title, "Done.", url=f"https://w.example/{n}") for n in range(4)])
    text = html(client, "/market/tape/")
    assert text.count('class="tape-row"') == 1
    assert "<span data-similar>3</span>" in text


def test_an_article_shows_names_scores_and_its_story(
    client: Client, analyst: User, halvern: Company
) -> None:
    title, body = "Halvern Steel gains", "Shares of Halvern <b>rose</b>. Good."
    first, repeat = take_in(
        news(title, body, url="https://w.example/1"), news(title, body, url="https://w.example/2")
    )
    text = html(client, f"/market/articles/{first.pk}/")
    assert text.count("<mark") == 2
    assert "&lt;b&gt;rose" in text
    assert f"/market/articles/{repeat.pk}/" in text
    assert "style=" not in text
    assert "not found" in html(client, "/market/articles/999999/", 404).lower()


def test_an_article_that_waits_or_failed_says_so(client: Client) -> None:
    waiting = ArticleFactory(status=Article.Status.STORED)
    failed = ArticleFactory(status=Article.Status.FAILED, error="the model broke")
    assert "Waiting to be scored" in html(client, f"/market/articles/{waiting.pk}/")
    assert "the model broke" in html(client, f"/market/articles/{failed.pk}/")


def test_a_company_has_its_course_and_its_news(client: Client, halvern: Company) -> None:
    assert "No news yet" in html(client, f"/market/companies/{halvern.pk}/")
    take_in(news("Halvern Steel gains"))
    text = html(client, f"/market/companies/{halvern.pk}/")
    assert "<circle" in text
    assert "Halvern Steel gains" in text
    assert "style=" not in text


def form(**values: Any) -> dict[str, Any]:
    return {"sentiment": "negative", "threshold": "70", "cooldown_minutes": "60", **values}


def test_a_rule_is_made_from_the_form(client: Client, analyst: User, halvern: Company) -> None:
    answer = client.post("/market/rules/", form(company="HALV · Halvern Steel", enabled="on"))
    assert answer.status_code == 302
    rule = Rule.objects.get()
    assert (rule.owner, rule.company, rule.threshold, rule.cooldown_minutes) == (
        analyst,
        halvern,
        0.7,
        60,
    )
    assert "Alert me when news about Halvern Steel is bad" in html(client, "/market/rules/")
    client.post(f"/market/rules/{rule.pk}/", form(company="HALV", threshold="90", name="Mine"))
    rule.refresh_from_db()
    assert (rule.threshold, rule.name, rule.enabled) == (0.9, "Mine", False)
    client.post(f"/market/rules/{rule.pk}/delete/")
    assert not Rule.objects.exists()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"company": "Nobody Ltd"}, "No company is called “Nobody Ltd”"),
        ({"sentiment": "", "topic": ""}, "else all news would alert"),
        ({"threshold": "100"}, "less than or equal to 99"),
    ],
)
def test_an_unusable_form_says_why(client: Client, values: dict[str, str], told: str) -> None:
    answer = client.post("/market/rules/", form(**values))
    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert not Rule.objects.exists()


def test_the_preview_counts_what_would_have_matched(client: Client, halvern: Company) -> None:
    take_in(news("Halvern Steel plunges"))
    text = client.post("/market/rules/preview/", form()).content.decode()
    assert "would have raised 1 alert" in text
    assert "Halvern Steel plunges" in text
    assert (
        "No company is called"
        in client.post("/market/rules/preview/", form(company="zzz")).content.decode()
    )


def test_another_analysts_rule_is_unknown(client: Client, colleague: User) -> None:
    rule = RuleFactory(owner=colleague, name="Secret rule")
    assert client.get(f"/market/rules/{rule.pk}/").status_code == 404
    assert client.post(f"/market/rules/{rule.pk}/", form()).status_code == 404
    assert client.post(f"/market/rules/{rule.pk}/delete/").status_code == 404
    assert "Secret rule" not in html(client, "/market/rules/")


def test_all_alerts_are_acknowledged_from_the_inbox(
    client: Client, analyst: User, colleague: User
) -> None:
    AlertFactory.create_batch(2, owner=analyst)
    AlertFactory(owner=colleague)
    client.post("/market/alerts/acknowledge/")
    assert Alert.objects.filter(state="new").count() == 1
    AlertFactory(owner=analyst)
    answer = client.post("/api/v1/market/alerts/acknowledge/")
    assert answer.json() == {"acknowledged": 1}
    assert Alert.objects.get(state="new").owner == colleague


def test_feeds_are_added_polled_and_paused(client: Client) -> None:
    client.post("/market/sources/", {"url": "http://127.0.0.1:1/feed.xml", "name": "Inside"})
    source = Source.objects.get()
    assert (source.state, source.error_code) == ("failing", "address_refused")
    assert "leads to a private address" in html(client, "/market/sources/")
    client.post(f"/market/sources/{source.pk}/poll/")
    client.post(f"/market/sources/{source.pk}/pause/", {"paused": "1"})
    source.refresh_from_db()
    assert source.state == "paused"
    answer = client.post("/market/sources/", {"url": "ftp://x.example/"})
    assert answer.status_code == 422
    assert "no http or https address" in answer.content.decode()


def test_a_poll_that_fails_is_shown_as_failed(client: Client) -> None:
    client.post("/market/sources/", {"url": "http://127.0.0.1:1/feed.xml", "name": "Inside"})
    job = Job.objects.get()
    assert (job.status, job.result["code"]) == ("failed", "address_refused")
    assert "leads to a private address" in job.message


def test_a_feed_is_polled_as_often_as_its_form_says(client: Client) -> None:
    address = {"url": "http://127.0.0.1:1/feed.xml", "name": "Slow wire"}
    refused = client.post("/market/sources/", {**address, "interval_seconds": "often"})
    assert refused.status_code == 422
    assert "between 60 and 86400 seconds" in refused.content.decode()
    client.post("/market/sources/", {**address, "interval_seconds": "3600"})
    assert Source.objects.get().interval_seconds == 3600
    assert "Every 60 min" in html(client, "/market/sources/")
    assert "failed once" in html(client, "/market/sources/")


def test_an_alert_has_the_shape_and_sign_of_what_raised_it(
    client: Client, analyst: User, halvern: Company
) -> None:
    for label, probability in (("negative", 0.91), ("positive", 0.86), ("neutral", 0.48)):
        AlertFactory(owner=analyst, label=label, probability=probability)
    for path in ("/market/", "/market/alerts/"):
        text = re.sub(r"<[^>]+>", "", html(client, path))
        for chip in ("▼negative−91%", "▲positive+86%", "●?unsure, perhaps neutral48%"):
            assert chip in text
    rows = client.get("/api/v1/market/alerts/").json()["results"]
    assert {row["label"]: row["confident"] for row in rows} == {
        "negative": True,
        "positive": True,
        "neutral": False,
    }


def test_a_file_is_uploaded_from_the_page(client: Client, settings: Any, tmp_path: Any) -> None:
    settings.VAR_DIR = tmp_path
    good = SimpleUploadedFile("a.csv", b"title\nHalvern gains\n")
    assert client.post("/market/sources/upload/", {"file": good}).status_code == 302
    assert Article.objects.count() == 1
    bad = client.post("/market/sources/upload/", {"file": SimpleUploadedFile("a.exe", b"x")})
    assert "only .csv and .jsonl" in bad.content.decode()
    text = html(client, "/market/sources/")
    assert "Import a.csv" in text
    assert "1 article waits to be scored" in text


def test_sources_are_listed_by_their_door(client: Client) -> None:
    SourceFactory(name="Posting wire")
    text = html(client, "/market/sources/")
    assert "Posting wire" in text
    assert "API" in text
