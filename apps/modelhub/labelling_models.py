"""Texts that wait to be labelled, by one person each or by two apart."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class LabelQueue(models.Model):
    """Texts for one model in the order in which labels teach it most.

    ``people`` says how many label each text: one, or two who do not see what the other said.
    """

    class Kind(models.TextChoices):
        CLASSIFICATION = "classification", _("One label")
        MULTI_LABEL = "multi_label", _("Several labels")
        NER = "ner", _("Entities")

    name = models.CharField(max_length=80, unique=True)
    task = models.CharField(max_length=60)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.CLASSIFICATION)
    people = models.PositiveSmallIntegerField(default=1)
    labels = models.JSONField(default=list)
    strategy = models.CharField(max_length=20)
    guidelines = models.TextField(max_length=5_000, blank=True)
    version = models.CharField(max_length=100)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class LabelRow(models.Model):
    """A text of a queue for one person, with what the live model suggested.

    A text that two people label has two rows at its ``position``, ``copy`` 0 and 1. ``claimed`` by
    a person until a moment, a row is shown to nobody else before. ``suggestions`` are pairs of
    label and score, of entities ``[start, end, label, score]``. A class is the ``label``; several
    labels are a list in ``answer``, entities ``[start, end, label]`` each.
    """

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("not dealt with yet", "Open")
        CLAIMED = "claimed", _("Being labelled")
        LABELLED = "labelled", _("Labelled")
        SKIPPED = "skipped", _("Skipped")

    queue = models.ForeignKey(LabelQueue, on_delete=models.CASCADE, related_name="rows")
    position = models.PositiveIntegerField()
    copy = models.PositiveSmallIntegerField(default=0)
    text = models.TextField(max_length=20_000)
    suggestions = models.JSONField(default=list)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    until = models.DateTimeField(null=True, blank=True)
    label = models.CharField(max_length=120, blank=True)
    answer = models.JSONField(default=list)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position", "copy"]
        constraints = [
            models.UniqueConstraint(
                fields=["queue", "position", "copy"], name="modelhub_row_position"
            ),
            models.UniqueConstraint(
                fields=["queue", "position", "person"], name="modelhub_row_person"
            ),
        ]
        indexes = [
            models.Index(fields=["queue", "state", "position"]),
            models.Index(fields=["queue", "person", "state"]),
        ]

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def said(self) -> Any:
        """What the person said: a label, a list of labels, or a list of spans."""
        return self.label or self.answer


class LabelVerdict(models.Model):
    """What a team lead decided of a text that two people did not label alike."""

    queue = models.ForeignKey(LabelQueue, on_delete=models.CASCADE, related_name="verdicts")
    position = models.PositiveIntegerField()
    label = models.CharField(max_length=120, blank=True)
    answer = models.JSONField(default=list)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["queue", "position"], name="modelhub_verdict_once")
        ]

    def __str__(self) -> str:
        return f"{self.queue} {self.position}"

    @property
    def said(self) -> Any:
        """As of a row."""
        return self.label or self.answer
