"""Tables of the news monitor: companies, sources, articles, scores, rules, alerts."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.market.alerting_models import AlertEntry as AlertEntry
from apps.market.alerting_models import Silence as Silence
from apps.market.delivery_models import Channel as Channel
from apps.market.delivery_models import Delivery as Delivery
from apps.market.delivery_models import DeliveryTry as DeliveryTry
from apps.market.delivery_models import Digest as Digest
from apps.market.delivery_models import Handling as Handling
from apps.market.detection_models import Anomaly as Anomaly
from apps.market.detection_models import Detector as Detector
from apps.market.layout_models import Layout as Layout
from apps.market.price_models import Price as Price
from apps.market.review_models import LinkCorrection as LinkCorrection
from apps.market.review_models import ReviewSkip as ReviewSkip


class Sentiment(models.TextChoices):
    """The labels of the sentiment model."""

    POSITIVE = "positive", "positive"
    NEUTRAL = "neutral", "neutral"
    NEGATIVE = "negative", "negative"


class Company(models.Model):
    """A listed company. Of companies that share a name the lowest ``rank`` is meant.

    ``brands`` are products and subsidiaries: news that names one of them is news about the company.
    ``rank`` is 0 for a company that this installation added, 1 for one of the shipped registry.
    """

    OWN, SHIPPED = 0, 1

    ticker = models.CharField(max_length=16)
    exchange = models.CharField(max_length=40, blank=True)
    name = models.CharField(max_length=200)
    aliases = models.JSONField(default=list, blank=True)
    former_names = models.JSONField(default=list, blank=True)
    brands = models.JSONField(default=list, blank=True)
    sector = models.CharField(max_length=60, blank=True)
    country = models.CharField(max_length=60, blank=True)
    rank = models.PositiveSmallIntegerField(default=OWN)
    active = models.BooleanField(default=True)
    updated_at = models.DateTimeField(auto_now=True, db_index=True)

    class Meta:
        verbose_name_plural = "companies"
        ordering = ["rank", "id"]
        constraints = [
            models.UniqueConstraint(fields=["ticker", "exchange"], name="market_company_listing")
        ]
        indexes = [models.Index(fields=["name"])]

    def __str__(self) -> str:
        return f"{self.name} ({self.ticker})"


class UnlinkedName(models.Model):
    """A name that the tagger takes for an organisation's and that means no company of the registry.

    ``key`` is the name as it is compared, ``seen`` the number of articles that had it while it
    waited. An analyst merges it with a company, whose alias it becomes, or dismisses it.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        MERGED = "merged", "Merged"
        DISMISSED = "dismissed", "Not a company"

    key = models.CharField(max_length=200, unique=True)
    name = models.CharField(max_length=200)
    seen = models.PositiveIntegerField(default=0)
    example = models.ForeignKey("Article", on_delete=models.SET_NULL, null=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    company = models.ForeignKey(Company, on_delete=models.SET_NULL, null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["state", "-seen", "id"])]

    def __str__(self) -> str:
        return self.name


class Source(models.Model):
    """Where articles come from, and for a feed how its last poll went.

    ``weight`` is how much its news counts in the index of a company; ``licence`` what its news may
    be used for; times that name no zone are of ``time_zone``. A webhook's secret follows from
    ``nonce``.
    """

    class Kind(models.TextChoices):
        FEED = "feed", "Feed"
        API = "api", "API"
        UPLOAD = "upload", "Upload"
        ARCHIVE = "archive", "Archive"
        WEBHOOK = "webhook", "Webhook"

    class State(models.TextChoices):
        NEW = "new", "Not polled yet"
        HEALTHY = "healthy", "Healthy"
        FAILING = "failing", "Failing"
        PAUSED = "paused", "Paused"

    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    url = models.URLField(max_length=2000, blank=True)
    etag = models.CharField(max_length=300, blank=True)
    last_modified = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.NEW)
    error_code = models.CharField(max_length=60, blank=True)
    error = models.CharField(max_length=500, blank=True)
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


