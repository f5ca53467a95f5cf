from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from apps.core.errors import InvalidInput
from apps.recommend import page
from apps.recommend.feed import Row, build_feed
from apps.recommend.models import Interaction, Reader
from apps.recommend.services import events
from apps.recommend.services.readers import dial_set, wish_set
from tests.recommend.factories import did, load_books

pytestmark = pytest.mark.usefixtures("books")


def shown(reader: Reader | None) -> dict[str, list[str]]:
    """The page as section id -> item ids."""
    return {
        section["id"]: [card["id"] for card in section["items"]]
        for section in page.page_of(reader)["sections"]
    }


def score_of(reader: Reader, item_id: str) -> float:
    inputs = page.page_inputs(reader)
    return float(page.ranked_of(inputs).scores[inputs.snapshot.by_external[item_id]])


def test_no_item_is_shown_twice(reader: Reader) -> None:
    did(reader, "save", "sea-1")
    did(reader, "like", "ghost-1")
    ids = [item for row in shown(reader).values() for item in row]
    assert ids
    assert len(ids) == len(set(ids))


def test_what_one_saves_brings_its_kind_to_the_front(reader: Reader) -> None:
    did(reader, "save", "sea-1")
    assert all(item.startswith("sea") for item in shown(reader)["for-you"][:3])


def test_the_dial_of_a_reader_is_kept_for_their_page(reader: Reader) -> None:
    did(reader, "save", "sea-1")
    as_it_comes = shown(reader)["for-you"]
    dial_set(reader=reader, value=-1)
    led = shown(Reader.objects.get(pk=reader.pk))["for-you"]
    assert led != as_it_comes
    inputs = page.page_inputs(reader)
    rows = build_feed(inputs.snapshot, inputs.taste, page.ranked_of(inputs), familiarity=-1.0)
    entries = inputs.snapshot.entries
    assert led == [entries[pick.position].external_id for pick in rows[0].picks]


def test_an_interest_weighs_what_it_is_given_and_nothing_while_paused(reader: Reader) -> None:
    did(reader, "save", "sea-1")
    plain = score_of(reader, "ghost-1")

    def ask(stance: str, weight: int | None = None) -> float:
        asked = {"subject": "tag", "value": "ghosts", "stance": stance, "weight": weight}
        events.preference_set(reader=reader, **asked)  # type: ignore[arg-type]
        return score_of(reader, "ghost-1")

    once, thrice = ask("more"), ask("more", 3)
    assert plain < once < thrice
    assert ask("pause") == pytest.approx(plain)
    assert ask("more") == pytest.approx(thrice)  # the weight was kept
    for weight in (0, 4, True, "2"):
        with pytest.raises(InvalidInput, match="from 1 to 3"):
            ask("more", weight)  # type: ignore[arg-type]


def test_what_was_acted_upon_is_not_recommended_again(reader: Reader) -> None:
    did(reader, "save", "sea-1")
    did(reader, "not_interested", "sea-2")
    did(reader, "rating", "sea-3", value=4.0)
    ids = {item for row in shown(reader).values() for item in row}
    assert not ids & {"sea-1", "sea-2", "sea-3"}


def test_not_interested_pushes_its_kind_down(reader: Reader) -> None:
    did(reader, "save", "moon-1")
    before = score_of(reader, "sea-3")
    did(reader, "not_interested", "sea-2")
    assert score_of(reader, "sea-3") < before


def test_a_muted_tag_and_a_muted_author_are_gone(reader: Reader) -> None:
    events.preference_set(reader=reader, subject="tag", value="ghosts", stance="mute")
    events.preference_set(reader=reader, subject="author", value="Ada North", stance="mute")
    ids = {item for row in shown(reader).values() for item in row}
    assert ids
    assert not any(item.startswith("ghost") for item in ids)
    assert not ids & {"sea-1", "sea-3"}


def test_a_cold_reader_gets_rows_but_none_for_them(reader: Reader) -> None:
    for row in (shown(None), shown(reader)):
        assert row
        assert "for-you" not in row


def test_what_is_popular_comes_from_what_readers_did(reader: Reader) -> None:
    from apps.recommend import index
    from tests.recommend.factories import ReaderFactory

    for _ in range(3):
        did(ReaderFactory(), "save", "moon-2", "ghost-1", "sea-2", "sea-1")
    did(ReaderFactory(), "save", "moon-2")
    index.refresh_popularity()
    assert shown(None)["popular"][0] == "moon-2"


def test_a_sentence_is_answered_and_its_negation_honoured(reader: Reader) -> None:
    wish_set(reader=reader, sentence="science fiction with a rocket, no war")
    ids = shown(reader)["for-you"]
    assert set(ids[:2]) <= {"moon-1", "moon-3", "moon-4"}
    assert "moon-2" not in {item for row in shown(reader).values() for item in row}


def test_a_chosen_tag_lifts_its_items(reader: Reader) -> None:
    before = score_of(reader, "moon-1")
    events.preference_set(reader=reader, subject="tag", value="science fiction", stance="more")
    assert score_of(reader, "moon-1") > before


def test_an_unavailable_item_is_not_shown(reader: Reader) -> None:
    load_books({"item_id": "sea-9", "title": "Ocean", "text": "ocean", "available": False})
    did(reader, "save", "sea-1")
    assert "sea-9" not in {item for row in shown(reader).values() for item in row}


