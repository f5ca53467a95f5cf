"""Channels: added, tested, switched off and deleted by their owner."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.services import audit_record
from apps.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from apps.core.posting import address_check
from apps.core.signing import nonce_new, secret_of
from apps.market.models import Channel, Delivery
from apps.market.sending import mail_allowed
from apps.market.services.deliveries import deliveries_wake

MAX_CHANNELS = 20


def channel_create(*, actor: Any, name: str, kind: str, address: str) -> tuple[Channel, str]:
    """Add a channel of the actor's; the second value is a webhook's secret, shown this once.

    Raises ``NotAllowed``, ``InvalidInput`` naming the field, ``Conflict`` for a name in use.
    """
    if not actor.has_perm("market.view_news"):
        raise NotAllowed("Only analysts have channels.")
    name, address = " ".join(name.split()), address.strip()
    if not name or len(name) > 80:
        raise InvalidInput("A channel's name has 1 to 80 characters.", fields={"name": "length"})
    if kind not in Channel.Kind.values:
        known = ", ".join(Channel.Kind.values)
        raise InvalidInput(
            "A channel is one of %(known)s.", fields={"kind": "unknown"}, known=known
        )
    _check_address(actor, kind, address)
    nonce = nonce_new() if kind == Channel.Kind.WEBHOOK else ""
    try:
        with transaction.atomic():
            if Channel.objects.filter(owner=actor).count() >= MAX_CHANNELS:
                raise InvalidInput(
                    "You have %(max_channels)s channels; delete one first.",
                    code="channels_full",
                    max_channels=MAX_CHANNELS,
                )
            channel = Channel.objects.create(
                owner=actor, name=name, kind=kind, address=address, nonce=nonce
            )
            _audit(actor, "channel.added", channel)
    except IntegrityError as error:
        raise Conflict("You have a channel of this name.", code="channel_exists") from error
    return channel, secret_of(nonce) if nonce else ""


def _check_address(actor: Any, kind: str, address: str) -> None:
    if kind == Channel.Kind.EMAIL:
        try:
            validate_email(address)
        except ValidationError as error:
            raise InvalidInput(
                "This is no e-mail address.", fields={"address": "no e-mail address"}
            ) from error
        if not mail_allowed(owner=actor, address=address):
            raise InvalidInput(
                "Alerts are mailed to your own address or to one that this installation allows.",
                code="address_not_allowed",
                fields={"address": "not allowed"},
            )
        return
    address_check(address)


def channel_own(*, actor: Any, channel_id: int) -> Channel:
    """The channel, if it is the actor's; raises ``NotFound``."""
    channel = Channel.objects.filter(id=channel_id).first()
    if channel is None or not actor.has_perm("market.change_channel", channel):
        raise NotFound("There is no such channel.")
    return channel


def channel_switch(*, actor: Any, channel_id: int, enabled: bool) -> Channel:
    """Switch a channel on or off; what waits for one that is off is not sent."""
    with transaction.atomic():
        channel = channel_own(actor=actor, channel_id=channel_id)
        channel.enabled = enabled
        channel.save(update_fields=["enabled"])
        _audit(actor, "channel.on" if enabled else "channel.off", channel)
    return channel


def channel_delete(*, actor: Any, channel_id: int) -> None:
    """Delete a channel; the log of its deliveries stays."""
    with transaction.atomic():
        channel = channel_own(actor=actor, channel_id=channel_id)
        _audit(actor, "channel.deleted", channel)
        channel.delete()


def channel_renew_secret(*, actor: Any, channel_id: int) -> tuple[Channel, str]:
    """Give a webhook a new secret, shown this once; the old one signs nothing from now on."""
    with transaction.atomic():
        channel = channel_own(actor=actor, channel_id=channel_id)
        if channel.kind != Channel.Kind.WEBHOOK:
            raise InvalidInput("Only a signed webhook has a secret.", code="channel_unsigned")
        channel.nonce = nonce_new()
        channel.save(update_fields=["nonce"])
        _audit(actor, "channel.secret_renewed", channel)
    return channel, secret_of(channel.nonce)


def channel_test(*, actor: Any, channel_id: int) -> Delivery:
    """Send a test through a channel of the actor's; how it went is in the log."""
    with transaction.atomic():
        channel = channel_own(actor=actor, channel_id=channel_id)
        delivery = Delivery.objects.create(
            owner=actor,
            channel=channel,
            channel_name=channel.name,
            kind=Delivery.Kind.TEST,
            key=f"test-{nonce_new()[:24]}",
            due_at=timezone.now(),
        )
        deliveries_wake()
    delivery.refresh_from_db()
    return delivery


def _audit(actor: Any, action: str, channel: Channel) -> None:
    audit_record(
        actor=actor,
        action=action,
        object_type="channel",
        object_id=channel.pk,
        name=channel.name,
        kind=channel.kind,
    )
