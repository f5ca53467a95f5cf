"""What the door of the models answers, for the schema: predictions by kind, and problems."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from apps.core.api import PROBLEM_JSON


class _Prediction(serializers.Serializer[Any]):
    truncated = serializers.BooleanField(
        help_text="the text is longer than the model reads, and a part of it was left out"
    )
    version = serializers.CharField()


class ScoredLabelSerializer(serializers.Serializer[Any]):
    label = serializers.CharField()  # type: ignore[assignment]
    score = serializers.FloatField()


class LabelPrediction(_Prediction):
    label = serializers.CharField()  # type: ignore[assignment]
    confidence = serializers.FloatField(help_text="calibrated, in [0, 1]")
    scores = ScoredLabelSerializer(many=True, help_text="the best five")
    out_of_scope = serializers.FloatField(
        allow_null=True, help_text="the probability of that; null where the model tells none"
    )
    in_scope = serializers.BooleanField()
    confident = serializers.BooleanField(help_text="above the accept threshold")


class LabelsPrediction(_Prediction):
    labels = serializers.ListField(child=serializers.CharField(), help_text="those that hold")
    scores = ScoredLabelSerializer(many=True)


class EntitySerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    start = serializers.IntegerField(help_text="in characters")
    end = serializers.IntegerField(help_text="of the first one behind it")
    score = serializers.FloatField()


class EntitiesPrediction(_Prediction):
    entities = EntitySerializer(many=True)


class PersonalSpanSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField()
    text = serializers.CharField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    value = serializers.CharField(help_text="the same however it was written")
    score = serializers.FloatField()


class PersonalDataPrediction(_Prediction):
    spans = PersonalSpanSerializer(many=True)


class VectorPrediction(_Prediction):
    vector = serializers.ListField(child=serializers.FloatField(), help_text="of unit length")


PREDICTIONS = PolymorphicProxySerializer(
    component_name="ModelhubPrediction",
    serializers=[
        *(LabelPrediction, LabelsPrediction, EntitiesPrediction),
        *(PersonalDataPrediction, VectorPrediction),
    ],
    resource_type_field_name=None,
    many=True,
)
"""One for each text, of the kind of the task's model."""


@extend_schema_field(PREDICTIONS)
class PredictionsField(serializers.ListField):
    """Predictions as :func:`apps.modelhub.payloads.prediction_payload` writes them."""


class ProblemSerializer(serializers.Serializer[Any]):
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="stable, for programs")
    detail = serializers.CharField(help_text="for people")
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.CharField(), required=False, help_text="what is wrong with which field"
    )


PROBLEMS = {(status, PROBLEM_JSON): ProblemSerializer for status in (400, 401, 403, 422, 429, 503)}
"""How a request ends that is not answered: wrong, not allowed, too many, or a model that is busy or
not there."""
