"""What stands behind one prediction, under ``/api/v1/models/explain/``, for team leads."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.modelhub.access import require
from apps.modelhub.explaining import MAX_CHARACTERS
from apps.modelhub.nearest import nearest_rows
from apps.modelhub.opinions import opinions

_TASK = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$"


class AskedInput(serializers.Serializer[Any]):
    task = serializers.RegexField(_TASK)
    text = serializers.CharField(max_length=MAX_CHARACTERS)


class NearestInput(AskedInput):
    version = serializers.RegexField(_TASK, required=False, help_text="the live one, without")


class OpinionOutput(serializers.Serializer[Any]):
    version = serializers.CharField()
    active = serializers.BooleanField()
    created_at = serializers.CharField()
    run = serializers.IntegerField(allow_null=True, help_text="that made it here")
    words = serializers.CharField(help_text="the label, the labels or the entities")
    confidence = serializers.FloatField(allow_null=True)
    differs = serializers.BooleanField(help_text="from the live version")
    prediction = serializers.DictField(allow_null=True)
    problem = serializers.CharField(help_text="why it could not be asked")


class OpinionsOutput(serializers.Serializer[Any]):
    rows = OpinionOutput(many=True)
    left_out = serializers.IntegerField(help_text="older versions that were not asked")


class NeighbourOutput(serializers.Serializer[Any]):
    text = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    cosine = serializers.FloatField()


class NearestOutput(serializers.Serializer[Any]):
    version = serializers.CharField()
    run = serializers.IntegerField(
        allow_null=True, source="run.pk", default=None, help_text="whose rows these are"
    )
    rows = NeighbourOutput(many=True)


def _body(shape: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(body.validated_data)
    return values


class OpinionsView(APIView):
    """What the live version and the newest others of a task say of a text."""

    @extend_schema(request=AskedInput, responses=OpinionsOutput, operation_id="models_opinions")
    def post(self, request: Request) -> Response:
        require(request, "modelhub.view_models")
        return Response(OpinionsOutput(opinions(**_body(AskedInput, request))).data)


class NearestView(APIView):
    """The rows nearest to a text, of what its version was trained on."""

    @extend_schema(request=NearestInput, responses=NearestOutput, operation_id="models_nearest")
    def post(self, request: Request) -> Response:
        require(request, "modelhub.view_examples")
        values = _body(NearestInput, request)
        return Response(NearestOutput(nearest_rows(person=signed_in(request), **values)).data)


urlpatterns = [
    path("explain/versions/", OpinionsView.as_view(), name="api-explain-versions"),
    path("explain/nearest/", NearestView.as_view(), name="api-explain-nearest"),
]
