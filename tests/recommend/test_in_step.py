"""Open pages that stay in step: whose deed it was, what would be new, what stands where."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from channels.db import database_sync_to_async

from apps.recommend import open_pages
from apps.recommend.models import Impression, Reader
from apps.recommend.services.experiments import experiment_create, experiment_start
from tests.recommend.factories import load_books
from tests.recommend.test_consumer import Tab, opened
from tests.recommend.test_experiments import PLAN

pytestmark = pytest.mark.django_db(transaction=True)
NEW = {"item_id": "sea-9", "title": "Nine Fathoms", "text": "A whale and a ship on the ocean."}


@pytest.fixture(autouse=True)
async def catalogue() -> None:
    await database_sync_to_async(load_books)()


async def shown_by(tab: Tab) -> list[str]:
    page = await tab.ask(type="feed.request")
    return [card["id"] for section in page["sections"] for card in section["items"]]


async def test_a_tab_knows_its_own_deeds_and_those_of_others() -> None:
    key = uuid.uuid4()
    async with opened(key) as one, opened(key) as two:
        commands: list[dict[str, Any]] = [
            {"type": "event.record", "item_id": "sea-1", "kind": "save"},
            {"type": "likes.start", "items": ["ghost-1", "moon-1"]},
            {"type": "event.undo", "event_id": "likes.start:1"},
            {"type": "item.forget", "item_id": "sea-1"},
            {"type": "preference.set", "subject": "tag", "value": "sea", "stance": "more"},
            {"type": "wish.set", "text": "a ghost"},
            {"type": "wish.set", "text": ""},
            {"type": "dial.set", "value": 1},
            {"type": "learning.set", "paused": True},
        ]
        for number, command in enumerate(commands):
            name = "likes.start" if command["type"] == "likes.start" else f"command-{number}"
            answer = await one.ask(**command, id=name)
            assert answer["type"] == "ack", answer
            assert (await two.frame("event"))["payload"]["origin"] == name


async def test_a_peek_counts_what_would_be_new_and_shows_nothing(keeper: Any) -> None:
    experiment = await database_sync_to_async(experiment_create)(actor=keeper, given=PLAN)
    await database_sync_to_async(experiment_start)(actor=keeper, experiment=experiment)
    key = uuid.uuid4()
    async with opened(key) as one, opened(key) as two:
        before = await shown_by(two)
        assert (await two.ask(type="feed.peek", items=before))["new"] == 0
        await one.ask(type="event.record", item_id="sea-1", kind="save")
        await one.ask(type="preference.set", subject="tag", value="science fiction", stance="mute")
        seen = await Impression.objects.acount()
        peeked = await two.ask(type="feed.peek", items=before)
        assert await Impression.objects.acount() == seen
        after = await shown_by(two)
        assert await Impression.objects.acount() == seen + 1
        assert peeked["new"] == len(set(after) - set(before))
        assert peeked["gone"] == len(set(before) - set(after)) > 0
        assert (await two.ask(type="feed.peek", items=after))["gone"] == 0


async def test_a_tab_is_told_how_its_buttons_stand() -> None:
    key = uuid.uuid4()
    async with opened(key) as one, opened(key) as two:
        cold = await two.ask(type="state.request", items=["sea-1"])
        assert (cold["cold"], cold["saved"], cold["paused"]) == (True, [], False)
        await one.ask(type="event.record", item_id="sea-1", kind="save")
        await one.ask(type="event.record", item_id="sea-2", kind="like")
        await one.ask(type="event.record", item_id="sea-3", kind="rating", value=4)
        await one.ask(type="preference.set", subject="tag", value="sea", stance="more")
        await one.ask(type="wish.set", text="a whale, no ghost")
        state = await two.ask(type="state.request", items=["sea-1", "sea-2", "sea-3", "gone"])
        assert (state["saved"], state["liked"], state["chosen"]) == (["sea-1"], ["sea-2"], ["sea"])
        assert state["rated"] == {"sea-3": 4.0}
        assert state["wish"]["unwanted"] == ["ghost"]
        assert (await two.ask(type="feed.request"))["chosen"] == ["sea"]


async def test_undoing_a_refusal_gives_every_tab_the_like_back() -> None:
    key = uuid.uuid4()
    async with opened(key) as one, opened(key) as two:
        await one.ask(type="event.record", item_id="sea-1", kind="like")
        await one.ask(type="event.record", id="no", item_id="sea-1", kind="not_interested")
        assert (await two.ask(type="state.request", items=["sea-1"]))["liked"] == []
        answer = await one.ask(type="event.undo", event_id="no")
        assert (answer["removed"], answer["restored"]["kind"]) == (True, "like")
        while (await two.frame("event"))["payload"]["cause"]["kind"] != "undo":
            pass
        assert (await two.ask(type="state.request", items=["sea-1"]))["liked"] == ["sea-1"]


@pytest.mark.parametrize("items", [None, "sea-1", [1], ["x"] * 501])
@pytest.mark.parametrize("kind", ["feed.peek", "state.request", "likes.start"])
async def test_what_is_no_list_of_items_is_refused(kind: str, items: object) -> None:
    async with opened(uuid.uuid4(), follow=False) as tab:
        answer = await tab.ask(type=kind, items=items)
        assert (answer["type"], answer["code"]) == ("error", "frame_invalid")
        assert not await Reader.objects.filter(interactions__isnull=False).aexists()


async def test_open_pages_are_told_once_when_the_catalogue_moves() -> None:
    async with opened(uuid.uuid4()) as tab:
        mark = await open_pages.tell(None)
        mark = await open_pages.tell(mark)  # nothing has happened, so nothing is told
        before = await shown_by(tab)
        await database_sync_to_async(load_books)(NEW)
        mark = await open_pages.tell(mark)
        assert (await tab.receive())["type"] == "catalogue.moved"
        assert (await tab.ask(type="feed.peek", items=before))["new"] >= 0
        assert await open_pages.tell(mark) == mark


async def test_undoing_a_mute_gives_back_the_weight() -> None:
    async with opened(uuid.uuid4()) as tab:
        asked = {"type": "preference.set", "subject": "tag", "value": "sea"}
        assert (await tab.ask(**asked, stance="more", weight=3))["before"] is None
        before = (await tab.ask(**asked, stance="mute"))["before"]
        assert before == {"stance": "more", "weight": 3}
        await tab.ask(**asked, **before)
        reader = await Reader.objects.aget()
        held = await reader.preferences.aget()
        assert (held.stance, held.weight) == ("more", 3)


@pytest.mark.parametrize("paused", [None, "yes", 1])
async def test_a_pause_must_say_yes_or_no(paused: object) -> None:
    async with opened(uuid.uuid4(), follow=False) as tab:
        answer = await tab.ask(type="learning.set", paused=paused)
        assert (answer["type"], answer["code"]) == ("error", "invalid_input")
