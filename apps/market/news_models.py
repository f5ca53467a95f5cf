"""Tables of news: where it comes from, articles, and the companies named in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core.wording import said
from apps.market.company_models import Company
from ml.wording import Wording

if TYPE_CHECKING:
    from apps.market.score_models import Score


class Source(models.Model):
    """Where articles come from, and for a feed how its last poll went.

    ``weight`` is how much its news counts in the index of a company; ``licence`` what its news may
    be used for; times that name no zone are of ``time_zone``. A webhook's secret follows from
    ``nonce``. ``error`` is what went wrong in English, ``error_parts`` the same to be said in any
    language.
    """

    class Kind(models.TextChoices):
        FEED = "feed", _("Feed")
        API = "api", _("API")
        UPLOAD = "upload", _("Upload")
        ARCHIVE = "archive", _("Archive")
        WEBHOOK = "webhook", _("Webhook")

    class State(models.TextChoices):
        NEW = "new", _("Not polled yet")
        HEALTHY = "healthy", _("Healthy")
        FAILING = "failing", _("Failing")
        PAUSED = "paused", _("Paused")

    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    url = models.URLField(max_length=2000, blank=True)
    etag = models.CharField(max_length=300, blank=True)
    last_modified = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.NEW)
    error_code = models.CharField(max_length=60, blank=True)
    error = models.CharField(max_length=500, blank=True)
    error_parts = models.JSONField(default=list, blank=True)
    failures = models.PositiveIntegerField(default=0)
    weight = models.FloatField(default=1.0)
    licence = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=8, default="en")
    time_zone = models.CharField(max_length=40, default="UTC")
    nonce = models.CharField(max_length=64, blank=True)
    interval_seconds = models.PositiveIntegerField(default=300)
    polled_at = models.DateTimeField(null=True, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)
    next_poll_at = models.DateTimeField(null=True, blank=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["url"], condition=Q(kind="feed"), name="market_source_feed_url"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def told(self) -> list[Wording]:
        """What went wrong at the last poll, one thing after the other."""
        return [Wording.of(parts) for parts in self.error_parts]

    @property
    def error_words(self) -> str:
        """What went wrong in the language of the moment; of a poll without parts as it is kept."""
        return "; ".join(said(words) for words in self.told) or said(self.error)


class Article(models.Model):
    """A piece of news. Stored first, scored after; ``status`` tells how far it is.

    ``external_id`` names it within its source: the id that the source gives, else its URL, else
    the hash of its content. ``story`` is the first article of its group of near-duplicates
    (``None`` for that first one). ``claimed_until`` is the lease of the process that scores it.
    ``novelty`` is 1 for the first telling and halves with each telling in the 24 hours before.
    A ``live`` article goes to the tape and raises alerts; old news of an archive does neither.
    """

    targeted: list[Score]  # of its companies, where it was read with an alert

    class Status(models.TextChoices):
        STORED = "stored", _("Waiting to be scored")
        SCORED = "scored", _("Scored")
        FAILED = "failed", _("Could not be scored")

    class Correction(models.TextChoices):
        NONE = "", _("None")
        CORRECTED = "corrected", _("Correction")
        RETRACTED = "retracted", _("Retraction")

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="articles")
    external_id = models.CharField(max_length=300)
    url = models.URLField(max_length=2000, blank=True)
    title = models.CharField(max_length=500)
    body = models.TextField(blank=True)
    content_hash = models.CharField(max_length=64, db_index=True)
    published_at = models.DateTimeField(db_index=True)
    time_corrected = models.BooleanField(default=False)
    received_at = models.DateTimeField(db_index=True)
    story = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="repeats"
    )
    correction = models.CharField(
        max_length=10, choices=Correction.choices, default=Correction.NONE, blank=True
    )
    novelty = models.FloatField(default=1.0)
    live = models.BooleanField(default=True)
    revision = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.STORED)
    claimed_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    scored_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="market_article_once")
        ]
        indexes = [
            models.Index(
                fields=["-live", "id"],
                condition=Q(status="stored"),
                name="market_article_waiting",
            ),
            models.Index(fields=["id"], condition=Q(status="failed"), name="market_article_failed"),
            models.Index(fields=["scored_at"], name="market_article_scored"),
            models.Index(
                fields=["received_at", "source"],
                condition=Q(time_corrected=True),
                name="market_article_clock",
            ),
            models.Index(
                fields=["received_at"],
                condition=Q(correction="retracted"),
                name="market_article_retracted",
            ),
            models.Index(fields=["source", "received_at"], name="market_article_source"),
            models.Index(
                fields=["-published_at", "-id"],
                condition=Q(story=None) | ~Q(correction=""),
                name="market_article_tape",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def story_key(self) -> int:
        """The id of the story's first article, this one's own when it is that."""
        return self.story_id or self.pk


class Fingerprint(models.Model):
    """One band of an article's MinHash; articles that share a key may tell the same story.

    ``sketch`` tells most of them apart without their texts (:mod:`apps.market.fingerprints`);
    ``None`` in rows from before there was one: such articles are compared in full.
    """

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="fingerprints")
    key = models.BigIntegerField()
    at = models.DateTimeField()
    sketch = models.BigIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["key", "at"]), models.Index(fields=["at"])]

    def __str__(self) -> str:
        return f"{self.article_id}:{self.key:x}"


class Mention(models.Model):
    """A company named in an article: ``getattr(article, field)[start:end]`` is the name."""

    class Field(models.TextChoices):
        TITLE = "title", _("title")
        BODY = "body", _("body")

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="mentions")
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="mentions")
    field = models.CharField(max_length=5, choices=Field.choices)
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    confidence = models.FloatField()
    evidence = models.JSONField(default=list)

    class Meta:
        ordering = ["field", "start"]

    def __str__(self) -> str:
        return f"{self.company_id} in {self.article_id}"
