"""Flows with their versions, and the cases that flows have opened."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core.signing import nonce_new


class StoredFlow(models.Model):
    """A flow by its name; ``nonce`` is what the secret of its webhooks is derived from."""

    name = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=60)
    enabled = models.BooleanField(default=True)
    nonce = models.CharField(max_length=64, default=nonce_new)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["title", "id"]

    def __str__(self) -> str:
        return self.name


class FlowVersion(models.Model):
    """A flow's text at one version. The text never changes; a conversation stays with its version.

    A draft becomes tested when its rehearsals hold, and published when a lead says so; of one flow
    one version is published, and what was published before it is retired.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        TESTED = "tested", _("Tested")
        PUBLISHED = "published", pgettext_lazy("a flow", "Published")
        RETIRED = "retired", _("Retired")

    flow = models.ForeignKey(StoredFlow, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    source = models.TextField()
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    problems = models.JSONField(default=list)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        indexes = [models.Index(fields=["state"])]
        constraints = [
            models.UniqueConstraint(fields=["flow", "number"], name="support_flow_version"),
            models.UniqueConstraint(
                fields=["flow"],
                condition=models.Q(state="published"),
                name="support_flow_published_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.flow} #{self.number} ({self.state})"


class ServiceCase(models.Model):
    """Something that a flow has done for a customer; ``key`` makes it happen once."""

    key = models.CharField(max_length=160, unique=True)
    kind = models.CharField(max_length=40, db_index=True)
    reference = models.CharField(max_length=20, unique=True)
    conversation = models.ForeignKey(
        "support.Conversation", on_delete=models.SET_NULL, null=True, blank=True
    )
    details = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.reference} ({self.kind})"
