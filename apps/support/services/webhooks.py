"""Webhooks of the installation: added, changed, tested and deleted by administrators."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.services import audit_record
from apps.core.errors import Conflict, InvalidInput, NotFound
from apps.core.posting import address_check
from apps.core.signing import nonce_new, secret_of
from apps.support.services.telling import EVENTS, TEST, outbox, wake
from apps.support.webhook_models import Webhook, WebhookDelivery

MAX_WEBHOOKS = 20


def webhook_create(
    *, actor: Any, name: str, address: str, events: Collection[str]
) -> tuple[Webhook, str]:
    """Add a webhook; the second value is its secret, shown this once.

    Raises ``InvalidInput`` naming the field, ``Conflict`` for a name in use.
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= 80:
        raise InvalidInput("A webhook's name has 1 to 80 characters.", fields={"name": "length"})
    nonce = nonce_new()
    address = address.strip()
    address_check(address)
    values = {"address": address, "events": _events(events), "nonce": nonce}
    try:
        with transaction.atomic():
            if Webhook.objects.count() >= MAX_WEBHOOKS:
                raise InvalidInput(
                    "There are %(max_webhooks)s webhooks; delete one first.",
                    code="webhooks_full",
                    max_webhooks=MAX_WEBHOOKS,
                )
            webhook = Webhook.objects.create(name=name, actor=actor, **values)
            _audit(actor, "webhook.added", webhook)
    except IntegrityError as error:
        raise Conflict("A webhook is called so already.", code="webhook_exists") from error
    return webhook, secret_of(nonce)


def webhook_get(*, webhook_id: int) -> Webhook:
    found = Webhook.objects.filter(pk=webhook_id).first()
    if found is None:
        raise NotFound("There is no such webhook.", code="webhook_not_found")
    return found


def webhook_change(
    *,
    actor: Any,
    webhook_id: int,
    enabled: bool | None = None,
    events: Collection[str] | None = None,
) -> Webhook:
    """Switch a webhook on or off, or say what it is told of; what waits for one that is off is not
    sent."""
    with transaction.atomic():
        webhook = webhook_get(webhook_id=webhook_id)
        if events is not None:
            webhook.events = _events(events)
        if enabled is not None:
            webhook.enabled = enabled
        webhook.save(update_fields=["events", "enabled"])
        _audit(actor, "webhook.changed", webhook, enabled=webhook.enabled, events=webhook.events)
    return webhook


def webhook_renew_secret(*, actor: Any, webhook_id: int) -> tuple[Webhook, str]:
    """Give a webhook a new secret, shown this once; the old one signs nothing from now on."""
    with transaction.atomic():
        webhook = webhook_get(webhook_id=webhook_id)
        webhook.nonce = nonce_new()
        webhook.save(update_fields=["nonce"])
        _audit(actor, "webhook.secret_renewed", webhook)
    return webhook, secret_of(webhook.nonce)


def webhook_delete(*, actor: Any, webhook_id: int) -> None:
    """Delete a webhook; the log of its deliveries stays."""
    with transaction.atomic():
        webhook = webhook_get(webhook_id=webhook_id)
        _audit(actor, "webhook.deleted", webhook)
        webhook.delete()


def webhook_test(*, webhook_id: int) -> WebhookDelivery:
    """Send a test; how it went is in the log."""
    with transaction.atomic():
        webhook = webhook_get(webhook_id=webhook_id)
        delivery = WebhookDelivery.objects.create(
            webhook=webhook,
            webhook_name=webhook.name,
            event=TEST,
            key=f"test-{nonce_new()[:24]}",
            due_at=timezone.now(),
        )
        wake()
    delivery.refresh_from_db()
    return delivery


def webhook_resend(*, delivery_id: int) -> WebhookDelivery:
    """Start the tries of a delivery that was given up anew, with its old key.

    Raises ``NotFound``, ``Conflict`` when it has arrived or is on its way.
    """
    with transaction.atomic():
        rows = WebhookDelivery.objects.select_for_update()
        delivery = outbox.resend(rows.filter(pk=delivery_id).first())
        wake()
    delivery.refresh_from_db()
    return delivery


def _events(given: Collection[str]) -> list[str]:
    if not given or (unknown := sorted(set(given) - set(EVENTS))):
        named = unknown[0][:40] if given else "none"
        raise InvalidInput(
            "Choose what it is told of (%(named)r is not among it).",
            fields={"events": "unknown"},
            named=named,
        )
    return [event for event in EVENTS if event in given]


def _audit(actor: Any, action: str, webhook: Webhook, **details: Any) -> None:
    audit_record(
        actor=actor,
        action=action,
        object_type="webhook",
        object_id=webhook.pk,
        name=webhook.name,
        **details,
    )