class Article(models.Model):
    """A piece of news. Stored first, scored after; ``status`` tells how far it is.

    ``external_id`` names it within its source: the id that the source gives, else its URL, else
    the hash of its content. ``story`` is the first article of its group of near-duplicates
    (``None`` for that first one). ``claimed_until`` is the lease of the process that scores it.
    ``novelty`` is 1 for the first telling and halves with each telling in the 24 hours before.
    A ``live`` article goes to the tape and raises alerts; old news of an archive does neither.
    """

    class Status(models.TextChoices):
        STORED = "stored", "Waiting to be scored"
        SCORED = "scored", "Scored"
        FAILED = "failed", "Could not be scored"

    class Correction(models.TextChoices):
        NONE = "", "None"
        CORRECTED = "corrected", "Correction"
        RETRACTED = "retracted", "Retraction"

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
    """One band of an article's MinHash; articles that share a key are compared in full."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="fingerprints")
    key = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["key", "at"]), models.Index(fields=["at"])]

    def __str__(self) -> str:
        return f"{self.article_id}:{self.key:x}"


class Mention(models.Model):
    """A company named in an article: ``getattr(article, field)[start:end]`` is the name."""

    class Field(models.TextChoices):
        TITLE = "title", "title"
        BODY = "body", "body"

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


class Score(models.Model):
    """What the models say of an article: as a whole (no ``company``) or for one company in it.

    The three probabilities are calibrated and sum to 1; ``confident`` is false where the model
    abstains; ``risk`` is in [0, 1] (see :func:`apps.market.topics.risk`), ``relevance`` in (0, 1]
    how much the article is about the company. ``events`` are ``[topic, probability]``, the first
    being ``topic``; ``passages``, of the article as a whole, ``[field, start, end, negative,
    neutral, positive, topic, topic probability]``. ``published_at`` repeats the article's, so that
    series of scores are read from this table alone; ``novelty`` and ``source_weight`` are those of
    the moment of scoring. ``known_at`` is when the score came to be known: for an archive, when its
    news was out.
    """

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="scores")
    company = models.ForeignKey(
        Company, on_delete=models.PROTECT, null=True, blank=True, related_name="scores"
    )
    published_at = models.DateTimeField()
    negative = models.FloatField()
    neutral = models.FloatField()
    positive = models.FloatField()
    label = models.CharField(max_length=8, choices=Sentiment.choices)
    confident = models.BooleanField()
    topic = models.CharField(max_length=60)
    topic_confidence = models.FloatField()
    events = models.JSONField(default=list)
    passages = models.JSONField(default=list)
    risk = models.FloatField()
    relevance = models.FloatField(default=1.0)
    novelty = models.FloatField(default=1.0)
    source_weight = models.FloatField(default=1.0)
    known_at = models.DateTimeField(db_index=True)
    versions = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["article", "company"], name="market_score_company"),
            models.UniqueConstraint(
                fields=["article"], condition=Q(company=None), name="market_score_whole"
            ),
        ]
        indexes = [
            models.Index(fields=["company", "-published_at"]),
            models.Index(fields=["-published_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.label} {self.article_id}"

    @property
    def net(self) -> float:
        """The probability of positive minus that of negative, in [-1, 1]."""
        return self.positive - self.negative

    @property
    def topics(self) -> list[str]:
        """The topics of its events, the likeliest first."""
        return [self.topic, *(topic for topic, _ in self.events if topic != self.topic)]

    @property
    def confidence(self) -> float:
        """The probability of the label."""
        return float(getattr(self, self.label))


class PastScore(models.Model):
    """What a score of a company was before it was replaced, at ``until``; never changed."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="past_scores")
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="past_scores")
    published_at = models.DateTimeField()
    negative = models.FloatField()
    positive = models.FloatField()
    relevance = models.FloatField()
    novelty = models.FloatField()
    source_weight = models.FloatField()
    versions = models.JSONField(default=dict)
    known_at = models.DateTimeField()
    until = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["company", "-published_at"])]

    def __str__(self) -> str:
        return f"{self.company_id} in {self.article_id} until {self.until:%Y-%m-%d}"


