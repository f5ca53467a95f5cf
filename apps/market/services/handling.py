"""What happens to the alerts of a rule, as its owner sets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from apps.accounts.services import audit_record
from apps.core.errors import InvalidInput
from apps.market.models import Channel, Handling
from apps.market.services.rules import rule_own


@dataclass(frozen=True, slots=True)
class HandlingInput:
    """The handling of a rule as a form or the API gives it."""

    channel_ids: tuple[int, ...] = ()


def handling_own(*, actor: Any, rule_id: int) -> Handling:
    """The handling of a rule of the actor's, unsaved when it was never set; raises ``NotFound``."""
    rule = rule_own(actor=actor, rule_id=rule_id)
    found: Handling | None = getattr(rule, "handling", None)
    return found or Handling(rule=rule)


def handling_input(handling: Handling) -> HandlingInput:
    """The handling as it stands, to be changed in part."""
    return HandlingInput(channel_ids=channel_ids(handling))


def channel_ids(handling: Handling) -> tuple[int, ...]:
    """The channels of a handling, which has none before it is saved."""
    if handling.pk is None:
        return ()
    return tuple(handling.channels.values_list("id", flat=True))


def handling_set(*, actor: Any, rule_id: int, wanted: HandlingInput) -> Handling:
    """Set what happens to the alerts of a rule of the actor's.

    Raises ``NotFound``, and ``InvalidInput`` naming each field that is off.
    """
    with transaction.atomic():
        handling = handling_own(actor=actor, rule_id=rule_id)
        channels = list(Channel.objects.filter(owner=actor, id__in=wanted.channel_ids))
        if len(channels) != len(set(wanted.channel_ids)):
            raise InvalidInput("There is no such channel.", fields={"channels": "not one of yours"})
        handling.save()
        handling.channels.set(channels)
        audit_record(actor=actor, action="rule.handling_set", object_type="rule", object_id=rule_id)
    return handling
