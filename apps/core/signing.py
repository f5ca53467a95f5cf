"""Signs webhooks as the Standard Webhooks specification (1.0.0) says.

The receiver computes HMAC-SHA256 over ``<id>.<timestamp>.<body>`` with the secret and compares; the
time in it lets it refuse an old message that somebody sends again, the id lets it drop repeats.
Libraries for receivers exist in many languages (https://www.standardwebhooks.com).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.utils.crypto import salted_hmac

_PREFIX = "whsec_"
_SALT = "apps.market.signing"  # where it was first; another would make new secrets


def nonce_new() -> str:
    """What a new secret is derived from."""
    return secrets.token_hex(32)


def secret_of(nonce: str) -> str:
    """The secret that belongs to ``nonce``, as its receiver keeps it.

    It follows from the nonce and the installation's own key, so that a copy of the database holds
    no secret; a new installation key makes new secrets.
    """
    derived = salted_hmac(_SALT, nonce, algorithm="sha256").digest()
    return _PREFIX + base64.b64encode(derived).decode("ascii")


def signed_headers(*, secret: str, key: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that identify, date and sign ``body``."""
    raw = base64.b64decode(secret.removeprefix(_PREFIX))
    content = f"{key}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.new(raw, content, hashlib.sha256).digest()).decode("ascii")
    return {
        "webhook-id": key,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }


TOLERANCE = timedelta(minutes=5)
"""How far a signed time may be from ours."""


class SignatureError(ValueError):
    """A message is not signed as it must be; the message says how."""


def signature_check(*, secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The id of a message that was signed with ``secret``; raises :class:`SignatureError`."""
    key, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")
    if not (key and stamp and given):
        raise SignatureError(
            "The headers webhook-id, webhook-timestamp and webhook-signature are needed."
        )
    if not stamp.isdecimal() or len(stamp) > 12:
        raise SignatureError("webhook-timestamp must be seconds since 1970.")
    if abs(now.timestamp() - int(stamp)) > TOLERANCE.total_seconds():
        raise SignatureError("webhook-timestamp is more than five minutes from now.")
    made = signed_headers(secret=secret, key=key, timestamp=int(stamp), body=body)
    wanted = made["webhook-signature"]
    # A sender that changes its secret sends the signatures of both.
    if not any(hmac.compare_digest(one.encode(), wanted.encode()) for one in given.split()):
        raise SignatureError("The signature does not fit the body and the secret.")
    return key
