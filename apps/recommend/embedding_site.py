"""Who stands behind a request from another site: a reader for whom the site vouches, or a visitor.

The site signs ``<id>.<expires>`` (seconds since 1970) with its secret, HMAC-SHA256 in hexadecimal,
and hands out ``<id>.<expires>.<signature>``. A visitor without such a statement gets one of ours,
signed with the installation's key, that the site's page keeps.
"""

from __future__ import annotations

import hashlib
import hmac
import time
import uuid

from apps.core.errors import NotAllowed
from apps.core.signing import secret_of
from apps.recommend.models import Reader
from apps.recommend.services.readers import reader_for_external, reader_for_key
from apps.recommend.subjects import was_forgotten
from apps.recommend.visitors import COOKIE, cookie_key, cookie_value

LONGEST = 7 * 86_400
"""A statement may hold so many seconds, so that one that leaks is of use for a week at most."""


def site_secret() -> str:
    """What the site signs with; kept on its server, never in a page."""
    return secret_of("recommend.embed")


def identity_sign(external_id: str, *, expires: int) -> str:
    """The statement that a site makes; its server does the same in its own language."""
    content = f"{external_id}.{expires}"
    return f"{content}.{_signature(content)}"


def _signature(content: str) -> str:
    return hmac.new(site_secret().encode(), content.encode(), hashlib.sha256).hexdigest()


def identity_read(statement: str) -> str:
    """The id that a statement vouches for; raises ``NotAllowed`` saying what is off."""
    content, _, signature = statement.rpartition(".")
    external_id, _, stamp = content.rpartition(".")
    if not external_id or len(external_id) > 120 or not stamp.isdecimal() or len(stamp) > 12:
        raise NotAllowed("The identity is not <id>.<expires>.<signature>.")
    if not hmac.compare_digest(_signature(content).encode(), signature.encode()):
        raise NotAllowed("The identity’s signature does not fit.")
    left = int(stamp) - time.time()
    if left <= 0 or left > LONGEST:
        raise NotAllowed("The identity has expired, or holds longer than a week.")
    return external_id


def visitor_read(statement: str) -> tuple[uuid.UUID, str]:
    """The key of a visitor with its statement; a new one for a missing or forged statement."""
    key = cookie_key({COOKIE: statement})
    if (
        key is not None
        and not was_forgotten(key)
        and not Reader.objects.filter(key=key).exclude(user=None, external_id=None).exists()
    ):
        return key, statement
    fresh = uuid.uuid4()
    return fresh, cookie_value(fresh)


def reader_known(*, identity: str, key: uuid.UUID) -> Reader | None:
    """The reader behind a request, if there is a row."""
    if identity:
        return Reader.objects.filter(external_id=identity_read(identity)).first()
    return Reader.objects.filter(key=key).first()


def reader_made(*, identity: str, key: uuid.UUID) -> Reader:
    """The reader behind a request, made when missing."""
    if identity:
        return reader_for_external(external_id=identity_read(identity))
    return reader_for_key(key=key)
