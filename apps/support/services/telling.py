"""Tells webhooks what happens in Support: stored with what it tells of, sent by workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django_tasks import task

from apps.core.delivering import Outbox
from apps.core.delivery_models import OutgoingState
from apps.core.posting import Parcel
from apps.core.signing import nonce_new
from apps.support import statements
from apps.support.models import Article, Conversation, Customer, Message
from apps.support.payloads import conversation_payload, message_payload
from apps.support.webhook_models import Webhook, WebhookDelivery, WebhookTry
from ml.wording import Wording

EVENTS = {
    "conversation.opened": gettext_lazy("A conversation begins, or a resolved one again"),
    "conversation.handed_over": gettext_lazy("It waits for a person"),
    "conversation.assigned": gettext_lazy("A person has it"),
    "conversation.released": gettext_lazy("It is with the bot again"),
    "conversation.resolved": gettext_lazy("It is resolved"),
    "conversation.rated": gettext_lazy("The customer says whether they were helped"),
    "message.posted": gettext_lazy("The customer, the bot or a person wrote"),
    "article.published": gettext_lazy("An article is published, or a published one changed"),
}
"""What a webhook may be told of."""
TEST = "test"
KEPT = timedelta(days=30)
"""How long the log of what was delivered or given up is kept."""


class _Webhooks(Outbox[WebhookDelivery]):
    model = WebhookDelivery
    tries = WebhookTry
    related = ("webhook",)

    def hindrance(self, message: WebhookDelivery) -> str:
        if message.webhook is None:
            return Wording("The webhook was deleted.")
        if not message.webhook.enabled and message.event != TEST:
            return Wording("The webhook is switched off.")
        return ""

    def compose(self, message: WebhookDelivery) -> dict[str, Any]:
        return message_of(message.event, {"webhook": message.webhook_name})

    def parcel(self, message: WebhookDelivery) -> Parcel:
        assert message.webhook is not None
        assert message.message is not None
        webhook = message.webhook
        return Parcel(message.pk, message.key, webhook.address, message.message, webhook.nonce)


outbox = _Webhooks()


def tell(
    event: str, data: Callable[[], dict[str, Any]], *, conversation: Conversation | None = None
) -> None:
    """Store what webhooks are to be told, in the caller's transaction.

    ``data`` is called where some webhook wants the event.
    """
    if not statements.webhook_listens():
        return
    wanting = [one for one in Webhook.objects.filter(enabled=True) if event in one.events]
    if not wanting:
        return
    message = message_of(event, data())
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            webhook=webhook,
            webhook_name=webhook.name,
            event=event,
            conversation=conversation,
            key=f"support-{nonce_new()[:32]}",
            message=message,
            due_at=timezone.now(),
        )
        for webhook in wanting
    )
    wake()


def conversation_tell(event: str, conversation: Conversation, **more: Any) -> None:
    """Tell of a conversation as it is in memory, with what else there is to say."""
    tell(event, lambda: _conversation(conversation) | more, conversation=conversation)


def message_tell(conversation: Conversation, message: Message) -> None:
    """Tell of what the customer, the bot or a person wrote."""
    if message.author == Message.Author.SYSTEM:
        return

    def data() -> dict[str, Any]:
        place = {"conversation": str(conversation.pk), "url": _page_of(conversation)}
        return message_payload(message) | place

    tell("message.posted", data, conversation=conversation)


def articles_tell(articles: Iterable[Article]) -> None:
    """Tell of those articles that everybody may read now."""
    for article in articles:
        if article.published and article.audience == Article.Audience.PUBLIC:
            tell("article.published", partial(_article, article))


def _conversation(conversation: Conversation) -> dict[str, Any]:
    customer = Customer.objects.filter(visitor=conversation.visitor).first()
    return conversation_payload(conversation) | {
        "visitor": str(conversation.visitor),
        "customer": customer.external_id if customer else None,
        "url": _page_of(conversation),
    }


def _page_of(conversation: Conversation) -> str:
    return f"{settings.SITE_URL}{reverse('support:conversation', args=[conversation.pk])}"


def _article(article: Article) -> dict[str, Any]:
    return {
        "id": article.slug,
        "title": article.title,
        "version": article.version,
        "language": article.language,
        "tags": article.tags,
        "url": f"{settings.SITE_URL}{reverse('support:article', args=[article.slug])}",
    }


def message_of(event: str, data: dict[str, Any]) -> dict[str, Any]:
    """What is posted, as Standard Webhooks has it."""
    return {"type": event, "timestamp": timezone.now().isoformat(), "data": data}


def wake() -> None:
    """Have a worker send what is due as soon as the current transaction is committed.

    Should that be missed, the periodic look for due deliveries finds them.
    """
    transaction.on_commit(send_due.enqueue, robust=True)


@task()
def send_due() -> int:
    """Send the webhooks' deliveries that are due."""
    return outbox.send_due()


def log_prune() -> int:
    """Delete what was delivered or given up long ago; returns how many."""
    old = WebhookDelivery.objects.filter(created_at__lt=timezone.now() - KEPT)
    _, by_table = old.exclude(state=OutgoingState.WAITING).delete()
    return by_table.get(WebhookDelivery._meta.label, 0)
