"""Articles of the knowledge base, conversations, their messages, and what the bot owes."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.support.customer_models import Customer as Customer
from apps.support.customer_models import ErasureReceipt as ErasureReceipt
from apps.support.customer_models import RetentionRule as RetentionRule
from apps.support.desk_models import DeskCalendar, Duty, PastCase, Policy, SavedView, Team, Wait
from apps.support.promise_models import IntentGroup as IntentGroup
from apps.support.promise_models import PromiseNotice as PromiseNotice
from ml.retrieval.documents import INTENT_TAG, intents_of

__all__ = [
    "Article",
    "ArticleUpload",
    "ArticleVersion",
    "BotTurn",
    "Conversation",
    "DeskCalendar",
    "Duty",
    "KnowledgeVersion",
    "Macro",
    "Message",
    "Note",
    "PastCase",
    "Policy",
    "SavedView",
    "Team",
    "Wait",
]


class Article(models.Model):
    """An article of the knowledge base; tags of the form ``intent:<label>`` say what it answers.

    The bot and the help centre show what is published and public; the team sees all of it.
    """

    class Audience(models.TextChoices):
        PUBLIC = "public", _("Everybody")
        TEAM = "team", _("Only the team")

    slug = models.SlugField(max_length=120, unique=True)
    title = models.CharField(max_length=200)
    body = models.TextField(max_length=200_000)
    tags = models.JSONField(default=list)
    questions = models.JSONField(default=list)
    language = models.CharField(max_length=16, default="en")
    audience = models.CharField(max_length=8, choices=Audience.choices, default=Audience.PUBLIC)
    version = models.PositiveIntegerField(default=1)
    published = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title

    @property
    def topic(self) -> str:
        """The first tag that names no intent."""
        return next((tag for tag in self.tags if not tag.startswith(INTENT_TAG)), "")

    @property
    def intents(self) -> list[str]:
        return list(intents_of(self.tags))


class ArticleVersion(models.Model):
    """An article as it was at one version, the present one included; never changed."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    body = models.TextField()
    tags = models.JSONField(default=list)
    questions = models.JSONField(default=list)
    language = models.CharField(max_length=16, default="en")
    audience = models.CharField(
        max_length=8, choices=Article.Audience.choices, default=Article.Audience.PUBLIC
    )
    published = models.BooleanField(default=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    origin = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["article", "number"], name="support_article_version")
        ]

    def __str__(self) -> str:
        return f"{self.title} #{self.number}"


