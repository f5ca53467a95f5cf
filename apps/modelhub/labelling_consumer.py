"""The socket of labelling: ``/ws/models/label/``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from channels.db import database_sync_to_async

from apps.core.consumers import StreamConsumer
from apps.core.errors import InvalidInput, NotAllowed
from apps.modelhub.models import LabelQueue, LabelRow
from apps.modelhub.payloads import row_payload
from apps.modelhub.selectors.labelling import queue_get
from apps.modelhub.services import labelling

_QUEUE = re.compile(r"modelhub\.queue\.(\d{1,18})")


class LabellingConsumer(StreamConsumer):
    """Operators, analysts and team leads take rows of a queue and label them, several at once.

    ``row.next`` and ``row.undo {"queue"}``, ``row.label {"row", "label" | "labels" | "spans"}`` and
    ``row.skip {"row"}`` answer with a ``row``; the stream ``modelhub.queue.<id>`` tells how far a
    queue is.
    """

    async def authorise(self) -> None:
        await super().authorise()
        if not await database_sync_to_async(self.user.has_perm)("modelhub.label"):
            raise NotAllowed("Labelling is for operators, analysts and team leads.")

    async def may_follow(self, stream: str) -> bool:
        found = _QUEUE.fullmatch(stream)
        if found is None:
            return False
        return await LabelQueue.objects.filter(pk=int(found[1])).aexists()

    async def on_row_next(self, frame: dict[str, Any]) -> dict[str, Any]:
        return await self._on_queue(frame, labelling.row_claim)

    async def on_row_undo(self, frame: dict[str, Any]) -> dict[str, Any]:
        return await self._on_queue(frame, labelling.row_undo)

    async def on_row_label(self, frame: dict[str, Any]) -> dict[str, Any]:
        given: dict[str, Any] = {
            name: frame[name] for name in ("label", "labels", "spans") if name in frame
        }
        if not _is_answer(given):
            raise InvalidInput("The label cannot be read.", code="frame_invalid")
        return await self._on_row(frame, labelling.row_label, **given)

    async def on_row_skip(self, frame: dict[str, Any]) -> dict[str, Any]:
        return await self._on_row(frame, labelling.row_skip)

    async def _on_queue(
        self, frame: dict[str, Any], act: Callable[..., LabelRow | None]
    ) -> dict[str, Any]:
        queue_id = _number(frame, "queue")

        def run() -> dict[str, Any]:
            row = act(queue=queue_get(queue_id=queue_id), person=self.user)
            return {"row": row_payload(row) if row else None}

        return await database_sync_to_async(run)()

    async def _on_row(
        self, frame: dict[str, Any], act: Callable[..., LabelRow], **given: Any
    ) -> dict[str, Any]:
        row_id = _number(frame, "row")

        def run() -> dict[str, Any]:
            return {"row": row_payload(act(row_id=row_id, person=self.user, **given))}

        return await database_sync_to_async(run)()


def _number(frame: dict[str, Any], name: str) -> int:
    value = frame.get(name)
    if type(value) is not int or not 0 < value < 2**63:
        raise InvalidInput('"%(name)s" must be a number.', code="frame_invalid", name=name)
    return value


def _is_answer(given: dict[str, Any]) -> bool:
    labels, spans = given.get("labels", []), given.get("spans", [])
    return (
        isinstance(given.get("label", ""), str)
        and isinstance(labels, list)
        and all(isinstance(one, str) for one in labels)
        and isinstance(spans, list)
        and all(isinstance(one, dict) for one in spans)
    )
