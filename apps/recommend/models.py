"""Tables of the catalogue, its readers and what they did."""

from __future__ import annotations

import uuid
from typing import Any

import numpy as np
from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from numpy.typing import NDArray

from apps.recommend.event_models import ReplacedEvent as ReplacedEvent
from apps.recommend.experiment_models import Experiment as Experiment
from apps.recommend.experiment_models import Exposure as Exposure
from apps.recommend.experiment_models import Impression as Impression
from apps.recommend.forget_models import ForgetReceipt as ForgetReceipt
from apps.recommend.rule_models import BusinessRule as BusinessRule
from apps.recommend.vector_models import ComingVector as ComingVector
from apps.recommend.weight_models import EventWeight as EventWeight

READER_NAMESPACE = uuid.UUID("5f0c2f0e-6a5b-4f51-9d0f-0d6d7a3c3f1e")


class Catalogue(models.Model):
    """The head of the catalogue's changes; each change of an item takes the next revision.

    Taking it locks this row until the commit, so revisions become visible in order and a process
    that has seen revision ``n`` reads only the items beyond it. ``key`` tells this catalogue from
    that of another database in files made from it. ``encoder`` is the version whose vectors answer:
    those of other versions are compared with none of them.
    """

    name = models.CharField(max_length=40, primary_key=True)
    key = models.UUIDField(default=uuid.uuid4, editable=False)
    revision = models.BigIntegerField(default=0)
    encoder = models.CharField(max_length=80, blank=True)

    def __str__(self) -> str:
        return f"{self.name}@{self.revision}"


class Item(models.Model):
    """Something to recommend, known to its owner as ``external_id``.

    ``vector`` holds little-endian float32 values of unit length, made by ``encoder_version`` from
    the text whose hash is ``vector_hash``; it is stale while that differs from ``text_hash``.
    A deleted item keeps its row, so histories stay readable and the index sees the deletion.
    ``in_period`` follows the clock: today lies between publication and expiry.
    """

    external_id = models.CharField(max_length=120, unique=True)
    title = models.CharField(max_length=500)
    text = models.TextField(blank=True)
    tags = models.JSONField(default=list)
    authors = models.JSONField(default=list)
    published = models.CharField(max_length=32, blank=True)
    year = models.SmallIntegerField(null=True, blank=True)
    available = models.BooleanField(default=True)
    image_url = models.CharField(max_length=1000, blank=True)
    price = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    language = models.CharField(max_length=35, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True, db_index=True)
    in_period = models.BooleanField(default=True)
    attributes = models.JSONField(default=dict, blank=True)
    text_hash = models.CharField(max_length=64)
    vector = models.BinaryField(null=True)
    vector_hash = models.CharField(max_length=64, blank=True)
    encoder_version = models.CharField(max_length=80, blank=True)
    revision = models.BigIntegerField(default=0, db_index=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [models.Index(fields=["encoder_version", "vector_hash"])]

    def __str__(self) -> str:
        return self.title

    @property
    def is_shown(self) -> bool:
        return self.available and self.in_period and self.deleted_at is None

    @property
    def is_to_come(self) -> bool:
        """Its publication lies ahead: nobody but the team is to know of it."""
        over = self.expires_at is not None and self.expires_at <= timezone.now()
        return not self.in_period and not over


class Reader(models.Model):
    """Whoever is recommended to: a user, a visitor who has not signed in, or an outside id.

    ``key`` is the reader's public name in streams and in the visitor's signed cookie. ``wish`` is
    the sentence in which the reader said what to look for; ``wish_vectors`` holds the vector of
    its wanted part and then one for each unwanted part, as float32. ``familiarity`` is the reader's
    dial, from -1 (surprising) to 1 (familiar). While ``paused``, nothing that the reader does is
    stored to learn from.
    """

    key = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True
    )
    external_id = models.CharField(max_length=120, unique=True, null=True, blank=True)
    simulated = models.BooleanField(default=False)
    wish = models.CharField(max_length=300, blank=True)
    wish_vectors = models.BinaryField(null=True)
    wish_encoder = models.CharField(max_length=80, blank=True)
    familiarity = models.FloatField(default=0.0)
    paused = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        name = self.external_id or (self.user.get_username() if self.user else "visitor")
        return f"{name} (simulated)" if self.simulated else name

    @property
    def stream(self) -> str:
        """The event stream that this reader's open pages follow."""
        return reader_stream(self.key)


class Kind(models.TextChoices):
    """What a reader did to an item."""

    VIEW = "view", _("Viewed")
    CLICK = "click", _("Opened")
    DWELL = "dwell", _("Stayed with")
    LIKE = "like", _("Liked")
    DISLIKE = "dislike", _("Disliked")
    SAVE = "save", _("Saved")
    RATING = "rating", _("Rated")
    PURCHASE = "purchase", _("Bought")
    NOT_INTERESTED = "not_interested", _("Not interested")


class Interaction(models.Model):
    """One thing that a reader did, stored once per ``event_id`` of that reader.

    What was saved while learning was paused does not count: it is on the reader's list, and
    nothing is learned from it.
    """

    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, related_name="interactions")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="interactions")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    value = models.FloatField(null=True, blank=True)
    at = models.DateTimeField()
    event_id = models.CharField(max_length=80)
    source = models.CharField(max_length=16)
    counts = models.BooleanField(default=True)
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reader", "event_id"], name="recommend_interaction_event"
            )
        ]
        indexes = [
            models.Index(fields=["reader", "-at"]),
            models.Index(fields=["reader", "kind", "-at"]),
            models.Index(fields=["reader", "item", "kind"]),
            models.Index(fields=["item", "kind"]),
        ]

    def __str__(self) -> str:
        return f"{self.reader_id} {self.kind} {self.item_id}"


class Preference(models.Model):
    """A tag or an author that a reader asked for, or asked not to see.

    ``weight`` says how much more of it, from 1 to :attr:`MOST`; a paused one counts for nothing
    until it is asked for again.
    """

    MOST = 3

    class Subject(models.TextChoices):
        TAG = "tag", _("Tag")
        AUTHOR = "author", _("Author")

    class Stance(models.TextChoices):
        MORE = "more", _("More of it")
        MUTE = "mute", _("None of it")
        PAUSE = "pause", _("Not counted for now")

    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, related_name="preferences")
    subject = models.CharField(max_length=8, choices=Subject.choices)
    value = models.CharField(max_length=200)
    stance = models.CharField(max_length=8, choices=Stance.choices)
    weight = models.PositiveSmallIntegerField(default=1)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reader", "subject", "value"], name="recommend_preference_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.stance} {self.subject} {self.value}"


def reader_stream(key: uuid.UUID) -> str:
    return f"recommend.reader.{key}"


def external_key(external_id: str) -> uuid.UUID:
    """The key of the reader known outside as ``external_id``; the same on every machine."""
    return uuid.uuid5(READER_NAMESPACE, external_id)


def vector_to_bytes(vector: NDArray[Any]) -> bytes:
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()


def vectors_from_bytes(data: bytes, dimensions: int) -> NDArray[np.float32]:
    """The vectors in ``data``, shape (count, dimensions)."""
    return np.frombuffer(data, dtype="<f4").reshape(-1, dimensions)
