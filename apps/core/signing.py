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
