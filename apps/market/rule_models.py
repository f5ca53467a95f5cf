"""Tables of alert rules and of the alerts that they raise."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.market.alerting_models import Silence
from apps.market.company_models import Company
from apps.market.news_models import Article
from apps.market.score_models import Sentiment


class Rule(models.Model):
    """When its owner wants an alert. An empty condition matches everything.

    ``sector`` and ``watched`` ask for a company of that sector and on the owner's watchlist,
    ``words`` for one of the phrases between its commas in title or body, ``least_risk`` and
    ``least_novelty`` for a score of at least so much, in [0, 1]; ``meaning`` for a passage that is
    at least ``least_likeness`` alike (a cosine) to that description; ``anomaly`` for news that is
    unusual for its company: one kind of detection, or ``ANY``. ``threshold`` is the least
    probability of ``sentiment``; ``cooldown_minutes`` the time that passes at least between two
    alerts of this rule about the same company.
    """

    ANY = "any"

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
    meaning = models.CharField(max_length=200, blank=True)
    least_likeness = models.FloatField(default=0.45)
    anomaly = models.CharField(max_length=10, blank=True)
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
    passed on unless somebody acknowledges it before. ``reasons`` tell of a rule about meaning the
    passage and its likeness, of one about the unusual what was unusual.
    """

    class State(models.TextChoices):
        NEW = "new", _("New")
        ACKNOWLEDGED = "acknowledged", _("Acknowledged")
        RESOLVED = "resolved", _("Resolved")

    class Verdict(models.TextChoices):
        NONE = "", gettext_noop("Not rated")
        USEFUL = "useful", gettext_noop("Useful")
        NOISE = "noise", gettext_noop("Noise")

    class Quiet(models.TextChoices):
        NO = "", _("It rang")
        SILENCED = "silenced", _("Silenced")
        HELD = "held", _("Held until its hours begin")
        DIGEST = "digest", _("Left to the digest")
        THROTTLED = "throttled", _("Beyond its rule's number an hour")

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
    reasons = models.JSONField(default=dict)
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
