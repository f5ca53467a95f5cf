from __future__ import annotations

import numpy as np
import pytest

from apps.recommend import index
from apps.recommend import search as search_module
from apps.recommend.page import search_results
from apps.recommend.rows import item_row
from apps.recommend.search import highlight
from apps.recommend.services.catalogue import item_delete, item_restore, items_add

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


def test_words_that_changed_are_worked_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "FOLLOWED_FROM", 1)

    def with_words(words: str, catalogue: index.Snapshot | None = None) -> set[str]:
        held = catalogue or index.snapshot()
        scores = search_module.word_scores(held, words)
        assert len(scores) == len(held)
        return {held.entries[at].external_id for at in np.flatnonzero(scores)}

    before = index.snapshot()
    built = search_module.lexical_index(before)
    items_add(rows=[item_row({"item_id": "new", "title": "Zebra", "text": "The savanna."})])
    items_add(rows=[item_row({"item_id": "sea-1", "title": "Zebra", "text": "No ship at all."})])
    assert with_words("zebra") == {"new", "sea-1"}
    assert search_module.lexical_index(index.snapshot()).number_changed == 2
    assert with_words("savanna") == {"new"}
    assert "new" not in with_words("zebra", before)  # of a page under way
    assert built.number_changed == 0
    item_delete(external_id="new")
    assert with_words("zebra") == {"sea-1"}
    item_restore(external_id="new")
    assert with_words("zebra") == {"new", "sea-1"}
    monkeypatch.setattr(search_module, "MOST_CHANGED", 1)
    items_add(rows=[item_row({"item_id": "sea-2", "title": "Zebra", "text": "A harbour."})])
    assert with_words("zebra") == {"new", "sea-1", "sea-2"}
    assert search_module.lexical_index(index.snapshot()).number_changed == 0
