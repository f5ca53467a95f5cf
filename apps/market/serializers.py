"""What goes in and out of the HTTP API of Market: articles, companies, sources.

Alerts and rules are in :mod:`apps.market.alert_serializers`.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.market.models import Article, Company, Score, Source
from apps.market.selectors.sources import clocks_ahead


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
            "delisted_on",
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
    similar = serializers.IntegerField(read_only=True, help_text="how often it was told again")
    amended = serializers.CharField(
        read_only=True, help_text="corrected or retracted, if the story was since"
    )

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
            "similar",
            "correction",
            "amended",
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


class SourceSerializer(serializers.ModelSerializer[Source]):
    """A source; ``clock_ahead`` counts what it dated in the future in the last 24 hours."""

    clock_ahead = serializers.SerializerMethodField()
    error = serializers.CharField(source="error_words", read_only=True)

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


class KnownFeedSerializer(serializers.Serializer[Any]):
    """A public feed that nobody follows yet."""

    name = serializers.CharField(read_only=True)
    url = serializers.CharField(max_length=2000)
    licence = serializers.CharField(read_only=True)
    time_zone = serializers.CharField(read_only=True)
    interval_seconds = serializers.IntegerField(read_only=True)


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
