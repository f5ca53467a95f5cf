"""Tables of what the models say of an article, now and before."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.market.company_models import Company
from apps.market.news_models import Article


class Sentiment(models.TextChoices):
    """The labels of the sentiment model."""

    POSITIVE = "positive", _("positive")
    NEUTRAL = "neutral", _("neutral")
    NEGATIVE = "negative", _("negative")


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
            models.Index(
                fields=["-published_at"],
                condition=Q(confident=False),
                name="market_score_unsure",
            ),
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
