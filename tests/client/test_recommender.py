"""The recommender's client against the real application."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from django.urls import get_resolver, resolve
from django.urls.resolvers import URLPattern, URLResolver

from apps.accounts.models import Role, User
from apps.accounts.services import token_create
from apps.recommend import index
from trefoil_client import Event, Match, Recommender, TrefoilError

PART = "api/v1/recommend/"
VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OF_READERS = ("profile/", "profile/interests/", "starters/", "changes/", "export/", "history/")
OF_PAGES = (
    "rules/",
    "experiments/",
    "event-weights/",
    "imports/",
    "embed/",
    "receipts/",
    "index/",
    "evaluations/",
    "playground/",
)
"""What the client leaves to the API: what a reader decides, and what the team has pages for."""
LEFT_OUT = {
    ("GET", "items/"),  # the client writes the catalogue, whose list is a page
    *((verb, "items/<path:item_id>/") for verb in ("GET", "PUT", "DELETE")),
    ("GET", "items/<path:item_id>/why/"),
    ("POST", "items/<path:item_id>/restore/"),
    ("DELETE", "history/<path:item_id>/"),
    ("GET", "interactions/"),
    ("DELETE", "interactions/<path:event_id>/"),
}


def test_items_and_events_go_in_and_a_page_comes_out(url: str, administrator: User) -> None:
    index.reset()
    token = token_create(user=administrator, name="site")[1]
    items = [
        {"item_id": f"{kind}-{n}", "title": f"{kind} {n}", "text": f"{words} {n}", "tags": [kind]}
        for kind, words in (("sea", "a ship on the ocean"), ("ghosts", "a ghost in a castle"))
        for n in range(5)
    ]
    with Recommender(url, token) as recommender:
        assert recommender.upsert(items).added == 10
        event = Event.now("sea-0", "save")
        told = recommender.record("reader-42", [event, event, Event.now("gone", "save")])
        assert (told.stored, told.repeated) == (1, 1)
        assert told.refused[0]["code"] == "item_not_found"
        first = recommender.page("reader-42")[0]
        assert first.items[0].reason == "Because you saved sea 0"
        feed = recommender.feed("reader-42", limit=3, tag="sea", exclude=["sea-1"])
        assert [card.tags for card in feed] == [("sea",)] * 3
        assert [card.score for card in feed] == sorted((card.score for card in feed), reverse=True)
        assert "sea-1" not in {card.id for card in feed}
        assert [card.id for card in recommender.saved("reader-42")] == ["sea-0"]
        assert recommender.also("sea-0") == ()  # nobody else is here
        assert recommender.search("ghost castle")[0].id.startswith("ghosts")
        assert recommender.similar("sea-1")[0].id.startswith("sea")
        assert recommender.upsert([], delete=["sea-0"]).deleted == 1
        with pytest.raises(TrefoilError) as refused:
            recommender.similar("sea-0")
        assert refused.value.code == "item_deleted"


def test_a_member_may_not_keep_the_catalogue(url: str, token: str) -> None:
    with Recommender(url, token) as recommender, pytest.raises(TrefoilError) as refused:
        recommender.upsert([{"item_id": "a", "title": "A"}])
    assert refused.value.code == "not_allowed"


def test_a_lead_says_what_fits_and_takes_it_back(url: str, transactional_db: None) -> None:
    index.reset()
    lead = User.objects.create_user(username="the-lead", role=Role.LEAD)
    keeper = User.objects.create_user(username="keeper", role=Role.ADMINISTRATOR)
    with Recommender(url, token_create(user=keeper, name="site")[1]) as recommender:
        recommender.upsert(
            [{"item_id": f"sea-{n}", "title": f"Sea {n}", "text": "a ship"} for n in range(3)]
        )
    with Recommender(url, token_create(user=lead, name="lead")[1]) as recommender:
        first = recommender.matches(query="a ship")[0]
        assert isinstance(first, Match)
        assert (first.said, recommender.judge(first.item_id, fits=True, query="a ship").said) == (
            "",
            "fits",
        )
        assert recommender.matches(query="a ship")[0].said == "fits"
        recommender.take_back(first.item_id, query="a ship")
        assert recommender.matches(query="a ship")[0].said == ""
        assert recommender.judge("sea-1", fits=False, of="sea-2").said == "does_not_fit"
        beside = {match.item_id: match.said for match in recommender.matches(of="sea-2")}
        assert beside["sea-1"] == "does_not_fit"
        with pytest.raises(TrefoilError) as refused:
            recommender.matches()
        assert refused.value.status == 422


def test_a_member_says_nothing_of_matches(url: str, token: str) -> None:
    with Recommender(url, token) as recommender, pytest.raises(TrefoilError) as refused:
        recommender.judge("a", fits=True, query="a ship")
    assert refused.value.code == "not_allowed"


def test_each_operation_has_its_method_or_is_left_out_by_name(
    url: str, administrator: User
) -> None:
    asked: set[tuple[str, str]] = set()

    def hear(request: httpx.Request) -> None:
        route = resolve(request.url.path).route
        asked.add((request.method, route.removeprefix(PART)))

    token = token_create(user=administrator, name="site")[1]
    with Recommender(url, token) as recommender:
        recommender._http.event_hooks = {"request": [hear]}
        calls: list[Callable[[], Any]] = [
            lambda: recommender.upsert([]),
            lambda: recommender.record("reader", []),
            lambda: recommender.page("reader"),
            lambda: recommender.feed("reader"),
            lambda: recommender.saved("reader"),
            lambda: recommender.also("a"),
            lambda: recommender.similar("a"),
            lambda: recommender.search("a ship"),
            lambda: recommender.matches(query="a ship"),
            lambda: recommender.judge("a", fits=True, query="a ship"),
            lambda: recommender.take_back("a", query="a ship"),
        ]
        for call in calls:
            with contextlib.suppress(TrefoilError):
                call()
    left_out = {
        one
        for one in _operations()
        if one in LEFT_OUT or one[1] in OF_READERS or one[1].startswith(OF_PAGES)
    }
    assert asked == _operations() - left_out


def _operations() -> set[tuple[str, str]]:
    """Verb and route of each operation of Discover."""
    return {
        (verb, route.removeprefix(PART))
        for route, view in _routes(get_resolver().url_patterns, "")
        if route.startswith(PART)
        for verb in VERBS
        if hasattr(view, verb.lower())
    }


def _routes(patterns: Any, before: str) -> Iterator[tuple[str, Any]]:
    for one in patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _routes(one.url_patterns, route)
        elif isinstance(one, URLPattern):
            yield route, getattr(one.callback, "cls", None)
