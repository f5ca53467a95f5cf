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
from apps.modelhub.selectors.weekly import weekly
from apps.modelhub.weekly_report import week_asked, week_payload


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
    unprofiled = serializers.DictField(
        allow_null=True, help_text="why drift is null for good, and the task that tells of it"
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


class WeekInput(serializers.Serializer[Any]):
    week = serializers.CharField(
        required=False, max_length=10, help_text="a day of the week; the last whole one without"
    )


class TaskWeekOutput(serializers.Serializer[Any]):
    task = serializers.CharField()
    worse = serializers.BooleanField(
        help_text="fewer answers were left as they were, beyond the intervals"
    )
    now = serializers.DictField()
    before = serializers.DictField()
    moved = serializers.ListField(child=serializers.DictField())
    alarms = serializers.ListField(child=serializers.DictField())
    promotions = serializers.ListField(child=serializers.DictField())


class WeekOutput(serializers.Serializer[Any]):
    until = serializers.DateTimeField(help_text="its end; ``from`` is its begin")
    tasks = TaskWeekOutput(many=True)


class WeekView(APIView):
    """The report of a week, each task beside the week before."""

    @extend_schema(parameters=[WeekInput], responses=WeekOutput)
    def get(self, request: Request) -> Response:
        require(request, "modelhub.view_models")
        start = week_asked(request.query_params.get("week", ""))
        return Response(week_payload(start, weekly(start=start)))


urlpatterns = [
    path("monitoring/", MonitoringView.as_view(), name="api-monitoring"),
    path("monitoring/week/", WeekView.as_view(), name="api-monitoring-week"),
]
