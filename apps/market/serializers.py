"""What goes in and out of the HTTP API of Market."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.market.models import Alert, Article, Company, Rule, Score, Source
from apps.market.selectors.sources import clocks_ahead
from apps.market.wording import rule_sentence
from ml.evaluation.wilson import wilson


class CompanySerializer(serializers.ModelSerializer[Company]):
    class Meta:
        model = Company
        fields = [
            "id",
            "ticker",
            "exchange",
            "name",
            "aliases",
            "former_names",
            "brands",
            "sector",
            "country",
        ]
        read_only_fields = fields


class ScoreSerializer(serializers.ModelSerializer[Score]):
    company = CompanySerializer(read_only=True, allow_null=True)
    net = serializers.FloatField(read_only=True)

    class Meta:
        model = Score
        fields = [
            "company",
            "negative",
            "neutral",
            "positive",
            "net",
            "label",
            "confident",
            "topic",
            "topic_confidence",
            "events",
            "passages",
            "relevance",
            "risk",
            "versions",
        ]
        read_only_fields = fields


class NewsArticleSerializer(serializers.ModelSerializer[Article]):
    source = serializers.CharField(source="source.name", read_only=True)  # type: ignore[assignment]
    scores = ScoreSerializer(many=True, read_only=True)

    class Meta:
        model = Article
        fields = [
            "id",
            "source",
            "external_id",
            "url",
            "title",
            "body",
            "published_at",
            "received_at",
            "story",
            "correction",
            "novelty",
            "revision",
            "status",
            "scores",
        ]
        read_only_fields = fields


class NewsArticleInput(serializers.Serializer[Any]):
    """One article of a POST; the values are checked row by row (see ``apps.market.rows``)."""

    title = serializers.CharField()
    body = serializers.CharField(required=False, allow_blank=True)
    url = serializers.CharField(required=False, allow_blank=True)
    source = serializers.CharField()  # type: ignore[assignment]
    external_id = serializers.CharField(required=False, allow_blank=True)
    published_at = serializers.DateTimeField(required=False, allow_null=True)


class RowResult(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    status = serializers.ChoiceField(choices=["created", "updated", "unchanged", "invalid"])
    id = serializers.IntegerField(required=False)
    story = serializers.IntegerField(required=False)
    detail = serializers.CharField(required=False)


class IngestResult(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    invalid = serializers.IntegerField()
    results = RowResult(many=True)


class AlertSerializer(serializers.Serializer[Alert]):
    """Described for the schema; the body is ``apps.market.payloads.alert_payload``."""

    id = serializers.IntegerField()
    rule = serializers.JSONField()
    article = serializers.JSONField()
    story = serializers.IntegerField()
    similar = serializers.IntegerField()
    company = serializers.JSONField(allow_null=True)
    label = serializers.CharField()  # type: ignore[assignment]
    probability = serializers.FloatField()
    topic = serializers.CharField()
    state = serializers.CharField()
    correction = serializers.CharField()
    created_at = serializers.DateTimeField()
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    resolved_at = serializers.DateTimeField(allow_null=True)
    comment = serializers.CharField()
    verdict = serializers.CharField()
    assignee = serializers.JSONField(allow_null=True)
    resolution = serializers.CharField()
    escalated_at = serializers.DateTimeField(allow_null=True)
    quiet = serializers.CharField()
    held_until = serializers.DateTimeField(allow_null=True)


class AcknowledgeInput(serializers.Serializer[Any]):
    comment = serializers.CharField(required=False, allow_blank=True)


class ResolveInput(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, allow_blank=True)


class AssignInput(serializers.Serializer[Any]):
    assignee = serializers.IntegerField(allow_null=True, source="assignee_id")


class VerdictInput(serializers.Serializer[Any]):
    verdict = serializers.ChoiceField(choices=Alert.Verdict.values, allow_blank=True)


class RuleSerializer(serializers.ModelSerializer[Rule]):
    sentence = serializers.SerializerMethodField()
    precision = serializers.SerializerMethodField()
    precision_interval = serializers.SerializerMethodField()

    class Meta:
        model = Rule
        fields = [
            "id",
            "name",
            "company",
            "sentiment",
            "threshold",
            "topic",
            "sector",
            "watched",
            "words",
            "least_risk",
            "least_novelty",
            "meaning",
            "least_likeness",
            "anomaly",
            "enabled",
            "cooldown_minutes",
            "sentence",
            "precision",
            "precision_interval",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields

    def get_precision(self, rule: Rule) -> float | None:
        """The share of useful among the rated alerts; ``null`` when none is rated."""
        useful, noise = getattr(rule, "useful", 0), getattr(rule, "noise", 0)
        return useful / (useful + noise) if useful + noise else None

    def get_precision_interval(self, rule: Rule) -> list[float] | None:
        """The 95 % interval of that share (Wilson)."""
        useful, noise = getattr(rule, "useful", 0), getattr(rule, "noise", 0)
        return [round(end, 4) for end in wilson(useful, useful + noise)] if useful + noise else None

    def get_sentence(self, rule: Rule) -> str:
        return rule_sentence(rule)


class RuleInputSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(required=False, allow_blank=True, max_length=120)
    company = serializers.IntegerField(required=False, allow_null=True)
    sentiment = serializers.CharField(required=False, allow_blank=True)
    threshold = serializers.FloatField(required=False)
    topic = serializers.CharField(required=False, allow_blank=True)
    sector = serializers.CharField(required=False, allow_blank=True, max_length=60)
    watched = serializers.BooleanField(required=False)
    words = serializers.CharField(required=False, allow_blank=True, max_length=600)
    least_risk = serializers.FloatField(required=False)
    least_novelty = serializers.FloatField(required=False)
    meaning = serializers.CharField(required=False, allow_blank=True, max_length=400)
    least_likeness = serializers.FloatField(required=False)
    anomaly = serializers.CharField(required=False, allow_blank=True)
    enabled = serializers.BooleanField(required=False)
    cooldown_minutes = serializers.IntegerField(required=False)


class RulePreview(serializers.Serializer[Any]):
    sentence = serializers.CharField()
    days = serializers.IntegerField()
    alerts = serializers.IntegerField()
    alerts_a_week = serializers.FloatField()
    repeats_suppressed = serializers.IntegerField()
    rests_suppressed = serializers.IntegerField()
    expected_wrong = serializers.FloatField(allow_null=True)
    lead = serializers.JSONField(
        help_text="stories with an alert, those that another source followed, median minutes"
    )
    examples = serializers.ListField(child=serializers.CharField())
    passages = serializers.ListField(
        child=serializers.CharField(), help_text="of each example, what is alike the meaning"
    )
    meaning = serializers.JSONField(
        allow_null=True, help_text="stories found and by chance, and the likeness proposed"
    )


class SourceSerializer(serializers.ModelSerializer[Source]):
    """A source; ``clock_ahead`` counts what it dated in the future in the last 24 hours."""

    clock_ahead = serializers.SerializerMethodField()

    class Meta:
        model = Source
        fields = [
            "id",
            "name",
            "kind",
            "url",
            "state",
            "error_code",
            "error",
            "failures",
            "clock_ahead",
            "weight",
            "licence",
            "language",
            "time_zone",
            "interval_seconds",
            "polled_at",
            "succeeded_at",
            "next_poll_at",
        ]
        read_only_fields = fields

    def get_clock_ahead(self, source: Source) -> int:
        shared: dict[str, Any] = self.context  # type: ignore[assignment]
        if "clocks_ahead" not in shared:  # read once for all sources of an answer
            shared["clocks_ahead"] = clocks_ahead()
        return int(shared["clocks_ahead"].get(source.pk, 0))


class FeedInput(serializers.Serializer[Any]):
    url = serializers.CharField(max_length=2000)
    name = serializers.CharField(required=False, allow_blank=True, max_length=120)
    interval_seconds = serializers.IntegerField(required=False)


class SourceInput(serializers.Serializer[Any]):
    """What of a source is changed; what is left out stays."""

    paused = serializers.BooleanField(required=False, help_text="of a feed or a webhook")
    weight = serializers.FloatField(required=False)
    licence = serializers.CharField(required=False, allow_blank=True)
    language = serializers.CharField(required=False)
    time_zone = serializers.CharField(required=False)
    interval_seconds = serializers.IntegerField(required=False)


class WebhookInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200)


class NewsUploadInput(serializers.Serializer[Any]):
    file = serializers.FileField()
    skip_bad = serializers.BooleanField(required=False)


class StatusSerializer(serializers.Serializer[Any]):
    waiting = serializers.IntegerField()
    failed = serializers.IntegerField()
    oldest_waiting = serializers.DateTimeField(allow_null=True)
    newest_scored = serializers.DateTimeField(allow_null=True)
    scored_last_minute = serializers.IntegerField()
