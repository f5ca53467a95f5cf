"""The reader's socket: what the reader does goes in, what it changes comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from channels.db import database_sync_to_async

from apps.core import events, gateway
from apps.core.consumers import CLOSE_NOT_ALLOWED, StreamConsumer
from apps.core.errors import InvalidInput, NotAllowed
from apps.recommend import page
from apps.recommend.models import Reader
from apps.recommend.payloads import interaction_payload
from apps.recommend.services import events as deeds
from apps.recommend.services import readers
from apps.recommend.services.catalogue import ENCODER
from apps.recommend.visitors import Visitor, visitor_from
from ml.types import Embedding

SOURCE = "socket"


class DiscoverConsumer(StreamConsumer):
    """``/ws/discover/``: for signed-in people and for visitors with the reader's cookie.

    Commands: ``event.record {item_id, kind, value?}`` and ``event.undo {event_id}`` (a record's
    event id is the frame's id), ``item.forget {item_id, kind?}``, ``preference.set {subject,
    value, stance, weight?}``, ``wish.set {text}``, ``dial.set {value}``, ``feed.request {have:
    {section: signature}}``. After each change all of the reader's pages receive ``feed.changed
    {cause}`` on the reader's stream and request the sections that they lack.
    """

    visitor: Visitor

    async def authorise(self) -> None:
        cookies = self.scope.get("cookies", {})
        visitor = await database_sync_to_async(visitor_from)(self.user, cookies, new=False)
        if visitor is None:
            raise NotAllowed("Open the Discover page first.", code="no_reader")
        self.visitor = visitor

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
        )
        return {"event": interaction_payload(recorded.interaction), "created": recorded.created}

    async def on_event_undo(self, frame: dict[str, Any]) -> dict[str, Any]:
        event_id = _text(frame, "event_id")
        return {"removed": await database_sync_to_async(self._undo)(event_id)}

    def _undo(self, event_id: str) -> bool:
        return deeds.interaction_remove(reader=self.visitor.made(), event_id=event_id)

    async def on_item_forget(self, frame: dict[str, Any]) -> dict[str, Any]:
        kind = frame.get("kind")
        item_id = _text(frame, "item_id")
        removed = await database_sync_to_async(self._forget)(item_id, str(kind) if kind else None)
        return {"removed": removed}

    def _forget(self, item_id: str, kind: str | None) -> int:
        return deeds.item_forget(reader=self.visitor.made(), item_id=item_id, kind=kind)

    async def on_preference_set(self, frame: dict[str, Any]) -> dict[str, Any]:
        await database_sync_to_async(self._prefer)(frame)
        return {}

    def _prefer(self, frame: dict[str, Any]) -> None:
        stance = frame.get("stance")
        deeds.preference_set(
            reader=self.visitor.made(),
            subject=_text(frame, "subject"),
            value=_text(frame, "value"),
            stance=None if stance is None else str(stance),
            weight=frame.get("weight"),
        )

    async def on_wish_set(self, frame: dict[str, Any]) -> dict[str, Any]:
        text = str(frame.get("text") or "")
        reader = await database_sync_to_async(self.visitor.made)()
        if not text.strip():
            await database_sync_to_async(readers.wish_clear)(reader=reader)
            return {}
        sentence, texts = readers.wish_texts(text)
        embeddings = cast(list[Embedding], await gateway.apredict(ENCODER, texts))
        await database_sync_to_async(readers.wish_store)(
            reader=reader, sentence=sentence, embeddings=embeddings
        )
        return {}

    async def on_dial_set(self, frame: dict[str, Any]) -> dict[str, Any]:
        await database_sync_to_async(self._dial)(frame.get("value"))
        return {}

    def _dial(self, value: object) -> None:
        readers.dial_set(reader=self.visitor.made(), value=value)

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


def _text(frame: Mapping[str, Any], name: str) -> str:
    value = frame.get(name)
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f'"{name}" must be a text.', code="frame_invalid")
    return value.strip()
