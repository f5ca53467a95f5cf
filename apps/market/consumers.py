"""The socket of the monitor: ``/ws/market/``."""

from __future__ import annotations

from typing import Any

from channels.db import database_sync_to_async

from apps.core.consumers import StreamConsumer
from apps.core.errors import InvalidInput, NotAllowed
from apps.market.payloads import TAPE, alert_payload, alert_stream
from apps.market.services.alerts import alert_acknowledge


class MarketConsumer(StreamConsumer):
    """For analysts: follows the tape and their own alerts; acknowledges an alert.

    ``alert.acknowledge {"alert": id}`` is idempotent by its meaning.
    """

    async def authorise(self) -> None:
        await super().authorise()
        if not await database_sync_to_async(self.user.has_perm)("market.view_news"):
            raise NotAllowed("Only analysts follow the market.")

    async def greeting(self) -> dict[str, Any]:
        return {"streams": {"tape": TAPE, "alerts": alert_stream(self.user.pk)}}

    async def may_follow(self, stream: str) -> bool:
        return stream in (TAPE, alert_stream(self.user.pk))

    async def on_alert_acknowledge(self, frame: dict[str, Any]) -> dict[str, Any]:
        alert_id = frame.get("alert")
        if not isinstance(alert_id, int) or isinstance(alert_id, bool):
            raise InvalidInput('"alert" must be the number of an alert.', code="frame_invalid")
        return {"alert": await database_sync_to_async(self._acknowledge)(alert_id)}

    def _acknowledge(self, alert_id: int) -> dict[str, Any]:
        return alert_payload(alert_acknowledge(actor=self.user, alert_id=alert_id))
