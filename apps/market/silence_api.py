"""Endpoints of silences, each its owner's alone."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.market.access import AnalystView, validated
from apps.market.models import Silence
from apps.market.selectors import silences
from apps.market.services.silences import SilenceInput, silence_create, silence_end


class SilenceSerializer(serializers.ModelSerializer[Silence]):
    kept = serializers.IntegerField(default=0)

    class Meta:
        model = Silence
        fields = [
            "id",
            "kind",
            "rule",
            "company",
            "sector",
            "topic",
            "about",
            "reason",
            "starts_at",
            "ends_at",
            "ended_early",
            "kept",
        ]
        read_only_fields = fields


class SilenceInputSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField()
    rule = serializers.IntegerField(required=False, source="rule_id")
    company = serializers.IntegerField(required=False, source="company_id")
    sector = serializers.CharField(required=False)
    topic = serializers.CharField(required=False)
    starts_at = serializers.DateTimeField(required=False)
    ends_at = serializers.DateTimeField()
    reason = serializers.CharField()


class SilenceListView(AnalystView):
    """The caller's silences (``active=1``: those that hold now); POST starts one."""

    serializer_class = SilenceSerializer

    @extend_schema(parameters=[OpenApiParameter("active")], responses=SilenceSerializer(many=True))
    def get(self, request: Request) -> Response:
        if request.query_params.get("active"):
            found = silences.silences_active(owner=request.user)
        else:
            found = list(silences.silence_list(owner=request.user)[:200])
        return Response({"results": SilenceSerializer(found, many=True).data})

    @extend_schema(request=SilenceInputSerializer)
    def post(self, request: Request) -> Response:
        data = validated(SilenceInputSerializer(data=request.data))
        silence = silence_create(actor=request.user, wanted=SilenceInput(**data))
        return Response(SilenceSerializer(silence).data, status=201)


class SilenceEndView(AnalystView):
    """End one of the caller's silences now."""

    serializer_class = SilenceSerializer

    @extend_schema(request=None)
    def post(self, request: Request, silence_id: int) -> Response:
        silence = silence_end(actor=request.user, silence_id=silence_id)
        return Response(SilenceSerializer(silence).data)