class WatchedCompany(models.Model):
    """A company on somebody's watchlist."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="watched_companies"
    )
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="watchers")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "watched companies"
        constraints = [
            models.UniqueConstraint(fields=["owner", "company"], name="market_watched_once")
        ]

    def __str__(self) -> str:
        return f"{self.owner_id} watches {self.company_id}"


class Rule(models.Model):
    """When its owner wants an alert. An empty condition matches everything.

    ``sector`` and ``watched`` ask for a company of that sector and on the owner's watchlist,
    ``words`` for one of the phrases between its commas in title or body, ``least_risk`` and
    ``least_novelty`` for a score of at least so much, in [0, 1]. ``threshold`` is the least
    probability of ``sentiment``; ``cooldown_minutes`` the time that passes at least between two
    alerts of this rule about the same company.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="market_rules"
    )
    name = models.CharField(max_length=120)
    company = models.ForeignKey(Company, on_delete=models.CASCADE, null=True, blank=True)
    sentiment = models.CharField(max_length=8, choices=Sentiment.choices, blank=True)
    threshold = models.FloatField(default=0.6)
    topic = models.CharField(max_length=60, blank=True)
    sector = models.CharField(max_length=60, blank=True)
    watched = models.BooleanField(default=False)
    words = models.CharField(max_length=300, blank=True)
    least_risk = models.FloatField(default=0.0)
    least_novelty = models.FloatField(default=0.0)
    enabled = models.BooleanField(default=True)
    cooldown_minutes = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(threshold__gte=0) & Q(threshold__lte=1), name="market_rule_threshold"
            ),
            models.CheckConstraint(
                condition=Q(least_risk__gte=0, least_risk__lte=1)
                & Q(least_novelty__gte=0, least_novelty__lte=1),
                name="market_rule_least",
            ),
            models.CheckConstraint(
                condition=Q(company=None) | Q(sector="", watched=False),
                name="market_rule_company_or_group",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Alert(models.Model):
    """A rule's match: one per rule, story and company, however often the story is repeated.

    ``owner`` and ``rule_name`` stay when the rule is deleted; ``correction`` is the article that
    corrects or withdraws the story. ``comment`` is what its owner noted when acknowledging it;
    ``verdict`` feeds the precision of the rule. ``quiet`` says why it did not ring: it was
    silenced by ``silence``, or it came outside the hours of its rule and is held until
    ``held_until`` or left to the digest, or its rule had rung often enough. ``rang_at`` is when it
    did ring. ``assignee`` sees it and acts on it as its owner does; ``escalate_at`` is when it is
    passed on unless somebody acknowledges it before.
    """

    class State(models.TextChoices):
        NEW = "new", "New"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        RESOLVED = "resolved", "Resolved"

    class Verdict(models.TextChoices):
        NONE = "", "Not rated"
        USEFUL = "useful", "Useful"
        NOISE = "noise", "Noise"

    class Quiet(models.TextChoices):
        NO = "", "It rang"
        SILENCED = "silenced", "Silenced"
        HELD = "held", "Held until its hours begin"
        DIGEST = "digest", "Left to the digest"
        THROTTLED = "throttled", "Beyond its rule's number an hour"

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="market_alerts"
    )
    rule = models.ForeignKey(Rule, on_delete=models.SET_NULL, null=True, related_name="alerts")
    rule_name = models.CharField(max_length=120)
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="alerts")
    story = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="story_alerts")
    company = models.ForeignKey(Company, on_delete=models.PROTECT, null=True, blank=True)
    label = models.CharField(max_length=8, choices=Sentiment.choices)
    probability = models.FloatField()
    topic = models.CharField(max_length=60)
    state = models.CharField(max_length=12, choices=State.choices, default=State.NEW)
    correction = models.ForeignKey(
        Article, on_delete=models.SET_NULL, null=True, blank=True, related_name="corrected_alerts"
    )
    created_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    comment = models.CharField(max_length=500, blank=True)
    verdict = models.CharField(
        max_length=6, choices=Verdict.choices, default=Verdict.NONE, blank=True
    )
    quiet = models.CharField(max_length=9, choices=Quiet.choices, default=Quiet.NO, blank=True)
    silence = models.ForeignKey(
        Silence, on_delete=models.SET_NULL, null=True, blank=True, related_name="alerts"
    )
    held_until = models.DateTimeField(null=True, blank=True)
    rang_at = models.DateTimeField(null=True, blank=True)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="market_assigned_alerts",
    )
    resolution = models.CharField(max_length=500, blank=True)
    escalate_at = models.DateTimeField(null=True, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "story", "company"], name="market_alert_once_company"
            ),
            models.UniqueConstraint(
                fields=["rule", "story"],
                condition=Q(company=None),
                name="market_alert_once_story",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "state", "-id"]),
            models.Index(fields=["rule", "company", "-created_at"]),
            models.Index(fields=["rule", "rang_at"]),
            models.Index(
                fields=["escalate_at"], condition=Q(state="new"), name="market_alert_escalating"
            ),
            models.Index(
                fields=["held_until"], condition=Q(quiet="held"), name="market_alert_held"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_name}: {self.article_id}"
