"""Customers whom the embedding site vouches for: a small signed statement of who they are.

The site's server makes ``<base64url of JSON>.<hex HMAC-SHA256 of that>`` with the secret that the
customers page shows to administrators. The JSON names ``id`` and ``at`` (seconds since 1970), and
may name ``name``, ``email`` and ``attributes``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.crypto import salted_hmac

from apps.core.errors import NotAllowed

_SALT = "apps.support.identity"
LIVES = timedelta(hours=24)
AHEAD = timedelta(minutes=5)
MOST = 4000  # characters of a statement
MOST_ATTRIBUTES = 20


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a customer is, as their site says."""

    id: str
    name: str = ""
    email: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


def identity_secret() -> str:
    """What sites sign with. It follows from the installation's own key."""
    return salted_hmac(_SALT, "site", algorithm="sha256").hexdigest()


def identity_sign(statement: Mapping[str, Any], *, secret: str) -> str:
    """A signed statement, as a site's server makes it."""
    body = base64.urlsafe_b64encode(json.dumps(dict(statement)).encode()).decode("ascii")
    return f"{body}.{_mac(body, secret)}"


def identity_read(token: str, *, now: datetime) -> Identity:
    """Who the statement names; raises ``NotAllowed`` for one that is not signed, old or no such
    thing."""
    body, _, mac = token[: MOST + 1].rpartition(".")
    if len(token) > MOST or not hmac.compare_digest(
        mac.encode(), _mac(body, identity_secret()).encode()
    ):
        raise NotAllowed("The signature of the identity does not fit.", code="identity_unsigned")
    try:
        said = json.loads(base64.urlsafe_b64decode(body.encode()))
        at = float(said["at"])
        found = Identity(
            id=" ".join(str(said["id"]).split())[:120],
            name=" ".join(str(said.get("name") or "").split())[:80],
            email=str(said.get("email") or "").strip()[:254],
            attributes=_attributes(said.get("attributes") or {}),
        )
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotAllowed(
            'The identity is no JSON object with "id" and "at".', code="identity_unreadable"
        ) from error
    age = now.timestamp() - at
    if not -AHEAD.total_seconds() <= age <= LIVES.total_seconds() or not found.id:
        raise NotAllowed("The identity is older than a day.", code="identity_old")
    return found


def _attributes(given: Mapping[str, Any]) -> dict[str, str]:
    rows = list(given.items())[:MOST_ATTRIBUTES]
    return {str(name)[:40]: str(value)[:200] for name, value in rows}


def _mac(body: str, secret: str) -> str:
    return hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
