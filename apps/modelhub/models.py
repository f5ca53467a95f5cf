"""What people corrected, the data sets made of it, the runs, and which version went live when."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core.models import Job
from apps.core.wording import said
from apps.modelhub.labelling_models import LabelQueue as LabelQueue
from apps.modelhub.labelling_models import LabelRow as LabelRow
from apps.modelhub.labelling_models import LabelVerdict as LabelVerdict
from apps.modelhub.monitoring_models import DriftAlarm as DriftAlarm
from apps.modelhub.monitoring_models import DriftBlock as DriftBlock
from apps.modelhub.monitoring_models import TrafficWindow as TrafficWindow
from apps.modelhub.nightly_models import Night as Night
from apps.modelhub.nightly_models import NightlyLoop as NightlyLoop
from apps.modelhub.trial_models import Trial as Trial
from ml.types import Kind
from ml.wording import Wording

HEADLINES = ("accuracy", "micro_f1", "f1", "recall@1")
"""What models are compared by first, of one label, of several, of entities and of pairs."""


class DataKind(models.TextChoices):
    """What a data set says of its texts; the kind of the model that learns it."""

    CLASSIFICATION = "classification", _("One label")
    MULTI_LABEL = "multi_label", _("Several labels")
    NER = "ner", _("Entities")
    EMBEDDING = "embedding", _("Pairs of texts")


class LabelledExample(models.Model):
    """A text with the label that a person gave it, and where that came from.

    ``subject`` names the object that was corrected; of one person there is one example of it.
    Of entities the labels name their types, and ``spans`` and ``old_spans`` say where they are, as
    ``[start, end, label]``. ``decides`` marks a team lead's word where people disagree.
    """

    class App(models.TextChoices):
        SUPPORT = "support", _("Support")
        MARKET = "market", _("Market")
        DISCOVER = "discover", _("Discover")
        LABELLING = "labelling", _("Labelling")

    app = models.CharField(max_length=10, choices=App.choices)
    task = models.CharField(max_length=60)
    subject = models.CharField(max_length=120, blank=True)
    text = models.TextField(max_length=20_000)
    old_label = models.CharField(max_length=120, blank=True)
    new_label = models.CharField(max_length=120)
    spans = models.JSONField(null=True, blank=True)
    old_spans = models.JSONField(null=True, blank=True)
    decides = models.BooleanField(default=False)
    confidence = models.FloatField(null=True, blank=True)
    model_version = models.CharField(max_length=60, blank=True)
    provenance = models.JSONField(default=dict)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [models.Index(fields=["task", "-created_at"])]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "subject", "actor"],
                condition=~Q(subject=""),
                name="modelhub_example_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.task}: {self.new_label}"

    @property
    def said(self) -> Any:
        """What the person said: a label, or the entities."""
        return self.new_label if self.spans is None else self.spans

    @property
    def confirms(self) -> bool:
        """Whether the model had said the same."""
        if self.spans is not None:
            return bool(self.spans == self.old_spans)
        return self.new_label == self.old_label


class DataSet(models.Model):
    """Labelled texts for one model, in versions; ``kind`` says what is said of a text.

    ``frozen`` is the hash of the file with its frozen rows, empty when it has none: rows that are
    measured on and never trained on, the same for every version.
    """

    name = models.CharField(max_length=80, unique=True)
    task = models.CharField(max_length=60)
    kind = models.CharField(
        max_length=20, choices=DataKind.choices, default=DataKind.CLASSIFICATION
    )
    frozen = models.CharField(max_length=64, blank=True)
    frozen_rows = models.PositiveIntegerField(default=0)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["task", "name"]

    def __str__(self) -> str:
        return self.name


class DataSetVersion(models.Model):
    """The rows of a data set at one moment; never changed. They lie in a file named by their hash.

    ``origin`` says what it was made of: ``kind`` ("upload", "extended", "corrections"), the file's
    name and hash, how many corrections and how many of them were new.
    """

    dataset = models.ForeignKey(DataSet, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    counts = models.JSONField(default=dict)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True)
    origin = models.JSONField(default=dict)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "number"], name="modelhub_version_number"),
            models.UniqueConstraint(fields=["dataset", "sha256"], name="modelhub_version_content"),
        ]

    def __str__(self) -> str:
        return f"{self.dataset.name} #{self.number}"


class Upload(models.Model):
    """A file that a person has uploaded, kept until it becomes a version or is a day old."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    bytes = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return self.name


class Run(models.Model):
    """A fine-tuning run of a data set version; its job says how far it is.

    ``result`` holds what was measured, ``gate`` the verdict on it, ``version`` the built model.
    """

    dataset_version = models.ForeignKey(
        DataSetVersion, on_delete=models.PROTECT, related_name="runs"
    )
    task = models.CharField(max_length=60)
    base = models.CharField(max_length=120)
    method = models.CharField(max_length=40)
    options = models.JSONField(default=dict)
    advanced = models.TextField(blank=True)
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, blank=True)
    estimate_seconds = models.FloatField(null=True, blank=True)
    seconds = models.FloatField(default=0)
    version = models.CharField(max_length=100, blank=True)
    result = models.JSONField(default=dict)
    gate = models.JSONField(default=dict)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["task", "version"])]

    def __str__(self) -> str:
        return f"run {self.pk} of {self.task}"

    @property
    def kind(self) -> Kind:
        """What its model learns."""
        return cast(Kind, self.dataset_version.dataset.kind)

    @property
    def state(self) -> str:
        """The job's status; a run whose job is gone has ended."""
        return self.job.status if self.job else Job.Status.FAILED

    @property
    def is_finished(self) -> bool:
        return self.job is None or self.job.is_finished

    @property
    def notes(self) -> list[str]:
        """What to know about the gate's verdict, in the language of the moment; of a run from
        before parts were kept as it is."""
        parts = self.gate.get("notes_parts")
        if parts is None:
            return [said(words) for words in self.gate.get("notes", ())]
        return [said(Wording.of(one)) for one in parts]

    @property
    def headline(self) -> dict[str, Any]:
        """The first number that it was measured by, and the live version's."""
        candidate, live = self.result.get("candidate", {}), self.result.get("live") or {}
        name = next((name for name in HEADLINES if name in candidate), None)
        return {"name": name, "value": candidate[name], "live": live.get(name)} if name else {}


class Promotion(models.Model):
    """A change of the version that is served, written before it is made.

    It is ``pending`` until the models' folder says the same; what a killed process leaves pending
    is carried out by the next one (:func:`apps.modelhub.services.promotions_settle`).
    """

    class Kind(models.TextChoices):
        PROMOTE = "promote", _("Promoted")
        ROLL_BACK = "roll_back", _("Rolled back")

    class State(models.TextChoices):
        PENDING = "pending", _("Being carried out")
        DONE = "done", _("Carried out")
        FAILED = "failed", _("Failed")

    task = models.CharField(max_length=60)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    before = models.CharField(max_length=100, blank=True)
    after = models.CharField(max_length=100)
    reason = models.CharField(max_length=500, blank=True)
    overrides_gate = models.BooleanField(default=False)
    problem = models.CharField(max_length=500, blank=True)
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["task", "-id"])]
        constraints = [
            models.UniqueConstraint(
                fields=["task"], condition=Q(state="pending"), name="modelhub_one_promotion"
            )
        ]

    def __str__(self) -> str:
        return f"{self.task}: {self.before} -> {self.after}"

    @property
    def problem_words(self) -> str:
        """Why it failed, in the language of the moment where that is known."""
        return said(self.problem)