class ArticleUpload(models.Model):
    """Files that a person has uploaded, kept between the preview and the import."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    name = models.CharField(max_length=120)
    job = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return self.name


class KnowledgeVersion(models.Model):
    """Counts changes of the articles, so that each process knows when to index them anew."""

    number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.number)


class Conversation(models.Model):
    """A visitor's conversation. Who speaks for the bank follows from ``state`` alone.

    ``owned_at`` is when its assignee got it, ``unanswered_since`` when the visitor wrote the first
    message that nobody has answered. ``helped_since`` is when it became a person's matter,
    ``first_reply_at`` when a person wrote first; ``deadlines`` maps what is promised (``first``,
    ``next``, ``resolution``) to its moment, ``breached`` names what was not kept, and ``due_at`` is
    the earliest that still can be. ``flow`` is where it stands in a flow, or what flow was offered;
    empty outside of one. ``tone`` is how the customer sounded last, and ``rank_at`` orders those
    who wait (:mod:`apps.support.urgency`). ``visitor_read`` and ``operator_read`` are the messages
    up to which each side has read what the other wrote.
    """

    class State(models.TextChoices):
        BOT = "bot", gettext_noop("Bot")
        QUEUED = "queued", gettext_noop("Waiting for a person")
        PERSON = "person", gettext_noop("With a person")
        RESOLVED = "resolved", gettext_noop("Resolved")

    class Priority(models.IntegerChoices):
        URGENT = 1, gettext_noop("Urgent")
        HIGH = 2, gettext_noop("High")
        NORMAL = 3, gettext_noop("Normal")
        LOW = 4, gettext_noop("Low")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    visitor = models.UUIDField(db_index=True)
    visitor_name = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.BOT)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True)
    subject = models.CharField(max_length=120, blank=True)
    preview = models.CharField(max_length=160, blank=True)
    last_seq = models.PositiveIntegerField(default=0)
    visitor_read = models.PositiveIntegerField(default=0)
    operator_read = models.PositiveIntegerField(default=0)
    unsure_count = models.PositiveSmallIntegerField(default=0)
    is_example = models.BooleanField(default=False)
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    tone = models.CharField(max_length=8, blank=True)
    rank_at = models.DateTimeField(null=True, blank=True, db_index=True)
    tags = models.JSONField(default=list, blank=True)
    flow = models.JSONField(default=dict, blank=True)
    snoozed_until = models.DateTimeField(null=True, blank=True, db_index=True)
    queued_at = models.DateTimeField(null=True, blank=True)
    queued_behind = models.PositiveIntegerField(default=0)
    owned_at = models.DateTimeField(null=True, blank=True)
    unanswered_since = models.DateTimeField(null=True, blank=True)
    helped_since = models.DateTimeField(null=True, blank=True)
    first_reply_at = models.DateTimeField(null=True, blank=True)
    deadlines = models.JSONField(default=dict, blank=True)
    breached = models.JSONField(default=list, blank=True)
    due_at = models.DateTimeField(null=True, blank=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)
    active_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["state", "-active_at"])]

    def __str__(self) -> str:
        return f"{self.visitor_name or self.id} ({self.state})"


class Message(models.Model):
    """One message; ``seq`` counts from 1 within its conversation."""

    class Author(models.TextChoices):
        VISITOR = "visitor", _("Visitor")
        BOT = "bot", _("Bot")
        OPERATOR = "operator", _("Operator")
        SYSTEM = "system", _("System")

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    seq = models.PositiveIntegerField()
    author = models.CharField(max_length=8, choices=Author.choices)
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    client_id = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001 - NULLs differ
    text = models.TextField()
    citations = models.JSONField(default=list)
    choices = models.JSONField(default=list)
    analysis = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["seq"]
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="support_message_seq"),
            models.UniqueConstraint(
                fields=["conversation", "client_id"], name="support_message_client_id"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.author}: {self.text[:40]}"


class Note(models.Model):
    """What the team says among itself beside a conversation, after its message ``after_seq``.

    A table of its own, so that nothing that reads messages for the visitor can show one.
    """

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    client_id = models.CharField(max_length=64)
    after_seq = models.PositiveIntegerField()
    text = models.TextField()
    mentions = models.ManyToManyField(
        settings.AUTH_USER_MODEL, related_name="support_mentions", blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "client_id"], name="support_note_client_id"
            )
        ]

    def __str__(self) -> str:
        return f"note: {self.text[:40]}"


class Macro(models.Model):
    """A reply written once for the whole team; ``{customer}`` and the like are filled in."""

    name = models.CharField(max_length=60, unique=True)
    text = models.TextField(max_length=4000)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class BotTurn(models.Model):
    """An answer that the bot owes to a visitor's message.

    Made with the message in one transaction. Who works on it holds a lease; once that has run
    out (the process died), another takes over. It is done exactly once, by compare-and-swap.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        DONE = "done", _("Done")
        DROPPED = "dropped", _("Dropped")

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="turn")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PENDING)
    lease_until = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["status", "lease_until"])]

    def __str__(self) -> str:
        return f"turn of message {self.message_id} ({self.status})"


from apps.support.flow_models import (  # noqa: E402 - they refer to what stands above
    FlowVersion,
    ServiceCase,
    StoredFlow,
)
from apps.support.gap_models import Gap as Gap  # noqa: E402
from apps.support.gap_models import GapQuestion as GapQuestion  # noqa: E402
from apps.support.gap_models import Rating as Rating  # noqa: E402
from apps.support.health_models import ArticleHealth as ArticleHealth  # noqa: E402
from apps.support.report_models import ReportMail as ReportMail  # noqa: E402
from apps.support.webhook_models import Webhook as Webhook  # noqa: E402
from apps.support.webhook_models import WebhookDelivery as WebhookDelivery  # noqa: E402
from apps.support.webhook_models import WebhookTry as WebhookTry  # noqa: E402

__all__ = [
    "Article",
    "ArticleUpload",
    "ArticleVersion",
    "BotTurn",
    "Conversation",
    "FlowVersion",
    "KnowledgeVersion",
    "Macro",
    "Message",
    "Note",
    "ServiceCase",
    "StoredFlow",
]