def test_a_new_item_is_recommended_at_once(reader: Reader) -> None:
    did(reader, "save", "sea-1")
    shown(reader)
    load_books(
        {
            "item_id": "sea-9",
            "title": "Ahab",
            "text": "A captain and a whale meet on the ocean",
            "tags": "sea",
        }
    )
    assert "sea-9" in shown(reader)["for-you"]


def test_the_page_keeps_a_place_for_what_nobody_has_touched(reader: Reader) -> None:
    from apps.recommend import index
    from apps.recommend.playground import play
    from tests.recommend.factories import BOOKS, ReaderFactory

    seas = [
        {
            "item_id": f"deep-{n}",
            "title": f"Deep {n}",
            "text": "A captain and a whale meet on the ocean, a ship",
            "tags": "sea",
        }
        for n in range(14)
    ]
    text = "A rocket meets a whale"
    new = {"item_id": "new", "title": "Orbit", "text": text, "tags": "adventure"}
    load_books(*seas, new)
    did(ReaderFactory(), "like", *(book["item_id"] for book in [*BOOKS, *seas]))
    index.refresh_popularity()
    did(reader, "save", "sea-1")
    first = page.page_of(reader)["sections"][0]["items"]
    assert [card["id"] for card in first].index("new") == 11  # none of the first ten makes room
    assert first[11]["reason"] == "New here. Because you saved The Salt Road"
    assert [item.for_new for item in play(reader).shown] == [False] * 11 + [True]
    did(ReaderFactory(), "like", "new")
    index.refresh_popularity()
    assert not any(item.for_new for item in play(reader).shown)  # it has to earn its place now


def _history_reasons(reader: Reader) -> list[tuple[str, str]]:
    """(item, history item that its reason names) for all shown reasons, of cards and headings."""
    inputs = page.page_inputs(reader)
    rows: list[Row] = page.rows_of(inputs)
    entries = inputs.snapshot.entries
    return [
        (entries[pick.position].external_id, entries[pick.reason.position].external_id)
        for row in rows
        if row.kind in ("for_you", "because")
        for pick in row.picks
        if pick.reason.kind == "history" and pick.reason.position is not None
    ]


def test_removing_the_named_item_lowers_the_score_most(reader: Reader) -> None:
    did(reader, "save", "sea-1", "ghost-2")
    did(reader, "like", "moon-3")
    did(reader, "click", "ghost-4", "sea-4")
    reasons = _history_reasons(reader)
    assert reasons
    history = set(reader.interactions.values_list("item__external_id", flat=True))
    for item, named in reasons:
        whole = score_of(reader, item)
        drops = {}
        for other in history:
            kept = list(reader.interactions.filter(item__external_id=other))
            reader.interactions.filter(item__external_id=other).delete()
            drops[other] = whole - score_of(reader, item)
            Interaction.objects.bulk_create(kept)
        assert drops[named] == pytest.approx(max(drops.values()), abs=1e-6)


def test_what_was_dismissed_is_never_a_reason(reader: Reader) -> None:
    did(reader, "not_interested", "ghost-1", "ghost-2")
    did(reader, "save", "sea-1")
    named = {source for _, source in _history_reasons(reader)}
    assert named == {"sea-1"}


def test_an_item_is_not_the_reason_for_itself(reader: Reader) -> None:
    did(reader, "view", *["sea-1"] * 3)
    first = page.page_of(reader)["sections"][0]["items"]
    (own,) = [card for card in first if card["id"] == "sea-1"]
    assert own["reason"] == "You looked at this before"


def test_the_parts_of_a_score_add_up_to_it(reader: Reader) -> None:
    did(reader, "save", "sea-1", "ghost-2")
    wish_set(reader=reader, sentence="a castle, no whale")
    inputs = page.page_inputs(reader)
    ranked = page.ranked_of(inputs)
    for position in range(len(inputs.snapshot)):
        total = sum(part.amount for part in ranked.parts(position))
        assert np.isclose(total, ranked.scores[position], atol=1e-5)


def test_opened_items_stay_at_hand(reader: Reader) -> None:
    did(reader, "click", "sea-1")
    assert shown(reader)["opened"] == ["sea-1"]


def test_markup_in_titles_stays_text(reader: Reader) -> None:
    load_books({"item_id": "x", "title": "<script>alert(1)</script>", "text": "ocean", "tags": ""})
    did(reader, "save", "sea-1")
    cards: list[dict[str, Any]] = [
        card for section in page.page_of(reader)["sections"] for card in section["items"]
    ]
    assert "<script>alert(1)</script>" in {card["title"] for card in cards}


def test_the_dial_leads_from_the_surprising_to_the_familiar(reader: Reader) -> None:
    did(reader, "save", "sea-1")
    inputs = page.page_inputs(reader)
    ranked = page.ranked_of(inputs)
    near = ranked.ranker.vectors @ ranked.ranker.vectors[inputs.snapshot.by_external["sea-1"]]

    def nearness(familiarity: float) -> float:
        rows = build_feed(inputs.snapshot, inputs.taste, ranked, familiarity=familiarity)
        first = next(row for row in rows if row.id == "for-you")
        return float(np.mean([near[pick.position] for pick in first.picks[:3]]))

    assert nearness(-1.0) < nearness(0.0) <= nearness(1.0)
    with pytest.raises(ValueError, match="from -1 to 1"):
        nearness(2.0)
