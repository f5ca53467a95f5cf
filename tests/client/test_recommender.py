"""The recommender's client against the real application."""

from __future__ import annotations

import pytest

from apps.accounts.models import User
from apps.accounts.services import token_create
from apps.recommend import index
from trefoil_client import Event, Recommender, TrefoilError


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
