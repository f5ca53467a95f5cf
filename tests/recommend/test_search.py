from __future__ import annotations

import pytest

from apps.recommend.page import search_results
from apps.recommend.search import highlight
from apps.recommend.services.catalogue import item_delete

pytestmark = pytest.mark.usefixtures("books")


def test_the_item_that_says_it_comes_first() -> None:
    results = search_results(None, "a ghost in the castle garden")
    assert results[0]["id"] == "ghost-4"


def test_authors_and_tags_are_searched() -> None:
    assert {result["id"] for result in search_results(None, "Ada North")[:2]} == {"sea-1", "sea-3"}


def test_deleted_items_are_not_found() -> None:
    item_delete(external_id="ghost-4")
    assert "ghost-4" not in {result["id"] for result in search_results(None, "castle garden")}


@pytest.mark.parametrize("query", ["", "   ", "\x00"])
def test_nothing_is_found_for_nothing(query: str) -> None:
    assert search_results(None, query) == []


@pytest.mark.parametrize("query", ["zzzz qqqq", "'; DROP TABLE items; --", "%%%", "(", "…" * 400])
def test_odd_queries_are_answered(query: str) -> None:
    assert isinstance(search_results(None, query), list)


def test_shared_words_are_marked_in_any_form() -> None:
    parts = highlight("The sailors sailed on.", "a sailor, sailing")
    assert [part.text for part in parts if part.matched] == ["sailors", "sailed"]
    assert "".join(part.text for part in parts) == "The sailors sailed on."


def test_stop_words_are_not_marked() -> None:
    assert not any(part.matched for part in highlight("the ship that sank", "that the"))
