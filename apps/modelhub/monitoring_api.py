"""``/api/v1/models/monitoring/``: live traffic and drift of a task."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.modelhub import monitoring_report
from apps.modelhub.access import require
from apps.modelhub.api import TASK_NAME


class MonitoringInput(serializers.Serializer[Any]):
    task = serializers.RegexField(TASK_NAME)
    days = serializers.IntegerField(min_value=1, max_value=90, default=1)


class MonitoringOutput(serializers.Serializer[Any]):
    task = serializers.CharField()
    version = serializers.CharField(help_text="the live one")
    since = serializers.DateTimeField()
    texts = serializers.IntegerField()
    versions = serializers.DictField(child=serializers.IntegerField())
    points = serializers.ListField(child=serializers.DictField())
    confidences = serializers.ListField(
        child=serializers.IntegerField(), help_text="answers in twenty equal bins of confidence"
    )
    labels = serializers.ListField(child=serializers.DictField())
    corrected = serializers.ListField(child=serializers.DictField())
    drift = serializers.DictField(
        allow_null=True, help_text="null when the training texts are not known"
    )
    alarms = serializers.ListField(child=serializers.DictField())


class MonitoringView(APIView):
    """What the live versions of a task were asked and answered, and whether it has drifted."""

    @extend_schema(parameters=[MonitoringInput], responses=MonitoringOutput)
    def get(self, request: Request) -> Response:
        require(request, "modelhub.view_models")
        asked = MonitoringInput(data=request.query_params)
        asked.is_valid(raise_exception=True)
        since = timezone.now() - timedelta(days=asked.validated_data["days"])
        found = monitoring_report.report(task=asked.validated_data["task"], since=since)
        return Response(monitoring_report.report_payload(found))


urlpatterns = [path("monitoring/", MonitoringView.as_view(), name="api-monitoring")]
