"""Who works at the desk, and what it remembers: teams, duties, past cases."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Team(models.Model):
    """Operators who share conversations; nobody else sees those of a ``private`` one.

    ``matters`` are the subjects that come here when the bot passes them on; ``takes_rest`` marks
    the team of whatever no other team names.
    """

    class Assignment(models.TextChoices):
        HAND = "hand", _("By hand")
        TURNS = "turns", _("In turns")
        SKILL = "skill", _("By skill")

    name = models.CharField(max_length=60, unique=True)
    private = models.BooleanField(default=False)
    assignment = models.CharField(max_length=8, choices=Assignment.choices, default=Assignment.HAND)
    matters = models.JSONField(default=list, blank=True)
    takes_rest = models.BooleanField(default=False)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="teams", blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Duty(models.Model):
    """An operator's presence and what may be handed to them.

    ``seen_at`` is the last sign of life of one of their sockets; ``present`` what colleagues were
    told last, which a sweep corrects once the signs have stopped. ``dealt_at`` is when they last
    got a conversation.
    """

    operator = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="duty"
    )
    away = models.BooleanField(default=False)
    present = models.BooleanField(default=False)
    seen_at = models.DateTimeField(null=True, blank=True)
    dealt_at = models.DateTimeField(null=True, blank=True)
    capacity = models.PositiveSmallIntegerField(default=6)
    skills = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name_plural = "duties"

    def __str__(self) -> str:
        return f"{self.operator} ({'here' if self.present else 'not here'})"


class DeskCalendar(models.Model):
    """When the desk is open (one row): ``week`` maps "0" (Monday) to "6" to hours as
    :func:`apps.support.hours.hours_of` reads them, ``holidays`` a date to its name."""

    zone = models.CharField(max_length=60, default="UTC")
    week = models.JSONField(default=dict, blank=True)
    holidays = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return f"hours in {self.zone}"


class Policy(models.Model):
    """Within how many minutes of working time customers are to be answered and helped.

    For conversations of ``team`` and ``priority``, each of which may be left open. A time that is
    ``None`` is not promised.
    """

    name = models.CharField(max_length=60, unique=True)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, blank=True)
    priority = models.PositiveSmallIntegerField(null=True, blank=True)
    first_minutes = models.PositiveIntegerField(null=True, blank=True)
    next_minutes = models.PositiveIntegerField(null=True, blank=True)
    resolution_minutes = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "policies"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class SavedView(models.Model):
    """Filters of the list that an operator keeps under a name; nobody else sees them."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    name = models.CharField(max_length=40)
    tab = models.CharField(max_length=12, default="all")
    filters = models.JSONField(default=dict)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="support_view_name")]

    def __str__(self) -> str:
        return self.name


class Wait(models.Model):
    """How long somebody waited until a person took them: what expected waits are told from.

    ``ahead`` were before them when they came into the queue of ``team`` (of all, without one),
    ``on_duty`` is how many worked on it when they left it.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, blank=True)
    seconds = models.FloatField()
    ahead = models.PositiveIntegerField()
    on_duty = models.PositiveIntegerField()
    ended_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["team", "-ended_at"])]

    def __str__(self) -> str:
        return f"{self.seconds:.0f} s behind {self.ahead}"


class PastCase(models.Model):
    """What a conversation asked and how a person answered it, to be found by meaning.

    ``vector`` holds the question's float32 numbers as ``encoder`` (task and version) made them;
    ``last_seq`` is the conversation's as it was then, by which a later change is noticed.
    """

    conversation = models.OneToOneField(
        "support.Conversation", on_delete=models.CASCADE, related_name="case"
    )
    last_seq = models.PositiveIntegerField()
    question = models.TextField(blank=True)
    reply = models.TextField(blank=True)
    encoder = models.CharField(max_length=160)
    vector = models.BinaryField()

    class Meta:
        indexes = [models.Index(fields=["encoder", "-id"])]

    def __str__(self) -> str:
        return self.question[:60]
