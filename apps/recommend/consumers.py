"""The reader's socket: what the reader does goes in, what it changes comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from channels.db import database_sync_to_async

from apps.core import events
from apps.core.consumers import CLOSE_NOT_ALLOWED, StreamConsumer
from apps.core.errors import InvalidInput, NotAllowed
from apps.recommend import open_pages, page
from apps.recommend.in_step import checked_ids, news_of, state_of
from apps.recommend.index import snapshot
from apps.recommend.meaning import aencode_for
from apps.recommend.models import Reader
from apps.recommend.payloads import interaction_payload
from apps.recommend.services import events as deeds
from apps.recommend.services import readers
from apps.recommend.services.starting import likes_start
from apps.recommend.visitors import Visitor, visitor_from

SOURCE = "socket"


class DiscoverConsumer(StreamConsumer):
    """``/ws/discover/``: for signed-in people and for visitors with the reader's cookie.

    Commands: ``event.record {item_id, kind, value?}`` and ``event.undo {event_id}`` (a record's
    event id is the frame's id), ``likes.start {items}``, ``item.forget {item_id, kind?}``,
    ``preference.set {subject, value, stance, weight?}``, ``wish.set {text}``, ``dial.set {value}``,
    ``learning.set {paused}``. After each change all of the reader's pages receive ``feed.changed
    {cause, words, origin}`` on the reader's stream, ``origin`` being the id of the command.

    The page that did it asks for the sections that it lacks (``feed.request {have: {section:
    signature}}``); the others for how they stand (``state.request {items}``) and how much would be
    new on them (``feed.peek {items}``), which ``catalogue.moved`` makes them ask, too.
    """

    visitor: Visitor

    async def authorise(self) -> None:
        cookies = self.scope.get("cookies", {})
        visitor = await database_sync_to_async(visitor_from)(self.user, cookies, new=False)
        if visitor is None:
            raise NotAllowed("Open the Discover page first.", code="no_reader")
        self.visitor = visitor
        open_pages.join(self)

    async def disconnect(self, code: int) -> None:
        open_pages.leave(self)
        await super().disconnect(code)

    async def greeting(self) -> dict[str, Any]:
        return {"stream": self.visitor.stream}

    async def may_follow(self, stream: str) -> bool:
        return stream == self.visitor.stream

    async def on_event_record(self, frame: dict[str, Any]) -> dict[str, Any]:
        return await database_sync_to_async(self._record)(frame)

    def _record(self, frame: dict[str, Any]) -> dict[str, Any]:
        recorded = deeds.interaction_record(
            reader=self.visitor.made(),
            item_id=_text(frame, "item_id"),
            kind=_text(frame, "kind"),
            event_id=_text(frame, "id"),
            value=frame.get("value"),
            source=SOURCE,
            origin=_text(frame, "id"),
        )
        return {
            "event": interaction_payload(recorded.interaction),
            "created": recorded.created,
            "paused": recorded.paused,
        }

    async def on_likes_start(self, frame: dict[str, Any]) -> dict[str, Any]:
        return await database_sync_to_async(self._start)(frame)

    def _start(self, frame: dict[str, Any]) -> dict[str, Any]:
        recorded = likes_start(
            reader=self.visitor.made(),
            item_ids=checked_ids(frame.get("items")),
            event_id=_text(frame, "id"),
            source=SOURCE,
            origin=_text(frame, "id"),
        )
        return {"events": [interaction_payload(one.interaction) for one in recorded]}

    async def on_event_undo(self, frame: dict[str, Any]) -> dict[str, Any]:
        return await database_sync_to_async(self._undo)(frame)

    def _undo(self, frame: dict[str, Any]) -> dict[str, Any]:
        taken = deeds.interaction_remove(
            reader=self.visitor.made(), event_id=_text(frame, "event_id"), origin=_origin(frame)
        )
        restored = interaction_payload(taken.restored) if taken.restored else None
        return {"removed": taken.removed, "restored": restored}

    async def on_item_forget(self, frame: dict[str, Any]) -> dict[str, Any]:
        return {"removed": await database_sync_to_async(self._forget)(frame)}

    def _forget(self, frame: dict[str, Any]) -> int:
        kind = frame.get("kind")
        return deeds.item_forget(
            reader=self.visitor.made(),
            item_id=_text(frame, "item_id"),
            kind=str(kind) if kind else None,
            origin=_origin(frame),
        )

    async def on_preference_set(self, frame: dict[str, Any]) -> dict[str, Any]:
        return await database_sync_to_async(self._prefer)(frame)

    def _prefer(self, frame: dict[str, Any]) -> dict[str, Any]:
        stance = frame.get("stance")
        before = deeds.preference_set(
            reader=self.visitor.made(),
            subject=_text(frame, "subject"),
            value=_text(frame, "value"),
            stance=None if stance is None else str(stance),
            weight=frame.get("weight"),
            origin=_origin(frame),
        )
        held = None if before is None else {"stance": before.stance, "weight": before.weight}
        return {"before": held}

    async def on_wish_set(self, frame: dict[str, Any]) -> dict[str, Any]:
        text = frame.get("text") or ""
        if not isinstance(text, str):
            raise InvalidInput('"text" must be a text.', code="frame_invalid")
        reader = await database_sync_to_async(self.visitor.made)()
        if not text.strip():
            await database_sync_to_async(readers.wish_clear)(reader=reader, origin=_origin(frame))
            return {}
        sentence, texts = readers.wish_texts(text)
        catalogue = await database_sync_to_async(snapshot)()
        embeddings = await aencode_for(catalogue, texts)
        await database_sync_to_async(readers.wish_store)(
            reader=reader, sentence=sentence, embeddings=embeddings, origin=_origin(frame)
        )
        return {}

    async def on_dial_set(self, frame: dict[str, Any]) -> dict[str, Any]:
        await database_sync_to_async(self._dial)(frame)
        return {}

    def _dial(self, frame: dict[str, Any]) -> None:
        readers.dial_set(
            reader=self.visitor.made(), value=frame.get("value"), origin=_origin(frame)
        )

    async def on_learning_set(self, frame: dict[str, Any]) -> dict[str, Any]:
        await database_sync_to_async(self._learning)(frame)
        return {}

    def _learning(self, frame: dict[str, Any]) -> None:
        readers.learning_set(
            reader=self.visitor.made(), paused=frame.get("paused"), origin=_origin(frame)
        )

    async def on_feed_request(self, frame: dict[str, Any]) -> dict[str, Any]:
        """The page's sections in order; those that the client has already come without cards."""
        have = frame.get("have") or {}
        if not isinstance(have, Mapping):
            raise InvalidInput('"have" maps sections to signatures.', code="frame_invalid")
        reader, seq, inputs = await database_sync_to_async(self._inputs)()
        rows = await asyncio.to_thread(page.rows_of, inputs)
        payload = await database_sync_to_async(page.page_payload)(reader, inputs, rows)
        payload["sections"] = [
            section
            if have.get(section["id"]) != section["signature"]
            else {"id": section["id"], "signature": section["signature"]}
            for section in payload["sections"]
        ]
        return {"seq": seq, **payload}

    async def on_state_request(self, frame: dict[str, Any]) -> dict[str, Any]:
        return await database_sync_to_async(self._state)(checked_ids(frame.get("items")))

    def _state(self, shown: list[str]) -> dict[str, Any]:
        reader = Reader.objects.filter(key=self.visitor.key).first()
        return state_of(reader, shown)

    async def on_feed_peek(self, frame: dict[str, Any]) -> dict[str, Any]:
        """How much of the page would be new; nothing of it counts as shown."""
        shown = checked_ids(frame.get("items"))
        _, seq, inputs = await database_sync_to_async(self._inputs)()
        rows = await asyncio.to_thread(page.rows_of, inputs)
        return {"seq": seq, **news_of(rows, inputs.snapshot, shown)}

    async def catalogue_moved(self) -> None:
        await self.send_json({"type": "catalogue.moved"})

    def _inputs(self) -> tuple[Reader | None, int, page.PageInputs]:
        # The head is read first: what happens after it reaches the page as an event.
        seq = events.head(self.visitor.stream)
        reader = Reader.objects.filter(key=self.visitor.key).first()
        inputs = page.page_inputs(reader, key=self.visitor.key)
        if reader is None and inputs.policy.arms:
            reader = self.visitor.made()  # an experiment counts all who saw its page
        return reader, seq, inputs

    async def reader_forgotten(self, message: dict[str, Any]) -> None:
        """The reader was deleted: the page must load anew, and this socket may do no more."""
        await self.send_json({"type": "reset", "stream": message["stream"], "seq": 0})
        await self.close(code=CLOSE_NOT_ALLOWED)


def _origin(frame: Mapping[str, Any]) -> str:
    return str(frame.get("id") or "")[: deeds.MAX_EVENT_ID]


def _text(frame: Mapping[str, Any], name: str) -> str:
    value = frame.get(name)
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput('"%(name)s" must be a text.', code="frame_invalid", name=name)
    return value.strip()
