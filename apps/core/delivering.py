"""Works off a log of outgoing messages until they arrive or are given up.

Each is sent at least once: a worker that dies in between leaves its lease behind, and the next one
sends again with the same key.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.core import posting
from apps.core.delivery_models import (
    OutgoingMessage,
    OutgoingState,
    OutgoingTry,
    error_fields,
)
from apps.core.errors import Conflict, NotFound
from apps.core.posting import Outcome, Parcel
from ml.wording import Wording

logger = structlog.get_logger(__name__)

BATCH = 20
MAX_TRIES = 8
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(hours=1)
LEASE = timedelta(seconds=60)
"""How long a batch is kept from other workers; longer than all its tries together take."""

_CUT_SHORT = Wording("The worker ended in the middle of each try.")

M = TypeVar("M", bound=OutgoingMessage)


class Outbox(ABC, Generic[M]):
    """A log of outgoing messages of ``model``, each try of which is a row of ``tries``."""

    model: type[M]
    tries: type[OutgoingTry]
    related: Sequence[str] = ()
    """What the rows of a batch are read with."""

    @abstractmethod
    def hindrance(self, message: M) -> str:
        """Why it is not sent at all, best as a ``Wording``; empty for nothing."""

    @abstractmethod
    def compose(self, message: M) -> dict[str, Any]:
        """What is said, once it is sent for the first time."""

    @abstractmethod
    def parcel(self, message: M) -> Parcel:
        """The composed message with its address."""

    def send_due(self) -> int:
        """Try each message that is due, once; returns how many. Any number of workers may do so."""
        now, tried = timezone.now(), 0
        while batch := self._claim(now):
            ready = [message for message in batch if self._prepare(message)]
            by_id = {message.pk: message for message in ready}
            parcels = [self.parcel(message) for message in ready]
            for outcome in posting.parcels_send(parcels=parcels):
                self._record(by_id[outcome.delivery_id], outcome)
            tried += len(ready)
        return tried

    def resend(self, message: M | None) -> M:
        """Start the tries of a locked message that was given up anew, with its old key.

        Raises ``NotFound``, ``Conflict`` when it has arrived or is on its way.
        """
        if message is None:
            raise NotFound("There is no such delivery.")
        if message.state not in (OutgoingState.DEAD, OutgoingState.DROPPED):
            raise Conflict("Only what was given up is sent again.", code="delivery_not_dead")
        message.state, message.attempts = OutgoingState.WAITING, 0
        message.error, message.error_parts = "", None
        message.due_at, message.lease_until = timezone.now(), None
        message.save(
            update_fields=["state", "attempts", "error", "error_parts", "due_at", "lease_until"]
        )
        return message

    def _claim(self, now: datetime) -> list[M]:
        """Take a lease on due messages; each claim counts as a try, so that none is tried for ever.

        A batch is due at ``now`` at the latest: what has just failed waits for another call.
        """
        until = timezone.now() + LEASE
        rows = self.model._default_manager
        free = Q(lease_until=None) | Q(lease_until__lt=timezone.now())
        due = rows.filter(free, state=OutgoingState.WAITING, due_at__lte=now)
        with transaction.atomic():
            locked = due.select_for_update(skip_locked=True).order_by("due_at", "id")
            ids = list(locked.values_list("id", flat=True)[:BATCH])
            due.filter(id__in=ids).update(lease_until=until, attempts=F("attempts") + 1)
        found = rows.filter(id__in=ids, lease_until=until).select_related(*self.related)
        return list(found.order_by("id"))

    def _prepare(self, message: M) -> bool:
        """Compose the message at the first try; false when there is nobody to send it to."""
        if reason := self.hindrance(message):
            self._leave(message, OutgoingState.DROPPED, reason)
            return False
        if message.attempts > MAX_TRIES:  # workers died with it
            self._leave(message, OutgoingState.DEAD, _CUT_SHORT)
            return False
        if message.message is None:
            message.message = self.compose(message)
            rows = self.model._default_manager.filter(id=message.pk)
            rows.update(message=message.message)
        return True

    def _record(self, message: M, outcome: Outcome) -> None:
        """Log a try and say what comes next: nothing, a pause, or the end."""
        now = timezone.now()
        with transaction.atomic():
            tried: dict[str, Any] = {
                "delivery": message,
                "at": now,
                "seconds": outcome.seconds,
                "delivered": outcome.delivered,
                "status": outcome.status,
                **error_fields(outcome.error),
            }
            self.tries._default_manager.create(**tried)
            if outcome.delivered:
                message.delivered_at = now
                self._leave(message, OutgoingState.DELIVERED, "")
            elif outcome.final or message.attempts >= MAX_TRIES:
                logger.warning("delivery given up", key=message.key, error=outcome.error)
                self._leave(message, OutgoingState.DEAD, outcome.error)
            else:
                message.due_at = now + pause_after(message.attempts)
                self._leave(message, OutgoingState.WAITING, outcome.error)

    def _leave(self, message: M, state: OutgoingState, error: str) -> None:
        """Give up the lease, unless another worker has taken the message over by now."""
        rows = self.model._default_manager
        rows.filter(id=message.pk, lease_until=message.lease_until).update(
            state=state,
            **error_fields(error),
            due_at=message.due_at,
            delivered_at=message.delivered_at,
            lease_until=None,
        )


def pause_after(attempts: int) -> timedelta:
    """The pause after so many tries: tripled each time, up to an hour.

    Half of it at least and one and a half times at most, by chance, so that a receiver that comes
    back is not met by all at once.
    """
    pause = min(FIRST_PAUSE * 3 ** (attempts - 1), LONGEST_PAUSE)
    return pause * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, guards nothing
