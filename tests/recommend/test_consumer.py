from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async

from apps.recommend import experiments
from apps.recommend.models import Experiment, Exposure, Interaction, Reader
from apps.recommend.services.catalogue import item_delete
from apps.recommend.services.experiments import experiment_draft
from apps.recommend.services.forgetting import reader_forget
from apps.recommend.visitors import COOKIE, cookie_value
from config.asgi import application
from tests.recommend.factories import load_books

pytestmark = pytest.mark.django_db(transaction=True)


class Tab:
    """One open page: sends commands, keeps what arrives."""

    def __init__(self, communicator: ApplicationCommunicator, key: uuid.UUID) -> None:
        self._socket = communicator
        self.stream = f"recommend.reader.{key}"

    async def output(self) -> dict[str, Any]:
        return dict(await self._socket.receive_output(timeout=5))

    async def receive(self) -> dict[str, Any]:
        message = await self.output()
        assert message["type"] == "websocket.send", message
        return dict(json.loads(message["text"]))

    async def frame(self, kind: str) -> dict[str, Any]:
        while (frame := await self.receive())["type"] != kind:
            pass
        return frame

    async def ask(self, **frame: Any) -> dict[str, Any]:
        name = frame.setdefault("id", str(uuid.uuid4()))
        message = {"type": "websocket.receive", "text": json.dumps(frame)}
        await self._socket.send_input(message)
        while (answer := await self.receive()).get("id") != name:
            pass
        return answer


@asynccontextmanager
async def opened(
    key: uuid.UUID | None, *, follow: bool = True, cookie: str | None = None
) -> AsyncIterator[Tab]:
    headers = [(b"origin", b"http://localhost")]
    if key is not None:
        cookie = cookie_value(key)
    if cookie is not None:
        headers.append((b"cookie", f"{COOKIE}={cookie}".encode()))
    scope = {"type": "websocket", "path": "/ws/discover/", "query_string": b"", "headers": headers}
    communicator = ApplicationCommunicator(application, scope)
    tab = Tab(communicator, key or uuid.uuid4())
    await communicator.send_input({"type": "websocket.connect"})
    assert (await tab.output())["type"] == "websocket.accept"
    if follow:
        await tab.ask(type="subscribe", stream=tab.stream, after=0)
    try:
        yield tab
    finally:
        await communicator.send_input({"type": "websocket.disconnect", "code": 1000})
        await communicator.wait(timeout=5)


@pytest.fixture
async def catalogue() -> None:
    await database_sync_to_async(load_books)()


@pytest.mark.usefixtures("catalogue")
async def test_a_save_changes_the_open_page_and_the_other_tab() -> None:
    key = uuid.uuid4()
    async with opened(key) as one, opened(key) as two:
        cold = await one.ask(type="feed.request")
        assert cold["cold"]
        answer = await one.ask(type="event.record", item_id="sea-1", kind="save")
        assert answer["type"] == "ack"
        event = await two.frame("event")
        assert event["payload"]["words"] == "Updated because you saved The Salt Road"
        page = await two.ask(type="feed.request")
        assert page["sections"][0]["id"] == "for-you"
        assert page["sections"][0]["items"][0]["id"].startswith("sea")


@pytest.mark.usefixtures("catalogue")
async def test_only_sections_that_differ_come_with_their_cards() -> None:
    async with opened(uuid.uuid4()) as tab:
        first = await tab.ask(type="feed.request")
        have = {section["id"]: section["signature"] for section in first["sections"]}
        again = await tab.ask(type="feed.request", have=have)
        assert [section["id"] for section in again["sections"]] == list(have)
        assert not any("items" in section for section in again["sections"])


def _experiment() -> int:
    arms = [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5}]
    plan = {"name": "Two", "metric": "click", "baseline": 0.2, "lift": 0.1, "arms": arms}
    draft = experiment_draft(plan)
    draft.status = Experiment.Status.RUNNING
    draft.save()
    experiments.reset()
    return draft.pk


@pytest.mark.usefixtures("catalogue")
async def test_a_visitor_who_only_looks_is_counted_while_an_experiment_runs() -> None:
    async with opened(key := uuid.uuid4()) as tab:
        await tab.ask(type="feed.request")
        assert not await Reader.objects.filter(key=key).aexists()
        number = await database_sync_to_async(_experiment)()
        await tab.ask(type="feed.request")
        seen = await Exposure.objects.aget(reader__key=key)
        assert (seen.experiment_id, seen.arm in "ab") == (number, True)
        assert await seen.impressions.aexists()


@pytest.mark.usefixtures("catalogue")
async def test_a_repeated_command_is_stored_once() -> None:
    async with opened(uuid.uuid4()) as tab:
        frame = {"type": "event.record", "id": "same", "item_id": "sea-1", "kind": "click"}
        first, second = await tab.ask(**frame), await tab.ask(**frame)
        assert (first["created"], second["created"]) == (True, False)
        assert first["event"] == second["event"]
    assert await Interaction.objects.acount() == 1


