"""What went wrong for customers: questions without an answer, and what they say of the help."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Gap(models.Model):
    """Questions alike that no article answers; it is named by the one nearest to their middle.

    ``vector`` is the sum of the questions' vectors (float32) as ``encoder`` made them. A dismissed
    gap takes further questions and stays dismissed.
    """

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("not dealt with yet", "Open")
        DRAFTED = "drafted", _("Article begun")
        DISMISSED = "dismissed", _("Dismissed")

    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    encoder = models.CharField(max_length=160)
    vector = models.BinaryField()
    article = models.ForeignKey(
        "support.Article", on_delete=models.SET_NULL, null=True, blank=True, related_name="gaps"
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"gap {self.pk} ({self.state})"


class GapQuestion(models.Model):
    """A customer's message that the bot could not answer, in the gap that it belongs to."""

    message = models.OneToOneField(
        "support.Message", on_delete=models.CASCADE, related_name="gap_question"
    )
    gap = models.ForeignKey(Gap, on_delete=models.CASCADE, related_name="questions")
    nearness = models.FloatField()

    class Meta:
        ordering = ["-nearness", "id"]

    def __str__(self) -> str:
        return f"{self.message_id} in {self.gap_id}"


class Rating(models.Model):
    """Whether a customer says that they were helped; of a conversation there is one, the last."""

    conversation = models.OneToOneField(
        "support.Conversation", on_delete=models.CASCADE, related_name="rating"
    )
    good = models.BooleanField()
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return "helped" if self.good else "did not help"
