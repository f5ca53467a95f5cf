"""The bodies of what the team keeps under ``/api/v1/recommend/``."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.recommend.models import BusinessRule, Experiment


class WeightsSerializer(serializers.Serializer[Any]):
    weights = serializers.DictField(child=serializers.FloatField())
    defaults = serializers.DictField(child=serializers.FloatField())


class WeightsInput(serializers.Serializer[Any]):
    weights = serializers.DictField(
        child=serializers.FloatField(allow_null=True), allow_empty=False
    )


class GraphSerializer(serializers.Serializer[Any]):
    """The graph of nearest items; ``state``: small (too few items for one), none, ready, outdated
    or refused. ``tombstones`` of its vectors are passed over, ``beside`` are searched exactly."""

    state = serializers.ChoiceField(choices=["small", "none", "ready", "outdated", "refused"])
    vectors = serializers.IntegerField()
    tombstones = serializers.IntegerField()
    beside = serializers.IntegerField()
    megabytes = serializers.FloatField()
    built_at = serializers.DateTimeField(allow_null=True)
    problem = serializers.CharField(allow_blank=True)


class LinksSerializer(serializers.Serializer[Any]):
    """The links between items, fitted to behaviour."""

    state = serializers.ChoiceField(choices=["none", "ready", "outdated", "damaged"])
    items = serializers.IntegerField()
    megabytes = serializers.FloatField()
    fitted_at = serializers.DateTimeField(allow_null=True)
    problem = serializers.CharField(allow_blank=True)


class IndexSerializer(serializers.Serializer[Any]):
    """What recommendations are computed from; ``head`` is the catalogue's revision, ``revision``
    that which the process that answers has read."""

    items = serializers.IntegerField()
    shown = serializers.IntegerField()
    tombstones = serializers.IntegerField()
    without_vector = serializers.IntegerField()
    stale = serializers.IntegerField()
    same_text = serializers.IntegerField()
    dimensions = serializers.IntegerField()
    megabytes = serializers.FloatField()
    encoder = serializers.CharField(allow_blank=True)
    serving_encoder = serializers.CharField(allow_blank=True)
    revision = serializers.IntegerField()
    head = serializers.IntegerField()
    graph = GraphSerializer()
    links = LinksSerializer()


class RebuildSerializer(serializers.Serializer[Any]):
    job = serializers.UUIDField()


class RuleInput(serializers.Serializer[Any]):
    """A business rule; ``reader`` is whose page a preview is about (the latest when left out)."""

    name = serializers.CharField(max_length=120)
    action = serializers.ChoiceField(choices=BusinessRule.Action.choices)
    conditions = serializers.DictField(required=False)
    amount = serializers.FloatField(required=False, allow_null=True)
    per = serializers.ChoiceField(
        choices=BusinessRule.Per.choices, required=False, allow_blank=True
    )
    priority = serializers.IntegerField(required=False)
    enabled = serializers.BooleanField(required=False)
    audience = serializers.CharField(max_length=90, required=False, allow_blank=True)
    starts_at = serializers.DateTimeField(required=False, allow_null=True)
    ends_at = serializers.DateTimeField(required=False, allow_null=True)
    reader = serializers.CharField(max_length=120, required=False)


def checked_rule(data: Any) -> dict[str, Any]:
    """The body of a rule; raises DRF's ``ValidationError``."""
    body = RuleInput(data=data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


class RuleSerializer(RuleInput):
    """A rule as it is stored, with what it does in words, how it stands now, and how many of the
    items that readers are shown it is about."""

    id = serializers.IntegerField()
    sentence = serializers.CharField()
    state = serializers.ChoiceField(choices=BusinessRule.State.choices)
    fits = serializers.IntegerField()


class MoveSerializer(serializers.Serializer[Any]):
    item_id = serializers.CharField()
    title = serializers.CharField()
    place = serializers.IntegerField()
    before = serializers.IntegerField(allow_null=True)


class RulePreviewSerializer(serializers.Serializer[Any]):
    sentence = serializers.CharField()
    fits = serializers.IntegerField()
    reader = serializers.CharField()
    after = MoveSerializer(many=True)
    gone = serializers.ListField(child=serializers.CharField())


class ArmSerializer(serializers.Serializer[Any]):
    """An arm; ``settings``: rules (true or false), familiarity, diversity, exploration."""

    name = serializers.CharField(max_length=40)
    share = serializers.FloatField()
    settings = serializers.DictField(required=False)


class ExperimentInput(serializers.Serializer[Any]):
    """A plan: ``baseline`` is the share of readers who do ``metric`` now, ``lift`` the relative
    change to find."""

    key = serializers.SlugField(max_length=40, required=False)
    name = serializers.CharField(max_length=120)
    layer = serializers.SlugField(max_length=40, required=False)
    metric = serializers.CharField(max_length=16)
    baseline = serializers.FloatField()
    lift = serializers.FloatField()
    power = serializers.FloatField(required=False)
    alpha = serializers.FloatField(required=False)
    window_hours = serializers.IntegerField(required=False)
    arms = ArmSerializer(many=True)


class ExperimentSerializer(serializers.ModelSerializer[Experiment]):
    class Meta:
        model = Experiment
        fields = [
            "key",
            "name",
            "layer",
            "status",
            "arms",
            "metric",
            "baseline",
            "lift",
            "power",
            "alpha",
            "needed",
            "window_hours",
            "started_at",
            "stopped_at",
        ]
        read_only_fields = fields
