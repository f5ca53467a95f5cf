"""Endpoints of trials, under ``/api/v1/models/trials/``."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.modelhub import selectors
from apps.modelhub.access import require
from apps.modelhub.api import TASK_NAME
from apps.modelhub.models import Trial
from apps.modelhub.services import trials

_SHOWN = 100


class TrialSerializer(serializers.ModelSerializer[Trial]):
    agreement = serializers.FloatField(read_only=True, allow_null=True)
    candidate_mean_ms = serializers.FloatField(read_only=True, allow_null=True)
    live_mean_ms = serializers.FloatField(read_only=True, allow_null=True)
    candidate_mean_confidence = serializers.FloatField(read_only=True, allow_null=True)
    live_mean_confidence = serializers.FloatField(read_only=True, allow_null=True)

    class Meta:
        model = Trial
        fields = [
            *("id", "task", "kind", "live", "candidate", "percent", "state", "reason"),
            *("ended_because", "compared", "agreed", "agreement", "differences", "failures"),
            *("candidate_texts", "candidate_mean_ms", "candidate_mean_confidence"),
            *("live_texts", "live_mean_ms", "live_mean_confidence", "started_at", "ended_at"),
        ]
        read_only_fields = fields


class TrialInput(serializers.Serializer[Any]):
    task = serializers.RegexField(TASK_NAME)
    version = serializers.CharField(max_length=100)
    kind = serializers.ChoiceField(choices=Trial.Kind.choices)
    percent = serializers.IntegerField(min_value=1, max_value=100, default=10)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)


class StopInput(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)


class TrialListView(APIView):
    """Versions that are or were tried on live traffic, the last first; POST starts a trial."""

    @extend_schema(responses=TrialSerializer(many=True))
    def get(self, request: Request) -> Response:
        require(request, "modelhub.view_models")
        found = selectors.trial_list(task=request.query_params.get("task", ""))[:_SHOWN]
        return Response(TrialSerializer(found, many=True).data)

    @extend_schema(request=TrialInput, responses={201: TrialSerializer})
    def post(self, request: Request) -> Response:
        require(request, "modelhub.promote")
        body = TrialInput(data=request.data)
        body.is_valid(raise_exception=True)
        trial = trials.trial_start(actor=signed_in(request), **body.validated_data)
        return Response(TrialSerializer(trial).data, status=201)


class TrialStopView(APIView):
    """End a trial: the live version answers everything again."""

    @extend_schema(request=StopInput, responses=TrialSerializer)
    def post(self, request: Request, trial_id: int) -> Response:
        require(request, "modelhub.promote")
        body = StopInput(data=request.data)
        body.is_valid(raise_exception=True)
        trial = trials.trial_stop(
            actor=signed_in(request), trial_id=trial_id, **body.validated_data
        )
        return Response(TrialSerializer(trial).data)


urlpatterns = [
    path("trials/", TrialListView.as_view(), name="api-trials"),
    path("trials/<int:trial_id>/stop/", TrialStopView.as_view(), name="api-trial-stop"),
]
