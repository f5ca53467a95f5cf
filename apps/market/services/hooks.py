"""Inbound webhooks: sources that post their articles signed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.services import audit_record
from apps.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from apps.core.signing import SignatureError, nonce_new, secret_of, signature_check
from apps.market.ingest import batch_store
from apps.market.models import Source

LARGEST = 4 * 1024 * 1024


def webhook_create(*, actor: Any, name: str) -> tuple[Source, str]:
    """Add a source that posts its news; the second value is its secret, shown this once.

    Raises ``NotAllowed``, ``InvalidInput``, ``Conflict`` (the name is taken).
    """
    _may(actor)
    name = " ".join(name.split())
    if not 0 < len(name) <= 120:
        raise InvalidInput("A source's name has 1 to 120 characters.", fields={"name": "length"})
    try:
        with transaction.atomic():
            source = Source.objects.create(
                name=name, kind=Source.Kind.WEBHOOK, state=Source.State.NEW, nonce=nonce_new()
            )
            _audit(actor, "webhook.added", source)
    except IntegrityError as error:
        raise Conflict("There is a source of this name already.", code="source_exists") from error
    return source, secret_of(source.nonce)


def webhook_renew_secret(*, actor: Any, source_id: int) -> tuple[Source, str]:
    """Give a webhook a new secret; what is signed with the old one is refused from now on."""
    _may(actor)
    with transaction.atomic():
        source = _hook(source_id)
        source.nonce = nonce_new()
        source.save(update_fields=["nonce"])
        _audit(actor, "webhook.secret_renewed", source)
    return source, secret_of(source.nonce)


def hook_receive(*, source_id: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Store the articles of a signed message; sent again it changes nothing.

    ``body`` is one article as JSON, a list of them, or ``{"articles": [...]}``. Raises
    ``NotFound``, ``NotAllowed`` (paused, or not signed with the secret), ``InvalidInput``.
    """
    source = _hook(source_id)
    if source.state == Source.State.PAUSED:
        raise NotAllowed("This source is paused.", code="source_paused")
    if len(body) > LARGEST:
        raise InvalidInput(
            "A message has at most %(largest)s bytes.",
            code="body_too_large",
            largest=f"{LARGEST:,}",
        )
    secret = secret_of(source.nonce)
    try:
        signature_check(secret=secret, headers=headers, body=body, now=timezone.now())
    except SignatureError as error:
        # Anybody can send nonsense: it is noted, and the source stays what it is.
        Source.objects.filter(id=source.pk).update(
            error_code="signature_invalid", error=f"A message was refused: {error}"
        )
        raise NotAllowed(str(error), code="signature_invalid") from error
    answer = batch_store(items=_articles(source, body), source=source)
    _received(source, answer)
    return answer


def _articles(source: Source, body: bytes) -> list[Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        Source.objects.filter(id=source.pk).update(
            state=Source.State.FAILING, error_code="not_json", error="A message was no JSON."
        )
        raise InvalidInput("The body is no JSON.", code="not_json") from error
    if isinstance(data, dict) and isinstance(data.get("articles"), list):
        data = data["articles"]
    return data if isinstance(data, list) else [data]


def _received(source: Source, answer: dict[str, Any]) -> None:
    bad = next((row for row in answer["results"] if row["status"] == "invalid"), None)
    told = f"article {bad['index']}: {bad['detail']}" if bad else ""
    Source.objects.filter(id=source.pk).update(
        state=Source.State.HEALTHY,
        succeeded_at=timezone.now(),
        error_code="articles_refused" if bad else "",
        error=told[:500],
    )


def _hook(source_id: int) -> Source:
    source = Source.objects.filter(id=source_id, kind=Source.Kind.WEBHOOK).first()
    if source is None:
        raise NotFound("There is no such webhook.")
    return source


def _may(actor: Any) -> None:
    if not actor.has_perm("market.manage_sources"):
        raise NotAllowed("Only analysts change sources.")


def _audit(actor: Any, action: str, source: Source) -> None:
    audit_record(actor=actor, action=action, object_type="source", object_id=source.pk)
