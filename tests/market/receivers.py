"""Channels to a receiver of webhooks on this machine."""

from __future__ import annotations

from apps.accounts.models import User
from apps.market.models import Channel, Rule
from apps.market.services.channels import channel_create
from apps.market.services.handling import HandlingInput, handling_set
from tests.receiver import Receiver as Receiver
from tests.receiver import receiving as receiving


def webhook(owner: User, receiver: Receiver, *rules: Rule, kind: str = "webhook") -> Channel:
    """A channel to a receiver, which the alerts of ``rules`` go to."""
    channel, _ = channel_create(actor=owner, name=kind, kind=kind, address=receiver.url)
    for rule in rules:
        handling_set(actor=owner, rule_id=rule.pk, wanted=HandlingInput(channel_ids=(channel.pk,)))
    return channel