@pytest.mark.usefixtures("catalogue")
async def test_undo_and_removal_bring_the_page_back() -> None:
    async with opened(uuid.uuid4()) as tab:
        await tab.ask(type="event.record", id="e", item_id="sea-1", kind="not_interested")
        assert (await tab.ask(type="event.undo", event_id="e"))["removed"]
        await tab.ask(type="event.record", id="f", item_id="sea-1", kind="save")
        assert (await tab.ask(type="item.forget", item_id="sea-1"))["removed"] == 1
        assert (await tab.ask(type="feed.request"))["cold"]


@pytest.mark.usefixtures("catalogue")
async def test_a_sentence_and_a_preference_change_the_page() -> None:
    async with opened(uuid.uuid4()) as tab:
        await tab.ask(type="wish.set", text="a ghost in a castle, no governess")
        page = await tab.ask(type="feed.request")
        assert page["wish"]["unwanted"] == ["governess"]
        assert page["sections"][0]["items"][0]["id"] in {"ghost-3", "ghost-4"}
        await tab.ask(type="preference.set", subject="tag", value="ghosts", stance="mute")
        page = await tab.ask(type="feed.request")
        shown = {card["id"] for section in page["sections"] for card in section["items"]}
        assert not any(item.startswith("ghost") for item in shown)
        await tab.ask(type="wish.set", text="")
        assert (await tab.ask(type="feed.request"))["wish"]["text"] == ""


@pytest.mark.usefixtures("catalogue")
async def test_the_dial_is_kept_and_tells_the_other_tabs() -> None:
    reader = uuid.uuid4()
    async with opened(reader) as tab, opened(reader) as other:
        await tab.ask(type="dial.set", value=-0.5)
        assert (await other.frame("event"))["payload"]["words"] == "More of the surprising"
        assert (await other.ask(type="feed.request"))["familiarity"] == -0.5


@pytest.mark.usefixtures("catalogue")
async def test_bad_commands_are_answered_and_the_socket_lives_on() -> None:
    await database_sync_to_async(item_delete)(external_id="sea-2")
    async with opened(uuid.uuid4()) as tab:
        frames: list[tuple[dict[str, Any], str]] = [
            ({"type": "event.record", "item_id": "nothing", "kind": "save"}, "item_not_found"),
            ({"type": "event.record", "item_id": "sea-2", "kind": "save"}, "item_deleted"),
            ({"type": "event.record", "item_id": "sea-1", "kind": "stare"}, "invalid_event"),
            ({"type": "event.record", "item_id": 7, "kind": "save"}, "frame_invalid"),
            ({"type": "feed.request", "have": [1]}, "frame_invalid"),
            ({"type": "wish.set", "text": "x" * 400}, "wish_too_long"),
            ({"type": "wish.set", "text": 5}, "frame_invalid"),
            ({"type": "dial.set", "value": 2}, "dial_invalid"),
            ({"type": "dial.set", "value": "far"}, "dial_invalid"),
            ({"type": "preference.set", "subject": "moon", "value": "x"}, "invalid_preference"),
        ]
        for frame, code in frames:
            answer = await tab.ask(**frame)
            assert (answer["type"], answer["code"]) == ("error", code)
        assert (await tab.ask(type="feed.request"))["type"] == "ack"


async def test_another_readers_stream_is_refused() -> None:
    async with opened(uuid.uuid4(), follow=False) as tab:
        answer = await tab.ask(type="subscribe", stream=f"recommend.reader.{uuid.uuid4()}", after=0)
        assert (answer["type"], answer["code"]) == ("error", "not_allowed")


@pytest.mark.parametrize("cookie", [None, "forged", '"5d3a4b0e-7f5e-4f0f-9c5e-3a1d5a0c7b11":x:y'])
async def test_without_a_signed_cookie_the_socket_closes_with_the_reason(
    cookie: str | None,
) -> None:
    async with opened(None, follow=False, cookie=cookie) as tab:
        assert (await tab.frame("error"))["code"] == "no_reader"
        assert (await tab.output())["code"] == 4403


@pytest.mark.usefixtures("catalogue")
async def test_a_cookie_does_not_open_an_accounts_reader(mei: Any) -> None:
    owned = await Reader.objects.acreate(user=mei)
    async with opened(owned.key, follow=False) as tab:
        assert (await tab.frame("error"))["code"] == "no_reader"


@pytest.mark.usefixtures("catalogue")
async def test_forgetting_resets_open_pages_and_closes_their_sockets() -> None:
    key = uuid.uuid4()
    async with opened(key) as tab:
        await tab.ask(type="event.record", item_id="sea-1", kind="save")
        reader = await Reader.objects.aget(key=key)
        await database_sync_to_async(reader_forget)(reader=reader)
        assert (await tab.frame("reset"))["stream"] == tab.stream
        assert (await tab.output())["type"] == "websocket.close"


@pytest.mark.usefixtures("catalogue")
async def test_the_catalogue_is_read_while_others_write() -> None:
    async with opened(uuid.uuid4()) as one, opened(uuid.uuid4()) as two:

        async def click_through(tab: Tab) -> None:
            for item_id in ("sea-1", "ghost-1", "moon-1"):
                await tab.ask(type="event.record", item_id=item_id, kind="click")
                assert (await tab.ask(type="feed.request"))["type"] == "ack"

        await asyncio.gather(click_through(one), click_through(two))
    assert await Interaction.objects.acount() == 6
