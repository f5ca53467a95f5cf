"""Endpoints of what is unusual, and of how it is detected."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import JobSerializer
from apps.core.errors import InvalidInput
from apps.market.access import AnalystView, validated
from apps.market.models import Detector
from apps.market.payloads import anomaly_payload
from apps.market.selectors.anomalies import anomaly_list, detector_list
from apps.market.services.anomalies import detection_tune_start
from apps.market.tuning import WANTED

MOST = 200


class DetectorSerializer(serializers.ModelSerializer[Detector]):
    class Meta:
        model = Detector
        fields = [
            "kind",
            "threshold",
            "wanted",
            "found",
            "false_alarms",
            "reached",
            "stories",
            "tuned_at",
        ]
        read_only_fields = fields


class TuneInput(serializers.Serializer[Any]):
    false_alarms = serializers.FloatField(
        default=WANTED, help_text="accepted of each kind for each company in 30 days"
    )


class AnomalyListView(AnalystView):
    """What was unusual in the last 30 days, newest first."""

    @extend_schema(
        parameters=[
            OpenApiParameter("company", OpenApiTypes.INT),
            OpenApiParameter("kind", enum=Detector.Kind.values),
            OpenApiParameter("watchlist", OpenApiTypes.BOOL, description="one's own alone"),
        ],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request) -> Response:
        query = request.query_params
        company, kind = query.get("company", ""), query.get("kind", "")
        if company and not company.isdecimal():
            raise InvalidInput("'company' must be a number.", fields={"company": "is no number"})
        if kind and kind not in Detector.Kind.values:
            raise InvalidInput(
                "'kind' must be one of %(values)s.",
                fields={"kind": "unknown"},
                values=", ".join(Detector.Kind.values),
            )
        rows = anomaly_list(
            company=int(company[:9]) if company else None,
            kind=kind,
            watched_by=request.user.pk if query.get("watchlist") in ("1", "true") else None,
        )
        return Response({"results": [anomaly_payload(one) for one in rows[:MOST]]})


class DetectionView(AnalystView):
    """How each kind is detected, with its false alarms; POST tunes it anew, as a job."""

    @extend_schema(responses=DetectorSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response({"results": DetectorSerializer(detector_list(), many=True).data})

    @extend_schema(request=TuneInput, responses=JobSerializer)
    def post(self, request: Request) -> Response:
        data = validated(TuneInput(data=request.data))
        job = detection_tune_start(actor=request.user, wanted=data["false_alarms"])
        return Response(JobSerializer(job).data, status=202)
