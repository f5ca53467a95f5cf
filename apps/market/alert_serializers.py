"""What goes in and out of the HTTP API of Market: alerts and the rules that raise them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.market.models import Alert, Rule
from apps.market.wording import rule_sentence
from ml.evaluation.wilson import wilson


class AlertSerializer(serializers.Serializer[Alert]):
    """Described for the schema; the body is ``apps.market.payloads.alert_payload``."""

    id = serializers.IntegerField()
    rule = serializers.JSONField()
    article = serializers.JSONField()
    story = serializers.IntegerField()
    similar = serializers.IntegerField()
    company = serializers.JSONField(allow_null=True)
    companies = serializers.JSONField(help_text="those in the article, each with its sentiment")
    label = serializers.CharField()  # type: ignore[assignment]
    probability = serializers.FloatField()
    confident = serializers.BooleanField(help_text="false: the model was unsure of the label")
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
    reasons = serializers.JSONField(help_text="of rules by meaning, or about what is unusual")
    because = serializers.CharField(help_text="the same in words; empty for other rules")


class AcknowledgeInput(serializers.Serializer[Any]):
    comment = serializers.CharField(required=False, allow_blank=True)


class Acknowledged(serializers.Serializer[Any]):
    acknowledged = serializers.IntegerField()


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
