from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.accounts.models import User
from apps.accounts.services import token_create
from apps.market.models import Alert, Article, Company, Rule, Source
from tests.market.factories import AlertFactory, RuleFactory, SourceFactory, news, take_in

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = "/api/v1/market"
ClientFor = Callable[[User], Client]


class Api:
    """A client that speaks JSON."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        answer = self._client.generic(
            method, f"{ROOT}/{path}", json.dumps(body), "application/json"
        )
        return answer.status_code, answer.json() if answer.content else None


@pytest.fixture
def api(client_for: ClientFor, analyst: User) -> Api:
    return Api(client_for(analyst))


def test_an_article_is_posted_with_a_token(analyst: User, halvern: Company) -> None:
    _, secret = token_create(user=analyst, name="wire")
    answer = Client().post(
        f"{ROOT}/articles",
        news("Halvern Steel gains", url="https://w.example/1"),
        content_type="application/json",
        headers={"Authorization": f"Token {secret}"},
    )
    assert answer.status_code == 201
    assert answer.json()["results"][0]["status"] == "created"


def test_posting_again_changes_nothing(api: Api) -> None:
    record = news("Halvern gains", url="https://w.example/1")
    assert api("POST", "articles/", record)[0] == 201
    status, body = api("POST", "articles/", record)
    assert (status, body["unchanged"]) == (200, 1)
    assert Article.objects.count() == 1


def test_a_batch_keeps_its_good_rows_and_names_the_bad_ones(api: Api) -> None:
    batch = [news("Halvern gains"), news(""), "no object", news("x", url="javascript:alert(1)")]
    status, body = api("POST", "articles/", batch)
    assert (status, body["created"], body["invalid"]) == (207, 1, 3)
    assert [result["status"] for result in body["results"]] == ["created", *["invalid"] * 3]
    assert body["results"][1]["detail"] == "'title' is empty"
    assert Article.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ([], 422, "batch_empty"),
        ([{}] * 501, 422, "batch_too_large"),
        ({"title": "x"}, 422, "invalid_input"),
        ("text", 422, "invalid_input"),
        (None, 422, "invalid_input"),
    ],
)
def test_unusable_posts_are_refused(api: Api, body: Any, status: int, code: str) -> None:
    found, answer = api("POST", "articles/", body)
    assert (found, answer["code"]) == (status, code)


def test_a_batch_of_unusable_rows_alone_is_refused(api: Api) -> None:
    assert api("POST", "articles/", [{}, {}])[0] == 422


def test_what_is_not_json_is_refused(client_for: ClientFor, analyst: User) -> None:
    answer = client_for(analyst).generic(
        "POST", f"{ROOT}/articles/", b"\xff{", content_type="application/json"
    )
    assert answer.status_code == 400
    assert "stack" not in answer.content.decode().lower()


def test_the_tape_is_filtered_and_paged(api: Api, halvern: Company) -> None:
    take_in(
        news("Halvern Steel gains", url="https://w.example/1", minutes_ago=3),
        news("Halvern Steel sued", url="https://w.example/2", minutes_ago=2),
        news("rates stay where they are", url="https://w.example/3", minutes_ago=1),
    )

    def titles(query: str) -> list[str]:
        return [row["title"] for row in api("GET", f"articles/?{query}")[1]["results"]]

    assert titles("company=HALV") == ["Halvern Steel sued", "Halvern Steel gains"]
    assert titles("sentiment=positive") == ["Halvern Steel gains"]
    assert titles("company=halvern&sentiment=negative") == ["Halvern Steel sued"]
    assert titles("topic=Legal+%7C+Regulation") == ["Halvern Steel sued"]
    assert titles("text=RATES") == ["rates stay where they are"]
    first = api("GET", "articles/?limit=2")[1]
    rest = api("GET", f"articles/?limit=2&before={first['next'].replace('+', '%2B')}")[1]
    assert [row["title"] for row in rest["results"]] == ["Halvern Steel gains"]
    assert rest["next"] is None
    for query in ("before=soon", "limit=many"):
        assert api("GET", f"articles/?{query}")[0] == 422


def test_an_article_comes_with_its_scores(api: Api, halvern: Company) -> None:
    [article] = take_in(news("Halvern Steel gains"))
    status, body = api("GET", f"articles/{article.pk}/")
    assert status == 200
    assert [score["company"] and score["company"]["ticker"] for score in body["scores"]] == [
        None,
        "HALV",
    ]
    assert api("GET", "articles/999999/")[0] == 404


def test_companies_are_searched(api: Api, halvern: Company, skyrill: Company) -> None:
    found = api("GET", "companies/?q=sky")[1]["results"]
    assert [company["ticker"] for company in found] == ["SKYL"]


def test_rules_are_kept(api: Api, halvern: Company) -> None:
    status, rule = api(
        "POST", "rules/", {"company": halvern.pk, "sentiment": "negative", "threshold": 0.8}
    )
    assert (status, rule["name"]) == (201, "HALV · negative")
    assert rule["sentence"].startswith("Alert me when news about Halvern Steel is bad")
    status, rule = api("PATCH", f"rules/{rule['id']}/", {"enabled": False})
    assert (status, rule["enabled"], rule["threshold"]) == (200, False, 0.8)
    assert len(api("GET", "rules/")[1]["results"]) == 1
    assert api("DELETE", f"rules/{rule['id']}/")[0] == 204
    assert not Rule.objects.exists()


def test_an_unusable_rule_names_its_fields(api: Api) -> None:
    status, body = api("POST", "rules/", {"threshold": 3})
    assert status == 422
    assert "threshold" in body["fields"]
    assert api("POST", "rules/", {"threshold": "much"})[0] == 400


def test_a_rule_of_a_group_and_of_words_is_kept_as_it_was_given(api: Api) -> None:
    asked = {"watched": True, "words": "Strike, plant fire", "least_risk": 0.4}
    status, body = api("POST", "rules/", asked)
    assert status == 201
    assert (body["watched"], body["words"], body["least_risk"]) == (True, "strike, plant fire", 0.4)
    assert "on my watchlist" in body["sentence"]
    status, body = api("POST", "rules/", {"sector": "Alchemy"})
    assert (status, list(body["fields"])) == (422, ["sector"])


def test_a_rule_is_previewed_without_being_saved(api: Api, halvern: Company) -> None:
    take_in(news("Halvern Steel plunges"))
    status, body = api("POST", "rules/preview/", {"sentiment": "negative"})
    assert (status, body["alerts"], body["examples"]) == (200, 1, ["Halvern Steel plunges"])
    assert not Rule.objects.exists()


def test_alerts_are_listed_and_acknowledged(api: Api, analyst: User, colleague: User) -> None:
    alert = AlertFactory(owner=analyst)
    AlertFactory(owner=colleague)
    assert [row["id"] for row in api("GET", "alerts/")[1]["results"]] == [alert.pk]
    assert api("POST", f"alerts/{alert.pk}/acknowledge/")[1]["state"] == "acknowledged"
    assert api("GET", "alerts/?state=new")[1]["results"] == []


def test_another_analysts_rules_and_alerts_are_unknown(
    client_for: ClientFor, analyst: User, colleague: User
) -> None:
    alert, rule = AlertFactory(owner=analyst), RuleFactory(owner=analyst)
    other = Api(client_for(colleague))
    for method, path in (
        ("POST", f"alerts/{alert.pk}/acknowledge/"),
        ("GET", f"rules/{rule.pk}/"),
        ("PATCH", f"rules/{rule.pk}/"),
        ("DELETE", f"rules/{rule.pk}/"),
    ):
        assert other(method, path, {})[0] == 404
    assert other("GET", "alerts/")[1]["results"] == []
    assert other("GET", "rules/")[1]["results"] == []
    assert Alert.objects.get().state == "new"
    assert Rule.objects.filter(id=rule.pk).exists()


def test_feeds_are_added_paused_and_listed(api: Api) -> None:
    status, feed = api("POST", "sources/", {"url": "https://w.example/feed.xml"})
    assert (status, feed["name"], feed["state"]) == (201, "w.example", "new")
    assert api("PATCH", f"sources/{feed['id']}/", {"paused": True})[1]["state"] == "paused"
    assert [row["id"] for row in api("GET", "sources/")[1]["results"]] == [feed["id"]]
    assert api("POST", "sources/", {"url": "https://w.example/feed.xml"})[0] == 409
    assert api("POST", "sources/", {"url": "file:///etc/passwd"})[0] == 422
    wire = SourceFactory()
    assert api("PATCH", f"sources/{wire.pk}/", {"paused": True})[0] == 422


def test_polling_a_private_feed_is_a_job_that_tells_why_it_found_nothing(api: Api) -> None:
    feed = api("POST", "sources/", {"url": "http://10.0.0.1/feed.xml"})[1]
    assert api("POST", f"sources/{feed['id']}/poll/")[0] == 202
    assert Source.objects.get().error_code == "address_refused"


def test_a_file_is_uploaded(
    client_for: ClientFor, analyst: User, settings: Any, tmp_path: Any
) -> None:
    settings.VAR_DIR = tmp_path
    answer = client_for(analyst).post(
        f"{ROOT}/uploads/", {"file": SimpleUploadedFile("a.csv", b"title\nHalvern gains\n")}
    )
    assert answer.status_code == 202
    assert Article.objects.get().title == "Halvern gains"
    assert client_for(analyst).post(f"{ROOT}/uploads/", {}).status_code == 400


def test_the_backlog_is_told(api: Api) -> None:
    api("POST", "articles/", news("Halvern gains"))
    assert api("GET", "status/")[1]["waiting"] == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "articles/"),
        ("POST", "articles/"),
        ("GET", "companies/"),
        ("GET", "alerts/"),
        ("GET", "rules/"),
        ("POST", "rules/"),
        ("POST", "rules/preview/"),
        ("GET", "sources/"),
        ("POST", "sources/"),
        ("POST", "uploads/"),
        ("GET", "status/"),
    ],
)
def test_only_analysts_are_let_in(
    client_for: ClientFor, member: User, operator: User, method: str, path: str
) -> None:
    for user in (member, operator):
        assert Api(client_for(user))(method, path, {})[0] == 403
    assert Api(Client())(method, path, {})[0] == 401
    assert not Article.objects.exists()


def test_an_administrator_may_see_the_news(client_for: ClientFor, administrator: User) -> None:
    assert Api(client_for(administrator))("GET", "articles/")[0] == 200
