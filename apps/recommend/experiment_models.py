"""The tables of experiments: what is compared, who saw which arm, what was shown by what chance."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Experiment(models.Model):
    """A comparison of ``arms`` on the readers' pages, the first of which is the control.

    An arm is ``{"name", "share", "settings"}``; the shares sum to 1. ``baseline`` is the share of
    readers who are expected to do ``metric`` in the control, ``lift`` the relative change to find
    with ``power`` at the error ``alpha``; ``needed`` readers of each arm follow from them. A
    reader's deeds count for ``window_hours`` after the first page. In a ``layer`` one experiment
    runs at a time; readers fall into the arms of each layer independently.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        RUNNING = "running", _("Running")
        STOPPED = "stopped", _("Stopped")

    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.DRAFT)
    layer = models.SlugField(max_length=40, default="page")
    arms = models.JSONField()
    metric = models.CharField(max_length=16)
    baseline = models.FloatField()
    lift = models.FloatField()
    power = models.FloatField(default=0.8)
    alpha = models.FloatField(default=0.05)
    needed = models.PositiveIntegerField()
    window_hours = models.PositiveIntegerField(default=24)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class Exposure(models.Model):
    """The first time that a reader saw a page of an experiment's arm."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="exposures")
    reader = models.ForeignKey(
        "recommend.Reader", on_delete=models.CASCADE, related_name="exposures"
    )
    arm = models.CharField(max_length=40)
    first_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["experiment", "reader"], name="recommend_exposure_once")
        ]
        indexes = [models.Index(fields=["experiment", "arm", "first_at"])]

    def __str__(self) -> str:
        return f"{self.experiment_id} {self.arm} {self.reader_id}"


class Impression(models.Model):
    """A first row as it was shown: ``items`` holds ``[item, chance]`` by place.

    The chance is that of the place showing just this item, so that other ways of choosing can be
    judged later from what was shown.
    """

    exposure = models.ForeignKey(Exposure, on_delete=models.CASCADE, related_name="impressions")
    reader = models.ForeignKey(
        "recommend.Reader", on_delete=models.CASCADE, related_name="impressions"
    )
    items = models.JSONField()
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.exposure_id} at {self.at:%Y-%m-%d %H:%M}"
