"""Who gets the report by mail."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.support.desk_models import Team


class ReportMail(models.Model):
    """A person's wish for the report by mail: how often, and of which team (``None``: of all that
    they may see). ``sent_to`` is the last day of the period that they were told of last."""

    class Every(models.TextChoices):
        DAY = "day", _("Every morning, of the day before")
        WEEK = "week", _("On Mondays, of the week before")
        MONTH = "month", _("On the first, of the month before")

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="report_mail"
    )
    every = models.CharField(max_length=5, choices=Every.choices)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, blank=True)
    sent_to = models.DateField()

    def __str__(self) -> str:
        return f"{self.owner}: {self.every}"
