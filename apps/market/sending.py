"""What goes to each kind of channel, and by which way."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage

from apps.core.posting import Parcel
from apps.market.delivery_models import Channel


def mail_allowed(*, owner: Any, address: str) -> bool:
    """Whether alerts of ``owner`` may be mailed to ``address``.

    That is their own address, one that the installation names, or one of a domain it names.
    """
    wanted = address.casefold()
    named = {entry.casefold() for entry in (*settings.ALERT_ADDRESSES, owner.email) if entry}
    return wanted in named or f"@{wanted.rpartition('@')[2]}" in named


def parcel_for(*, delivery_id: int, key: str, channel: Channel, message: dict[str, Any]) -> Parcel:
    """A message (see :mod:`apps.market.messages`) as its channel takes it."""
    address = channel.address
    if channel.kind == Channel.Kind.EMAIL:
        return Parcel(delivery_id, key, by_hand=partial(_mail, address, key, message))
    if channel.kind == Channel.Kind.SLACK:
        return Parcel(delivery_id, key, address, {"text": message["slack"]})
    return Parcel(delivery_id, key, address, message["data"], channel.nonce)


def _mail(address: str, key: str, message: dict[str, Any]) -> None:
    EmailMessage(
        subject=message["subject"],
        body=message["text"],
        to=[address],
        # The same in each try: a mail program shows a repeat once.
        headers={"Message-ID": f"<{key}@trefoil>", "Auto-Submitted": "auto-generated"},
    ).send()
